"""Rows of the summaries in the search database, as they are written: `blocks.py` tells each."""

from typing import NamedTuple

from tidings.store.sql.events.summaries import SummarySlot
from tidings.store.sql.row_mapping import columns_of, insert_columns, insert_into, tuple_maker


class EventNameRow(NamedTuple):
    """A row of `name`."""

    number: int
    text: str


class BlockRow(NamedTuple):
    """A row of `block`; one of whose deliveries all were dropped has no times."""

    number: int
    mark: int
    min_ms: int = 0
    max_ms: int = 0


class BlockCell(NamedTuple):
    """A row of `cell`."""

    block: int
    webhook: int
    kinds: str


class SliceKey(NamedTuple):
    """The columns of `slice` before those of a summary."""

    level: int
    block: int
    webhook: int
    slot: int


class EventBlockRow(NamedTuple):
    """A row of `event_block`."""

    number: int
    min_ms: int
    max_ms: int


class EventCell(NamedTuple):
    """A row of `event_cell`."""

    block: int
    org: int
    kinds: str


class EventSliceRow(NamedTuple):
    """A row of `event_slice`."""

    level: int
    org: int
    slot: int
    block: int
    n: int


_PUT = "INSERT OR REPLACE"
PUT_NAME = insert_into("name", EventNameRow, _PUT)
PUT_BLOCK = insert_into("block", BlockRow, _PUT)
INSERT_CELL = insert_into("cell", BlockCell)
INSERT_SLICE = insert_columns("slice", (*columns_of(SliceKey), *SummarySlot.COLUMNS))
PUT_EVENT_BLOCK = insert_into("event_block", EventBlockRow, _PUT)
PUT_EVENT_CELL = insert_into("event_cell", EventCell, _PUT)
PUT_EVENT_SLICE = insert_into("event_slice", EventSliceRow, _PUT)
bind_slice_key = tuple_maker(SliceKey)
bind_event_slice = tuple_maker(EventSliceRow)
