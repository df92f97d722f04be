"""How the receivers of webhooks do, as rows; and the end of deliveries behind an open breaker."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tidings.core.delivery.exchange import NOT_THE_RECEIVERS
from tidings.core.delivery.receivers.attempt_share import BUCKETS, Past
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.delivery.pending import OF_BLOCK, PendingRows
from tidings.store.sql.delivery.recovery import LOST
from tidings.store.sql.events.changed_blocks import touch
from tidings.store.sql.facts.leaps import LATER
from tidings.store.sql.row_mapping import Projection, StoredTable
from tidings.store.sql.states import HELD, TIMED, is_unfinished

_HEALTH = StoredTable(
    "webhook_health", port.StoredHealth, columns={"notified": "told"}, beside=1
)  # its share is counted from attempts
# A process that goes on for a moment after its family has left writes of webhooks that are gone.
_PUT = _HEALTH.insert_where("EXISTS (SELECT 1 FROM webhook WHERE number = ?1)", "INSERT OR REPLACE")
# Attempts of the last minutes. There is no index by their end: it would dirty a page for nearly
# every delivery, for a question that is asked once. They are those of the newest deliveries.
_LAST = "SELECT coalesce(max(id), 0) FROM delivery"
_FLOOR = "SELECT delivery FROM attempt WHERE delivery > ? ORDER BY delivery DESC LIMIT 1 OFFSET ?"
_TODAYS = "NOT EXISTS (SELECT 1 FROM delivery_replay r WHERE r.delivery = d.id)"
_BUCKET = (
    f"CASE WHEN ended_ms <= :since THEN 0 WHEN (ended_ms - :since) / :bucket > {BUCKETS - 1}"
    f" THEN {BUCKETS - 1} ELSE (ended_ms - :since) / :bucket END"
)


class EndedAttempts(NamedTuple):
    """The number of attempts of a webhook's version that ended the same in a part of the window."""

    webhook: int
    version: int
    bucket: int
    cause: str  # a status, or the kind of a fault; nothing: they succeeded
    attempts: int
    first_ms: int


_ENDED = {"bucket": _BUCKET, "attempts": "count(*)", "first_ms": "min(ended_ms)"}
_OF_SUCCESSES = Projection(EndedAttempts, columns={**_ENDED, "cause": "''"})
_OF_FAILURES = Projection(EndedAttempts, columns=_ENDED)
_GROUP = f"GROUP BY webhook, version, {_BUCKET}"
_SUCCEEDED = (
    f"{_OF_SUCCESSES.select} FROM"
    " (SELECT webhook, version, done_ms AS ended_ms FROM delivery d WHERE id > :above"
    f" AND state = {int(State.DELIVERED)} AND done_ms >= :since AND {_TODAYS}) {_GROUP}"
)
_SAYS_NOTHING = ", ".join(f"'{kind}'" for kind in sorted((*NOT_THE_RECEIVERS, LOST)))
_FAILED = (
    f"{_OF_FAILURES.select} FROM"
    " (SELECT d.webhook, a.version, coalesce(a.kind, CAST(a.status AS TEXT)) AS cause,"
    " a.started_ms + a.duration_ms AS ended_ms FROM attempt a CROSS JOIN delivery d"
    " ON d.id = a.delivery WHERE a.delivery > :above"
    f" AND NOT (d.state = {int(State.DELIVERED)} AND a.number = d.attempts) AND {_TODAYS})"
    f" WHERE ended_ms >= :since AND cause NOT IN ({_SAYS_NOTHING}) {_GROUP}, cause"
)
_BEGAN_AFTER = "SELECT max(version) FROM webhook_version WHERE webhook = ? AND standing <> 'active'"
_EXPIRED = (
    "SELECT d.id FROM delivery d{index} JOIN event e ON e.seq = d.event"
    " LEFT JOIN delivery_replay r ON r.delivery = d.id"  # its window began when it was made
    f" WHERE {{unfinished}} AND coalesce(r.at_ms, e.at_ms) + {LATER} < :before_ms"
    " ORDER BY d.id LIMIT :limit"
)
_EXPIRED_HELD = _EXPIRED.format(
    index="",
    unfinished=f"d.webhook = :webhook AND {is_unfinished('d')} AND d.state = {HELD}"
    " AND d.key IS NOT NULL",
)
_EXPIRED_PENDING = _EXPIRED.format(index=" INDEXED BY delivery_pending", unfinished=OF_BLOCK)
# A retry without a due time is in flight, and its own ending decides.
_EXPIRED_TIMED = _EXPIRED.format(
    index="",
    unfinished=f"d.webhook = :webhook AND d.state IN ({TIMED}) AND d.due_ms IS NOT NULL",
)
_PARK = (
    f"UPDATE delivery SET state = {int(State.PARKED)}, done_ms = ?, due_ms = NULL WHERE id = ?"
    " RETURNING key"
)


class HealthRows:
    """Shares the writer's connection."""

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        free_next: Callable[[int, int, State | None], object],
    ) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._free_next = free_next
        self._pending = PendingRows(connection)

    @answers(port.Store.put_healths)
    def put(self, healths: Sequence[port.StoredHealth]) -> None:
        with self._connection:
            for health in healths:
                if health == port.StoredHealth(health.webhook):
                    self._connection.execute(
                        "DELETE FROM webhook_health WHERE webhook = ?", (health.webhook,)
                    )
                else:
                    self._connection.execute(_PUT, _HEALTH.write(health))

    @answers(port.Store.healths)
    def all(self) -> list[port.StoredHealth]:
        rows = self._connection.execute(f"{_HEALTH.select} ORDER BY webhook")
        return [_HEALTH.read(row) for row in rows]

    @answers(port.Store.past_attempts)
    def past_attempts(self, from_ms: int, bucket_ms: int, limit: int) -> list[Past]:
        run = self._connection.execute
        [(last,)] = run(_LAST)
        above = last - limit
        for (floor,) in run(_FLOOR, (above, limit)):
            above = floor
        asked = {"above": above, "since": from_ms, "bucket": bucket_ms}
        ended = [_OF_FAILURES.read(row) for ask in (_SUCCEEDED, _FAILED) for row in run(ask, asked)]
        webhooks = {found.webhook for found in ended}
        began_after = {webhook: self._began_after(webhook) for webhook in webhooks}
        return [
            Past(
                webhook=found.webhook,
                bucket=found.bucket,
                count=found.attempts,
                cause=found.cause,
                first_ms=found.first_ms,
            )
            for found in ended
            if found.version > began_after[found.webhook]
        ]

    def _began_after(self, webhook: int) -> int:
        """The last version under which nothing was sent; 0 where there is none."""
        [(version,)] = self._connection.execute(_BEGAN_AFTER, (webhook,)).fetchall()
        return int(version or 0)

    @answers(port.Store.park_expired)
    def park_expired(self, webhook: int, accepted_before_ms: int, limit: int) -> int:
        """See `port.Store.park_expired`. What waited behind a parked one is PENDING now."""
        parked, keys = 0, set[int]()
        with self._connection:
            # The held ones first: none may be left without the one that it waits for.
            for find, was_next in (
                (self._expired_held, False),
                (self._expired_pending, True),
                (self._expired_timed, True),
            ):
                chosen = find(webhook, accepted_before_ms, limit - parked)
                ended = self._park(chosen)
                keys |= ended if was_next else set()
                parked += len(chosen)
                if parked >= limit:
                    break
            for key in keys:
                self._free_next(webhook, key, State.PENDING)
        return parked

    def _park(self, deliveries: Sequence[DeliveryId]) -> set[int]:
        """Park deliveries; return their ordering keys."""
        keys: set[int] = set()
        for id in deliveries:
            [(key,)] = self._connection.execute(_PARK, (self._clock_ms(), id)).fetchall()
            if key is not None:
                keys.add(int(key))
        touch(self._connection, deliveries)
        return keys

    def _expired_held(self, webhook: int, before_ms: int, limit: int) -> list[DeliveryId]:
        return self._expired(_EXPIRED_HELD, webhook, before_ms, limit)

    def _expired_pending(self, webhook: int, before_ms: int, limit: int) -> list[DeliveryId]:
        rows = self._pending.read(_EXPIRED_PENDING, webhook, 0, limit, before_ms=before_ms)
        return [DeliveryId(id) for (id,) in rows]

    def _expired_timed(self, webhook: int, before_ms: int, limit: int) -> list[DeliveryId]:
        return self._expired(_EXPIRED_TIMED, webhook, before_ms, limit)

    def _expired(self, query: str, webhook: int, before_ms: int, limit: int) -> list[DeliveryId]:
        asked = {"webhook": webhook, "before_ms": before_ms, "limit": limit}
        return [DeliveryId(id) for (id,) in self._connection.execute(query, asked)]
