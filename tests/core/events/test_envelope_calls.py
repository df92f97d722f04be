"""Whole calls: forms, content types, limits."""

import tracemalloc

import pytest

from tests.core.events.envelope_cases import (
    JSON,
    NOW,
    OWN,
    draft,
    event,
    read,
    reader,
    refused,
    rejected,
)
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.events.call_split import CallLimits
from tidings.engine.events.intake import Draft
from tidings.errors import Invalid, TooLarge, Unsupported

NDJSON = b"application/x-ndjson"


def statuses(items: list[Draft | RejectedEvent]) -> str:
    return "".join("+" if isinstance(draft, Draft) else "-" for draft in items)


def test_an_array_keeps_the_bytes_of_each_event() -> None:
    first, second = event(b'{ "a" : 1.0 }'), event(b'{"b":"\\u00e9"}', eventId="e-2")
    items = read(b" [ " + first + b" ,\n " + second + b" ] ")
    assert [draft.body for draft in items] == [first, second]


def test_ndjson_keeps_the_bytes_of_each_line() -> None:
    first, second = event(b'{ "a" : 1.0 }'), event(eventId="e-2")
    items = read(b"\n" + first + b"\r\n \n" + second, NDJSON)
    assert [draft.body for draft in items] == [first, second]


def test_a_line_that_is_not_json_is_refused_alone() -> None:
    items = read(b"\n".join([event(), b"{", b"\xff", b"1", event()]), NDJSON)
    assert statuses(items) == "+---+"
    assert [draft.code for draft in items if isinstance(draft, RejectedEvent)] == [
        "not_json",
        "not_json",
        "not_object",
    ]


def test_a_fault_of_one_event_refuses_that_event_alone() -> None:
    items = read(b"[" + b",".join([event(), event(eventId=""), event(b'"\xff"'), event()]) + b"]")
    assert statuses(items) == "+--+"


@pytest.mark.parametrize("body", [b"[", b"[{]", b"[{}}", b"[" + event(), b"[{},]", b"x"])
def test_an_array_that_cannot_be_split_refuses_the_call(body: bytes) -> None:
    assert (type(refused(body)), refused(body).reason.code) == (Invalid, "not_json")


def test_an_array_of_hundreds_of_levels_refuses_the_call() -> None:
    assert refused(b"[" * 100_000).reason.code == "too_deep"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"[]", JSON), (b" [ ] ", JSON), (b"", NDJSON), (b"\n \r\n", NDJSON)]
    + [(b"[]", b"application/cloudevents-batch+json")],
)
def test_a_call_without_events(body: bytes, kind: bytes) -> None:
    assert (type(refused(body, kind)), refused(body, kind).reason.code) == (Invalid, "no_events")


@pytest.mark.parametrize(
    "kind",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b'application/json;charset="UTF-8"',
        b"application/json; v=1",
    ],
)
def test_content_types_of_json(kind: bytes) -> None:
    assert statuses(read(event(), kind)) == "+"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (None, "content_type"),
        (b"", "content_type"),
        (b"text/plain", "content_type"),
        (b"application/x-www-form-urlencoded", "content_type"),
        (b"application/cloudevents+avro", "content_type"),
        (b"\xff\xfe", "content_type"),
        (b"application/json; charset=utf-16", "charset"),
        (b"application/json; charset=latin-1", "charset"),
    ],
)
def test_content_types_that_are_not_taken(kind: bytes | None, code: str) -> None:
    refusal = refused(event(), kind)
    assert (type(refusal), refusal.reason.code) == (Unsupported, code)


@pytest.mark.parametrize("more", [-1, 0])
def test_the_greatest_body_and_event(more: int) -> None:
    size = len(event()) + more + 1
    limits = CallLimits(body_bytes=size, event_bytes=size)
    assert statuses(read(event(), limits=limits)) == "+" if more >= 0 else True
    over = CallLimits(event_bytes=len(event()) - 1)
    assert rejected(event(), limits=over).code == "event_too_large"
    assert len(rejected(event(), limits=over).body) == len(event()) - 1
    assert statuses(read(b"[" + event() + b",1]", limits=over)) == "--"


@pytest.mark.parametrize("body", [event(), b"[" + event() + b"]"])
def test_a_body_beyond_its_limit(body: bytes) -> None:
    assert read(body, limits=CallLimits(body_bytes=len(body)))
    refusal = refused(body, limits=CallLimits(body_bytes=len(body) - 1))
    assert (type(refusal), refusal.reason.code) == (TooLarge, "body_too_large")


@pytest.mark.parametrize(("glue", "kind"), [(b",", JSON), (b"\n", NDJSON)])
def test_the_greatest_number_of_events(glue: bytes, kind: bytes) -> None:
    def call(count: int) -> bytes:
        lines = glue.join([event()] * count)
        return lines if kind == NDJSON else b"[" + lines + b"]"

    limits = CallLimits(events=3)
    assert statuses(read(call(3), kind, limits=limits)) == "+++"
    refusal = refused(call(4), kind, limits=limits)
    assert (type(refusal), refusal.reason.code) == (TooLarge, "too_many_events")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" + b"1," * 1_000_000 + b"1]", JSON),
        (b"[" + b"{}," * 1_000_000 + b"{}]", JSON),
        (b"\n" * 3_000_000, NDJSON),
        (b"1\n" * 1_000_000, NDJSON),
    ],
)
def test_millions_of_items_are_refused_before_they_are_made(body: bytes, kind: bytes) -> None:
    tracemalloc.start()
    refusal = refused(body, kind)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert type(refusal) is TooLarge
    assert peak < 2 * len(body) + 1_000_000


def test_many_commas_in_few_events_are_no_reason() -> None:
    data = b'{"a":[' + b"1," * 40_000 + b"1]}"
    assert statuses(read(b"[" + b",".join([event(data)] * 2) + b"]")) == "++"


def test_the_reader_keeps_nothing_between_calls() -> None:
    one = reader()
    caller = AuthenticatedCaller(OWN)
    first = one.read(JSON, {}, event(), caller, None, NOW)
    second = one.read(JSON, {}, event(), caller, None, NOW)
    assert first == second == [draft(event())]
