"""The log filled at random, and its pages read to the end."""

from collections.abc import Sequence

from msgspec.structs import replace

from tests.store.in_process import operations
from tidings.core.delivery.states import State
from tidings.store import port
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.log import LogRows
from tidings.store.sqlite.halves import WritingHalf


def blocks_module_quiet(blocks: Blocks) -> None:
    """Summarise everything that can be."""
    blocks.look()
    for block in list(blocks.unsure()):
        if block != blocks.last:
            blocks.make(block)
    while blocks.background():
        pass


def all_pages(
    log: LogRows, query: port.DeliveryQuery | port.EventQuery, forward: bool
) -> list[int]:
    """What every page holds from one end to the other, by its cursors: ids, newest first."""
    found: list[int] = []
    at: int | None = 0 if forward else None
    for _ in range(10_000):
        before, after = (None, at) if forward else (at, None)
        asked = replace(query, before=before, after=after)
        page: port.DeliveryPage | port.EventPage
        if isinstance(asked, port.EventQuery):
            page = log.events(asked)
            ids: list[int] = [event.seq for event in page.events]
        else:
            page = log.deliveries(asked)
            ids = [delivery.id for delivery in page.deliveries]
        assert ids == sorted(ids, reverse=True)
        found = ids + found if forward else found + ids
        ahead = page.newer if forward else page.older
        if ahead is None or (forward and ahead == at):
            return found
        assert at is None or (ahead > at if forward else ahead < at), "a cursor moves on"
        at = ahead
    raise AssertionError("the pages have no end")


def has_all(kept: bytes, wanted: Sequence[bytes]) -> bool:
    return {kept[at : at + 8] for at in range(0, len(kept), 8)} >= set(wanted)


class Logs:
    """The operations over a store in memory, written through the writing half as it runs."""

    def __init__(self) -> None:
        self.half = WritingHalf(":memory:")
        self.ask = operations(self.half)

    def states(self, *states: State, webhook: int = 1) -> list[int]:
        query = port.DeliveryQuery([webhook], [int(state) for state in states])
        return [delivery.id for delivery in self.ask["log_deliveries"](query).deliveries]
