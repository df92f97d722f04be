"""The trace of an event: read as it came, kept, and named by each attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.events.passage import (
    Passage,
    next_hop,
    stored_door,
    stored_place,
    stored_trace,
    with_trace,
)
from tidings.core.events.trace_context import (
    KEPT,
    TraceContext,
    header_of_attempt,
    is_kept,
    is_recorded,
    read_trace,
    span_of_attempt,
    trace_of_call,
    trace_of_kept,
    trace_to_keep,
)
from tidings.core.ids import DeliveryId

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"
hexadecimal = st.text("0123456789abcdef", min_size=1)


def test_a_trace_is_kept_and_passed_on_as_it_came() -> None:
    assert trace_to_keep(HEADER) == HEADER
    assert header_of_attempt(HEADER, DeliveryId(7), 1) == HEADER
    assert read_trace(HEADER) == TraceContext(TRACE, SPAN, 1)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        HEADER.upper(),
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\r\nx: y",
        f"{HEADER},{HEADER}",
        f"00-{TRACE}-{SPAN}-01!",
        f"01-{TRACE}-{SPAN}-01-{'x' * 300}",
        7,
        None,
        [HEADER],
    ],
)
def test_what_is_no_trace_is_left_out(value: object) -> None:
    assert trace_to_keep(value) == ""


def test_of_a_later_version_its_beginning_is_taken() -> None:
    assert trace_to_keep(f"cc-{TRACE}-{SPAN}-01-what-comes-later") == HEADER


def test_each_attempt_of_what_is_recorded_names_a_span_of_its_own() -> None:
    kept = TraceContext(TRACE, SPAN, 1).kept(recorded=True)
    assert is_recorded(kept) and trace_of_kept(kept) == TraceContext(TRACE, SPAN, 1)
    headers = {
        header_of_attempt(kept, DeliveryId(delivery), attempt)
        for delivery in (7, 8)
        for attempt in (1, 2)
    }
    assert len(headers) == 4
    assert all(found is not None and found.trace_id == TRACE for found in map(read_trace, headers))
    seventh = DeliveryId(7)
    assert header_of_attempt(kept, seventh, 1) == f"00-{TRACE}-{span_of_attempt(seventh, 1)}-01"


def test_a_caller_cannot_say_that_it_is_recorded() -> None:
    assert trace_of_call({b"traceparent": HEADER.encode() + b"!"}) == ""
    assert (
        trace_of_call({b"traceparent": HEADER.encode(), KEPT: f"{HEADER}!".encode()})
        == f"{HEADER}!"
    )


@given(st.text())
def test_any_text_is_read_or_left_out(value: str) -> None:
    kept = trace_to_keep(value)
    assert not kept or is_kept(kept)


@given(
    place=st.text(),
    hops=st.integers(0, 9),
    door=st.text("0123456789abcdef", min_size=12, max_size=12),
    recorded=st.booleans(),
)
def test_what_is_stored_of_an_events_way_is_found_again_beside_its_trace(
    place: str, hops: int, door: str, recorded: bool
) -> None:
    passage = Passage(hops, (door,)).text(place)
    kept = TraceContext(TRACE, SPAN, 1).kept(recorded=recorded)
    stored = with_trace(passage, kept)
    assert stored_trace(stored) == kept
    assert stored_place(stored) == place
    assert stored_door(stored) == door
    assert next_hop(stored) == next_hop(passage)


@given(st.text())
def test_nothing_but_a_trace_is_taken_for_one(place: str) -> None:
    trace = stored_trace(Passage(1, ("ab",)).text(place))
    assert trace == "" or is_kept(trace)
