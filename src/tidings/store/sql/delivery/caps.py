"""What actions have done for whom, as rows, for as long as their caps look back.

A use is dated by the last attempt of its delivery: an act that succeeds after days of failures is
done then. What was never done goes before its delivery is dropped, since a use whose delivery is
gone counts.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_into

EXPIRED_AT_ONCE = 1000  # rows that one call clears away
UNDONE = ", ".join(str(int(state)) for state in (State.FAILED, State.PARKED, State.CANCELLED))
# A delivery that retention has dropped was done: the uses of others went with it.
_FORGET_UNDONE = (
    "DELETE FROM cap_use WHERE webhook = ?1 AND subject = ?2 AND delivery IN (SELECT u.delivery"
    " FROM cap_use u JOIN delivery d ON d.id = u.delivery"
    f" WHERE u.webhook = ?1 AND u.subject = ?2 AND d.state IN ({UNDONE}))"
)
_OTHERS = (
    "SELECT at_ms FROM cap_use WHERE webhook = ? AND subject = ? AND at_ms > ? AND delivery != ?"
    " ORDER BY at_ms DESC LIMIT ?"
)


class CapUseRow(NamedTuple):
    """A row of `cap_use`."""

    webhook: int
    subject: bytes
    delivery: DeliveryId
    at_ms: int
    until_ms: int


_TAKE = (
    f"{insert_into('cap_use', CapUseRow)} ON CONFLICT (webhook, subject, delivery)"
    " DO UPDATE SET at_ms = excluded.at_ms, until_ms = excluded.until_ms"
)
DROP_EXPIRED = (
    "DELETE FROM cap_use WHERE (webhook, subject, delivery) IN"
    " (SELECT webhook, subject, delivery FROM cap_use WHERE until_ms <= ? LIMIT ?)"
)
DROP_UNDONE = (
    "DELETE FROM cap_use WHERE (webhook, subject, delivery) IN"
    " (SELECT u.webhook, u.subject, u.delivery FROM cap_use u JOIN delivery d ON d.id = u.delivery"
    f" WHERE u.delivery >= ? AND u.delivery < ? AND d.state IN ({UNDONE}) LIMIT ?)"
)


class CapRows:
    """Shares the writer's connection."""

    def __init__(
        self,
        connection: StoreConnection,
        clock_ms: Callable[[], int],
        are_rows_copied: Callable[[], bool],
    ) -> None:
        """`are_rows_copied`: whether any must stay as they are, for they are copied."""
        self._connection = connection
        self._are_rows_copied = are_rows_copied
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    @answers(port.Store.take_caps)
    def take(self, uses: Sequence[port.CapUse]) -> list[int | None]:
        with self._connection:
            now_ms = self._clock_ms()
            if not self._are_rows_copied():  # else the next one drops them
                self._run(DROP_EXPIRED, (now_ms, EXPIRED_AT_ONCE))
            judged = [self._take(use, now_ms) for use in uses]
        return judged

    def _take(self, use: port.CapUse, now_ms: int) -> int | None:
        self._run(_FORGET_UNDONE, (use.webhook, use.subject))
        since_ms = now_ms - use.within_ms
        asked = (use.webhook, use.subject, since_ms, use.delivery, use.most)
        others = [at_ms for (at_ms,) in self._run(_OTHERS, asked)]
        if len(others) >= use.most:
            return int(others[-1]) + use.within_ms
        row = CapUseRow(
            webhook=use.webhook,
            subject=use.subject,
            delivery=use.delivery,
            at_ms=now_ms,
            until_ms=now_ms + use.within_ms,
        )
        self._run(_TAKE, row)
        return None
