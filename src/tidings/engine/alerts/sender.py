"""Sends alerts: looks every few seconds at what is open, and gives each channel what it is to hear.

What a channel has heard is marked in the store behind each message, so that a stop between both
sends it once more and never less. A channel that takes nothing is asked again with pauses that grow
to a quarter of an hour, shows why, and holds up no other: each has at most one call at a time, and
an org leaves places to others. Of what has ended a channel hears for a day, of what is open for as
long as that stands.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.alerts.answers import AlertResult, next_try_s
from tidings.core.alerts.channel import ChannelType
from tidings.core.alerts.incident import OpenIncident
from tidings.core.alerts.plan import (
    PER_MINUTE,
    AlertAct,
    AlertMark,
    AlertMessage,
    ChannelTimes,
    mark_sent,
    plan_alerts,
)
from tidings.core.ids import OrgId
from tidings.core.running.lease import OwnerLease
from tidings.core.running.service_part import ServicePart
from tidings.core.shares.budget import SharedBudget
from tidings.core.times import exact
from tidings.engine.alerts.carrier import AlertCarrier
from tidings.engine.alerts.channels import AlertChannels, LiveChannel
from tidings.engine.alerts.incident_facts import IncidentFacts
from tidings.engine.alerts.surroundings import AlertSurroundings
from tidings.engine.clock import Clock
from tidings.engine.families import AwayFamilies
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.outage import Outage
from tidings.engine.running.metric_families import labelled_values
from tidings.store import port

ROUND_S = 5.0
CALLS = 16  # at a time; an org has as many as it leaves to others
LETTERS = 8  # that wait for the mail server, which takes one at a time
MARKS_MAX = 1000  # incidents of which one channel has heard; of further ones it hears when some end
GIVE_UP_MS = 86_400_000
BROKEN_NOTICE_MS = 300_000  # a channel that takes nothing for so long is told of
STOP_S = 2.0  # for calls that are under way at a stop
NOTICE = "alert channels"
PART = ServicePart("alerts", "alert channels are not told of incidents")

Key = tuple[str, str]  # channel and incident

_mark = msgspec.json.Decoder(AlertMark).decode
log = structlog.get_logger(__name__)


class ChannelState(msgspec.Struct):
    """The state of a channel in memory."""

    tries: int = 0  # that have failed since it has taken something
    due_ms: int = 0  # when it is asked again
    failing_ms: int = 0  # since when it takes nothing; 0: it does
    error: str = ""  # of the last try; empty where that was taken
    error_ms: int = 0
    taken_ms: int = 0
    is_busy: bool = False
    sent_ms: deque[int] = msgspec.field(default_factory=lambda: deque[int](maxlen=PER_MINUTE))


class AlertSender(Collector):
    """The rounds, and the metrics of them for Prometheus."""

    def __init__(
        self,
        *,
        store: port.AlertStore,
        channels: AlertChannels,
        incidents: IncidentFacts,
        carrier: AlertCarrier,
        clock: Clock,
        lease: OwnerLease,
        surroundings: AlertSurroundings,
        families: AwayFamilies | None = None,
    ) -> None:
        """Nothing is sent of an org of `families` that is not here; None: all are."""
        self._store = store
        self._channels = channels
        self._incidents = incidents
        self._carrier = carrier
        self._clock = clock
        self._lease = lease
        self._surroundings = surroundings
        self._families = families
        self._marks: dict[str, dict[str, AlertMark]] = {}
        self._orgs: dict[Key, OrgId] = {}  # whose incident it is, of marks that end
        self._unwritten: set[Key] = set()
        self._states: defaultdict[str, ChannelState] = defaultdict(ChannelState)
        self._calls = SharedBudget[OrgId](CALLS)
        self._letters = SharedBudget[OrgId](LETTERS)
        self._sending: set[asyncio.Task[None]] = set()
        self._outage = Outage("what alert channels have heard")
        self._loaded = False
        channels.changed.add(self._look_again)
        self.counts: Counter[tuple[str, str]] = Counter()

    def state(self, channel_id: str) -> ChannelState:
        """Return how a channel does."""
        return self._states.get(channel_id) or ChannelState()

    def note_test(self, channel: LiveChannel, result: AlertResult) -> None:
        """Note what came of a test message: one that was taken ends the pause of a channel."""
        self._note(channel, result)

    def _look_again(self, org: OrgId) -> None:
        """End the pauses of an org's channels: one of them is set anew."""
        for channel in self._channels.of(org):
            if (state := self._states.get(channel.id)) is not None:
                state.due_ms = 0

    async def run(self, heart: Heart | None = None) -> None:
        """Send until cancelled; what is under way then is sent again by the next start."""
        heart = heart or unwatched_heart()
        try:
            while True:
                heart.beat()
                if self._lease.holds():
                    with self._outage:
                        await self.load()
                        await self._write()
                    if self._loaded:
                        await self.look()
                await heart.sleep(ROUND_S)
        finally:
            await self.stop()

    async def settle(self) -> None:
        """Wait for what is under way, and write what was heard. For tests."""
        while self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)
        with self._outage:
            await self._write()

    async def close(self) -> None:
        """Give what is under way a moment to end, and write what was heard. For a stop, which no
        channel may hold up."""
        if sending := [*self._sending]:
            await asyncio.wait(sending, timeout=STOP_S)
        await self.stop()
        with self._outage:
            await self._write()

    async def stop(self) -> None:
        """End what is under way: the next start sends it again. Idempotent."""
        sending = [*self._sending]
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    async def look(self) -> None:
        """Begin what is to be sent now. Others have their turn behind each channel, for an org may
        have many channels and many incidents."""
        now_ms = self._clock.now_ms()
        by_org: defaultdict[OrgId, list[OpenIncident]] = defaultdict(list)
        if (opened := self._incidents.open()) is None:
            return
        for incident in opened:
            if not self._is_away(incident.org):
                by_org[incident.org].append(incident)
        for channel in self._channels.all():
            incidents = by_org.get(channel.org, ())
            if channel.is_operators:
                incidents = [incident for found in by_org.values() for incident in found]
            is_asked = channel.settings.enabled and not self._is_away(channel.org)
            if is_asked and (incidents or self._marks.get(channel.id)):
                if self._channels.find(channel.id) == channel:
                    self._look_at(channel, incidents, now_ms)
                await asyncio.sleep(0)
        channels = self._channels.all()
        self._forget_gone({channel.id for channel in channels})
        self._tell_broken(channels, now_ms)

    def _look_at(
        self, channel: LiveChannel, incidents: Iterable[OpenIncident], now_ms: int
    ) -> None:
        state = self._states[channel.id]
        if state.is_busy or now_ms < state.due_ms <= now_ms + GIVE_UP_MS:
            return
        marks = {
            id: mark
            for id, mark in self._marks.get(channel.id, {}).items()
            if not self._is_away(mark.incident.org)  # it may have ended elsewhere, or not
        }
        settings = channel.settings
        room = MARKS_MAX - len(marks)
        heard = [incident for incident in incidents if incident.id in marks]
        fresh = [incident for incident in incidents if incident.id not in marks]
        times = ChannelTimes(
            settings.delay_s * 1000,
            settings.quiet,
            zone=self._surroundings.zone(channel.org),
            sent_ms=[*state.sent_ms],
        )
        acknowledges = settings.type is ChannelType.PAGERDUTY
        plan = plan_alerts([*heard, *fresh[:room]], marks, times, now_ms, acknowledges=acknowledges)
        for id in plan.ended:
            self._set(channel.id, id, None)
        messages = plan.messages
        if state.failing_ms and now_ms - state.failing_ms > GIVE_UP_MS:
            messages = self._give_up(channel, messages)
        places = self._letters if settings.type is ChannelType.EMAIL else self._calls
        if messages and places.take(channel.org):
            state.is_busy = True
            task = asyncio.ensure_future(self._send_all(channel, messages, places))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send_all(
        self,
        channel: LiveChannel,
        messages: Sequence[AlertMessage],
        places: SharedBudget[OrgId],
    ) -> None:
        state = self._states[channel.id]
        try:
            for message in messages:
                if self._channels.find(channel.id) != channel or not self._lease.holds():
                    return
                result = await self._carrier.carry(channel, message)
                if result is None:
                    return  # nothing of it has left
                if result.is_taken:
                    now_ms, before = self._clock.now_ms(), self._marks.get(channel.id, {})
                    state.sent_ms.append(now_ms)
                    heard = mark_sent(message, before, now_ms)
                    for incident in message.incidents:
                        self._set(channel.id, incident.id, None)
                    for id, mark in heard.items():
                        self._set(channel.id, id, mark)
                    with self._outage:
                        await self._write()  # what is shown as sent is not sent again after a kill
                self._note(channel, result)
                if not result.is_taken:
                    return
        finally:
            state.is_busy = False
            places.give(channel.org)

    def _note(self, channel: LiveChannel, result: AlertResult) -> None:
        state, now_ms = self._states[channel.id], self._clock.now_ms()
        kind = str(channel.settings.type)
        if result.is_taken:
            self.counts[kind, "sent"] += 1
            if state.error:
                log.info("an alert channel takes messages again", channel=channel.id)
            state.tries = state.due_ms = state.failing_ms = 0
            state.error, state.taken_ms = "", now_ms
            return
        self.counts[kind, "failed"] += 1
        if not state.error:
            log.warning("an alert channel takes nothing", channel=channel.id, reason=result.error)
        state.tries += 1
        state.due_ms = now_ms + round(1000 * next_try_s(state.tries, result.wait_s))
        state.failing_ms = state.failing_ms or now_ms
        state.error, state.error_ms = result.error, now_ms

    def _give_up(
        self, channel: LiveChannel, messages: Sequence[AlertMessage]
    ) -> list[AlertMessage]:
        """Give up ends of incidents that a channel has not taken for a day; return the others, for
        what still is open is tried on."""
        state = self._states[channel.id]
        for message in messages:
            if message.act is AlertAct.ENDED:
                for incident in message.incidents:
                    self._set(channel.id, incident.id, None)
                self.counts[str(channel.settings.type), "given_up"] += 1
                log.error("an alert is given up", channel=channel.id, reason=state.error)
        return [message for message in messages if message.act is not AlertAct.ENDED]

    def _tell_broken(self, channels: Sequence[LiveChannel], now_ms: int) -> None:
        broken = [
            channel
            for channel in channels
            if 0 < self.state(channel.id).failing_ms <= now_ms - BROKEN_NOTICE_MS
        ]
        if not broken:
            self._surroundings.report("")
            return
        first, more = broken[0], len(broken) - 1
        others = f" So do {more} others." if more else ""
        of = "" if first.is_operators else f" of org {first.org}"
        # What the other side has answered is its own words, and stays with the org.
        self._surroundings.report(
            f"Alert channel {first.id}{of} has taken no message since "
            f"{exact(self.state(first.id).failing_ms)}: GET /v1/alertChannels shows its lastError. "
            f"Correct it or delete it.{others}"
        )

    # -- what channels have heard -----------------------------------------------------------------

    def _set(self, channel: str, incident: str, mark: AlertMark | None) -> None:
        marks = self._marks.setdefault(channel, {})
        before = marks.pop(incident, None)
        if mark is not None:
            marks[incident] = mark
        known = mark or before
        if known is not None:
            self._orgs[channel, incident] = known.incident.org
            self._unwritten.add((channel, incident))

    def _forget_gone(self, channels: set[str]) -> None:
        for id in [id for id in self._marks if id not in channels]:
            for incident in [*self._marks[id]]:
                self._set(id, incident, None)
            del self._marks[id]
        for id in [id for id, state in self._states.items() if not state.is_busy]:
            if id not in channels:
                del self._states[id]

    async def load(self) -> None:
        """Take up what channels had heard from a former owner, once. StoreDown."""
        if self._loaded:
            return
        for stored in await self._store.alert_marks():
            mark = _mark(stored.mark)
            self._marks.setdefault(stored.channel, {}).setdefault(stored.incident, mark)
        self._loaded = True

    async def _write(self) -> None:
        """Write what is not written yet. StoreDown: it stays so."""
        keys = [*self._unwritten]
        if not keys:
            return
        kept: list[port.StoredAlertMark] = []
        over: list[port.StoredAlertMark] = []
        for key in keys:
            channel, incident = key
            mark = self._marks.get(channel, {}).get(incident)
            text = b"" if mark is None else msgspec.json.encode(mark)
            row = port.StoredAlertMark(channel, incident, org=self._orgs[key], mark=text)
            (over if mark is None else kept).append(row)
        self._unwritten.difference_update(keys)
        try:
            if kept:
                await self._store.put_alert_marks(kept)
            if over:
                await self._store.drop_alert_marks(over)
        except BaseException:
            self._unwritten.update(keys)
            raise
        for key in keys:
            if key not in self._unwritten:
                self._orgs.pop(key, None)

    def _is_away(self, org: OrgId) -> bool:
        return self._families is not None and self._families.is_away(org)

    # -- metrics ----------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        yield labelled_values("alerts", sorted(self.counts.items()))
