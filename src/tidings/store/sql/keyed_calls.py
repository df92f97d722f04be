"""Calls with an `Idempotency-Key`, as rows."""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.store import port
from tidings.store.port import KEYED_KEPT_MS, KEYED_MAX
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

_CALL = StoredTable("keyed_call", port.KeyedCall)
_FIRST = f"{_CALL.select} WHERE place = ?"


class KeyedCallRows:
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
        self._clock_ms = clock_ms

    @answers(port.Store.begin_call)
    def begin(self, call: port.KeyedCall) -> port.CallBegun:
        run: Callable[..., Any] = self._connection.execute
        now_ms = self._clock_ms()
        with self._connection:
            if not self._are_rows_copied():  # else the next one drops what is too old
                run("DELETE FROM keyed_call WHERE at_ms <= ?", (now_ms - KEYED_KEPT_MS,))
            for row in run(_FIRST, (call.place,)):
                return port.CallBegun(_CALL.read(row))
            [(held,)] = run("SELECT count(*) FROM keyed_call WHERE org = ?", (call.org,)).fetchall()
            if held >= KEYED_MAX:
                return port.CallBegun(full=True)
            begun = msgspec.structs.replace(call, at_ms=now_ms, answer=None)
            run(_CALL.insert(), _CALL.write(begun))
        return port.CallBegun()

    @answers(port.Store.end_call)
    def end(self, place: bytes, answer: bytes | None) -> None:
        if answer is None:
            self._connection.execute("DELETE FROM keyed_call WHERE place = ?", (place,))
        else:
            self._connection.execute(
                "UPDATE keyed_call SET answer = ? WHERE place = ?", (answer, place)
            )
