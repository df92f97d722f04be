"""What is not to be done yet, as rows: the delivery is WAITING, with its reason beside it.

No attempt was made: its number is that of the next one, and what a claim has written down of it
goes. What was ended meanwhile stays ended.
"""

from collections.abc import Sequence

from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_from
from tidings.store.sql.states import PENDING, RETRYING, WAITING
from tidings.store.sql.writer_rows import WaitingInsert, bind_waiting

_UNENDED = (
    "DELETE FROM attempt WHERE delivery = ? AND number = ? AND duration_ms IS NULL AND kind IS NULL"
)
_UNCOUNTED = "UPDATE delivery SET attempts = ?2 - 1 WHERE id = ?1 AND attempts = ?2"
_WAIT = (
    f"UPDATE delivery SET state = {WAITING}, due_ms = ?2, version = ?3, status = NULL,"
    " duration_ms = NULL WHERE id = ?1"
    f" AND (state = {PENDING} OR state = {RETRYING} OR state = {WAITING})"
)
_IS_WAITING = f"FROM delivery WHERE id = ?1 AND state = {WAITING}"
_REASON = (
    f"{insert_from('waiting', WaitingInsert, _IS_WAITING, looks='1')}"
    " ON CONFLICT (delivery) DO UPDATE SET reason = excluded.reason, detail = excluded.detail,"
    " needed = excluded.needed, looks = waiting.looks + 1"
)


class WaitingRows:
    """Shares the writer's connection; runs inside its transaction."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    def put_off(self, settled: Sequence[port.Settlement], now: int) -> None:
        """Write down what waits, of settlements of whatever kind."""
        many = self._connection.executemany
        settled = [settlement for settlement in settled if settlement.waits is not None]
        numbers = [(settlement.delivery, settlement.attempt) for settlement in settled]
        many(_UNENDED, numbers)
        many(_UNCOUNTED, numbers)
        many(
            _WAIT,
            [
                (settlement.delivery, now + (settlement.delay_ms or 0), settlement.version)
                for settlement in settled
            ],
        )
        many(
            _REASON,
            [
                bind_waiting(
                    delivery=settlement.delivery,
                    reason=waits.reason,
                    detail=waits.detail,
                    needed=waits.on,
                    since_ms=settlement.started_ms,
                )
                for settlement in settled
                if (waits := settlement.waits) is not None
            ],
        )
