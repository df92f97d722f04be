"""Properties: bytes in are bytes out, twins are found, and nothing but refusals is raised."""

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.core.events.envelope_cases import JSON, NOW, OPEN, OWN, RULES, Types
from tests.depth import depth
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader
from tidings.core.events.call_split import CallLimits
from tidings.core.events.envelope import deeper
from tidings.engine.events.intake import Draft
from tidings.errors import Invalid, RequestRefused, TooLarge, Unsupported

KINDS = [
    JSON,
    b"application/x-ndjson",
    b"application/cloudevents+json",
    b"application/cloudevents-batch+json",
    None,
    b"text/plain",
]
ENVELOPE = ["eventName", "eventId", "orgId", "createdAt", "data"]
CLOUD = ["specversion", "type", "id", "source", "time", "data", "data_base64", "orgid", "refid"]

texts = st.text(max_size=20)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | floats | texts
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=12
)
names = st.sampled_from(ENVELOPE + CLOUD) | texts
objects = st.dictionaries(names, values, max_size=8)
gaps = st.text(" \t\r\n", max_size=2)

often = settings(max_examples=depth(50, 300))


def read(body: bytes, kind: bytes | None, headers: dict[bytes, bytes], key: str | None) -> Any:
    reader = CallReader(Draft, Types(), RULES.get, lambda: "made", CallLimits())
    return reader.read(kind, headers, body, AuthenticatedCaller(OPEN, True), key, NOW)


@st.composite
def spelled(draw: st.DrawFn, value: dict[str, Any]) -> bytes:
    """One of the ways to write an object."""
    ascii_only = draw(st.booleans())
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")]))
    text = json.dumps(value, ensure_ascii=ascii_only, separators=(comma, colon))
    return f"{draw(gaps)}{text[:1]}{draw(gaps)}{text[1:]}{draw(gaps)}".encode()


@st.composite
def events(draw: st.DrawFn) -> tuple[dict[str, Any], bytes]:
    """An event that is accepted, complete or not, and its bytes."""
    given: dict[str, Any] = draw(st.dictionaries(texts, values, max_size=3))
    given = {name: value for name, value in given.items() if name not in ENVELOPE}
    given["eventName"] = "pointsIssued"
    given["data"] = {}
    optional = {
        "eventId": st.from_regex(r"[A-Za-z0-9_:-]{1,128}", fullmatch=True),
        "orgId": st.sampled_from([0, OWN, OPEN]),
        "createdAt": st.integers(),
    }
    for name, strategy in optional.items():
        if draw(st.booleans()):
            given[name] = draw(strategy)
    order = draw(st.permutations(sorted(given)))
    event = {name: given[name] for name in order}
    return event, draw(spelled(event))


@often
@given(events())
def test_bytes_in_are_bytes_out_but_for_the_splice(case: tuple[dict[str, Any], bytes]) -> None:
    event, raw = case
    for body in (raw, b"[" + raw + b"]"):
        (item,) = read(body, JSON, {}, None)
        assert isinstance(item, Draft), item
        came = raw if body is raw else raw.strip()
        start = came.index(b"{") + 1
        added = len(item.body) - len(came)
        assert item.body[:start] == came[:start]
        assert item.body[start + added :] == came[start:]
        assert (added == 0) == ({"eventId", "orgId", "createdAt"} <= event.keys())
        parsed = json.loads(item.body)
        assert {name: parsed[name] for name in event} == event
        extra = {name: value for name, value in parsed.items() if name not in event}
        full = {"eventId": "made", "orgId": OPEN, "createdAt": NOW}
        assert extra == {name: value for name, value in full.items() if name not in event}
        assert item.event == parsed
        assert json.loads(item.body, object_pairs_hook=len) == len(parsed), "no key came twice"


@often
@given(events(), st.sampled_from(["eventName", "eventId", "orgId", "data"]), st.data())
def test_a_twin_is_found_wherever_and_however_it_is_written(
    case: tuple[dict[str, Any], bytes], name: str, data: st.DataObject
) -> None:
    event = {"eventId": "e", "orgId": 0} | case[0]
    members = [f"{json.dumps(k)}:{json.dumps(v)}" for k, v in event.items()]
    escaped = [f"\\u{ord(c):04x}" if data.draw(st.booleans()) else c for c in name]
    twin = f'"{"".join(escaped)}"{data.draw(gaps)}:{json.dumps(event[name])}'
    members.insert(data.draw(st.integers(0, len(members))), twin)
    (item,) = read(("{" + ",".join(members) + "}").encode(), JSON, {}, None)
    assert isinstance(item, RejectedEvent)
    assert (item.code, item.path) == ("duplicate_key", name)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


# What a count that finds strings by their quotes may take for one: marks of all kinds in strings.
marked = st.text('"\\\\{}[]a\n', max_size=8)
marked_values: st.SearchStrategy[Any] = st.recursive(
    marked, lambda inner: st.lists(inner) | st.dictionaries(marked, inner), max_leaves=12
)


@often
@given(values | marked_values, st.integers(0, 6))
def test_depth_is_counted_exactly(value: Any, depth: int) -> None:
    assume(depth_of(value) > 0)
    for ascii_only in (True, False):
        try:
            raw = json.dumps(value, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:
            continue
        assert deeper(raw, depth) == (depth_of(value) > depth)


def check(body: bytes, kind: bytes | None, headers: dict[bytes, bytes], key: str | None) -> None:
    """Only drafts, refused events and refusals of the call."""
    try:
        items = read(body, kind, headers, key)
    except RequestRefused as refusal:
        assert type(refusal) in (Invalid, TooLarge, Unsupported)
        assert refusal.reason.message
        return
    assert items
    for row in items:
        if isinstance(row, Draft):
            assert row.org > 0 and row.name and 1 <= len(row.event_id) <= 128
            assert json.loads(row.body)["eventId"] == row.event_id
        else:
            assert row.code and row.message.endswith(")")


tags = st.sampled_from([b"ce-specversion", b"ce-id", b"ce-type", b"ce-source", b"ce-time", b"ce-x"])
headers = st.dictionaries(tags, st.sampled_from([b"1.0", b"%FF", b'"', b"0"]) | st.binary())


@often
@given(st.binary(max_size=60), st.sampled_from(KINDS), headers, st.none() | texts)
def test_any_bytes(
    body: bytes, kind: bytes | None, tagged: dict[bytes, bytes], key: str | None
) -> None:
    check(body, kind, tagged, key)


@often
@given(objects | st.lists(objects, max_size=3) | values, st.sampled_from(KINDS), headers)
def test_any_json(value: Any, kind: bytes | None, tagged: dict[bytes, bytes]) -> None:
    check(json.dumps(value).encode(), kind, tagged, None)


@settings(max_examples=depth(75, 450))
@given(events(), st.sampled_from(KINDS), st.data())
def test_any_change_of_a_byte(
    case: tuple[dict[str, Any], bytes], kind: bytes | None, data: st.DataObject
) -> None:
    raw = bytearray(b"[" + case[1] + b"]" if data.draw(st.booleans()) else case[1])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(raw), kind, {}, None)


@often
@given(st.lists(objects, min_size=1, max_size=3), st.from_regex(r"[!-~]{1,255}", fullmatch=True))
def test_the_same_key_gives_the_same_ids(batch: list[dict[str, Any]], key: str) -> None:
    batch = [row | {"eventName": "pointsIssued", "data": {}, "orgId": 0} for row in batch]
    body = json.dumps(batch).encode()
    first, second = read(body, JSON, {}, key), read(body, JSON, {}, key)
    assert [row.event_id for row in first] == [row.event_id for row in second]
