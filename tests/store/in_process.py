"""`port.Store` over both halves of the embedded store in memory, in this process."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from tidings.store import port
from tidings.store.hosting.calls import answering, functions, methods
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.halves import RowReader
from tidings.store.sql.queries import Queries
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.search_file import open_search

# What a start and lanes ask: read on the writing half, to be in order with what it writes.
_READ_IN_ORDER = frozenset(
    "alert_marks dead_letter_sums emails file_space healths kept_keys kept_list list_piece load"
    " load_activity load_alert_channels load_inboxes load_people load_sources load_transformations"
    " load_types note_restore"
    " number_ranges open_replays page past_attempts recover stops unfinished unfinished_of".split()
)
WRITES = answering(WritingHalf).keys() - _READ_IN_ORDER
# What a full disk refuses; reference data and lists are read in the way of what is sent.
_READ_BY_SENDING = frozenset(
    "reference list_reference count_reference kept_list list_piece".split()
)
REFUSED = WRITES - {"close"} | {"note_restore"} | _READ_BY_SENDING


def operations(half: WritingHalf) -> dict[str, Callable[..., Any]]:
    """What a store answers, by the names of the port. Search terms are written before a read."""
    segments = SearchSegments(open_search(":memory:"))
    reading = RowReader(half.connection, segments, half.clock_ms, spare=0.0)

    def indexed(read: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*given: Any, **named: Any) -> Any:
            segments.write_slice(half.connection)
            return read(*given, **named)

        return answer

    reads = functions(RowReader, reading)
    return functions(WritingHalf, half) | {name: indexed(read) for name, read in reads.items()}


def _method(name: str) -> Callable[..., Any]:
    async def method(store: "MemoryStore", *given: Any, **named: Any) -> Any:
        audit = port.take_audit() if name in WRITES else None
        await asyncio.sleep(0)
        if store.down and name in REFUSED:
            raise port.StoreDown("the disk is full")
        operation = partial(store.operations[name], *given, **named)
        return operation() if audit is None else store.half.record(audit, operation)

    return method


class MemoryStore(port.Store, port.SpaceStore):
    """A store in memory that takes nothing while it is `down`. The port's methods are below."""

    def __init__(self, clock: Any) -> None:
        self.half = WritingHalf(":memory:", clock.now_ms)
        self.operations = operations(self.half)
        self.queries = Queries(self.half.connection)
        self.down = False


for _name in (*methods(port.Store), *methods(port.SpaceStore)):
    setattr(MemoryStore, _name, _method(_name))
