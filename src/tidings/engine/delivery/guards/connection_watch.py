"""Watches the connections that attempts could not use: probes them, and says which carry nothing.

The decisions are those of `core/connections/holds.py`. An attempt that could not use its connection
waits here for the probe: where the connection is held it is put back, as if it had not been made;
where it works, the attempt is judged like any other.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

import structlog

from tidings.core.connections.holds import ConnectionHolds, Hold, ProbeOutcome
from tidings.core.delivery.receivers.judgement import ConnectionHold
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import CONNECTION_FAILING, connection_failing
from tidings.core.running.service_part import ServicePart
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.listeners import Listeners, OrgNotices

PART = ServicePart(
    "connections that are down", "what could not use a connection waits, and is not tried again"
)
NOTICES_MAX = 20  # connections that the operator is told of one by one
Decided = Callable[[bool], None]
"""Told whether the connection is held."""

log = structlog.get_logger(__name__)


class ConnectionWatch:
    """Of one process."""

    def __init__(
        self,
        *,
        registry: Registry,
        connection_of: Callable[[Webhook], str],
        probe: Callable[[str], Awaitable[str]],
        clock: Clock,
        moved: Listeners[str],
        notices: OrgNotices,
    ) -> None:
        """`connection_of` a webhook: the one that it goes over, blank for none; `probe` one by its
        name: why it cannot be used, blank where it can; `moved` hears of one that is held, or works
        again; `notices` tell orgs of one that is."""
        self._registry = registry
        self._connection_of = connection_of
        self._probe = probe
        self._clock = clock
        self._moved = moved
        self._notices = notices
        self._holds = ConnectionHolds()
        self._waiting: dict[str, list[Decided]] = {}
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._probing: set[asyncio.Task[None]] = set()

    # -- what lanes ask ---------------------------------------------------------------------------

    def connection_of(self, webhook: Webhook) -> str:
        """Return the name of the connection that it goes over; blank for none."""
        return self._connection_of(webhook)

    def suspect(self, webhook: Webhook, decided: Decided) -> bool:
        """Take an attempt that could not use its connection: `decided` is called at once where that
        is held already, else once it was probed. Return False where it goes over none."""
        if not (connection := self._connection_of(webhook)):
            return False
        now_s = self._loop.time()
        if self._holds.suspect(connection, webhook.number, now_s, self._clock.now_ms()):
            decided(True)
            return True
        self._waiting.setdefault(connection, []).append(decided)
        self._wake.set()
        return True

    def bars(self, webhook: Webhook) -> bool:
        """Return whether nothing of it may start: its connection is held, or it suspects that."""
        if not self._holds:
            return False
        return self._holds.bars(self._connection_of(webhook), webhook.number)

    def hold_of(self, webhook: Webhook) -> Hold | None:
        """Return why nothing goes over its connection; None where something does."""
        return self._holds.hold_of(self._connection_of(webhook)) if self._holds else None

    def of(self, webhook: Webhook) -> ConnectionHold | None:
        """See `Holds.of`."""
        hold = self.hold_of(webhook)
        return None if hold is None else ConnectionHold(hold.connection, hold.reason, hold.since_ms)

    def numbers(self) -> Iterable[int]:
        """See `Holds.numbers`."""
        return [webhook.number for webhook in self.held_webhooks()]

    def held_webhooks(self) -> list[Webhook]:
        """List the webhooks of all orgs whose connection is held."""
        if not self._holds:
            return []
        return [webhook for webhook in self._registry if self.hold_of(webhook) is not None]

    def hasten(self, webhook: Webhook) -> None:
        """Probe its connection at once, where that is held: somebody wants to send now."""
        self._holds.hasten(self._connection_of(webhook), self._loop.time())
        self._wake.set()

    # -- who is told ------------------------------------------------------------------------------

    def held(self) -> list[Hold]:
        """List the connections that carry nothing, by name."""
        return self._holds.held()

    def counts(self) -> Counter[str]:
        """Count the webhooks that wait, by the name of their connection."""
        return Counter(
            {hold.connection: 0 for hold in self.held()}
            | Counter(self._connection_of(webhook) for webhook in self.held_webhooks())
        )

    def notices(self) -> list[str]:
        """List what the operator should know, in sentences."""
        holds = self.held()
        if not holds:
            return []
        counts = self.counts()
        found = [_notice(hold, counts[hold.connection]) for hold in holds[:NOTICES_MAX]]
        if len(holds) > NOTICES_MAX:
            found.append(f"Further connections that are unusable: {len(holds) - NOTICES_MAX:,}.")
        return found

    def _tell_orgs(self, hold: Hold) -> None:
        by_org: dict[OrgId, list[Webhook]] = {}
        for webhook in self.held_webhooks():
            if webhook.sends and self._connection_of(webhook) == hold.connection:
                by_org.setdefault(webhook.org, []).append(webhook)
        for org in self._holds.orgs_to_tell(hold.connection, set(by_org), self._loop.time()):
            names = sorted(webhook.name for webhook in by_org[OrgId(org)])
            fact = connection_failing(hold.connection, names, hold.since_ms, hold.reason)
            self._notices.tell(CONNECTION_FAILING, OrgId(org), fact)

    # -- behind -----------------------------------------------------------------------------------

    async def run(self, heart: Heart | None = None) -> None:
        """Probe what is to be probed, until cancelled."""
        heart = heart or unwatched_heart()
        try:
            while True:
                for connection in self._holds.take_due(self._loop.time()):
                    task = self._loop.create_task(self._look(connection))
                    self._probing.add(task)
                    task.add_done_callback(self._probing.discard)
                await heart.wait(self._wake, self._holds.wait_s(self._loop.time()))
                self._wake.clear()
        finally:
            for task in list(self._probing):
                task.cancel()

    async def _look(self, connection: str) -> None:
        try:
            trouble = await self._probe(connection)
        except asyncio.CancelledError:
            self._holds.probe_lost(connection, self._loop.time())
            raise
        except Exception as error:  # a failure of ours holds nobody
            log.exception("a probe failed", connection=connection, reason=repr(error))
            trouble = ""
        self._decide(connection, trouble)

    def _decide(self, connection: str, trouble: str) -> None:
        before = self._holds.hold_of(connection)
        change = self._holds.probe_ended(connection, self._loop.time(), trouble)
        self._wake.set()
        for decided in self._waiting.pop(connection, ()):
            decided(change is not ProbeOutcome.CLEARED)
        if change is ProbeOutcome.HELD:
            log.error("a connection cannot be used", connection=connection, reason=trouble)
            self._moved.tell(connection)
        elif change is ProbeOutcome.RELEASED:
            since_ms = 0 if before is None else before.since_ms
            lasted_s = round((self._clock.now_ms() - since_ms) / 1000)
            log.info("a connection can be used again", connection=connection, after_s=lasted_s)
            self._moved.tell(connection)
        elif (hold := self._holds.hold_of(connection)) is not None:
            self._tell_orgs(hold)


def _notice(hold: Hold, webhooks: int) -> str:
    since = datetime.fromtimestamp(hold.since_ms / 1000, UTC)
    return (
        f"The connection {hold.connection} has been unusable since {since:%Y-%m-%d %H:%M}Z; "
        f"webhooks that wait for it: {webhooks:,}. {hold.reason} Nothing is charged to them. It is "
        "probed every 5 to 30 s, and sending goes on by itself."
    )
