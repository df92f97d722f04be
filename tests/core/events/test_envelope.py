"""The flat envelope: the table of hostile JSON (reliability I2), ids, orgs, names, the splice."""

import json

import pytest

from tests.core.events.envelope_cases import (
    GONE,
    LENIENT,
    OFF,
    OPEN,
    OTHER,
    OWN,
    draft,
    event,
    read,
    refused,
    rejected,
)
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_split import CallLimits
from tidings.engine.events.intake import Draft
from tidings.errors import Invalid

TOO_DEEP = b"[" * 100_000 + b"]" * 100_000


def nested(levels: int) -> bytes:
    """An event of that many levels in all."""
    return event(b"{" + b'"a":' + b"[" * (levels - 2) + b"]" * (levels - 2) + b"}")


ACCEPTED = {
    "2^53 + 1": b'{"a":9007199254740993}',
    "30 digits": b'{"a":' + b"9" * 30 + b"}",
    "4,300 digits": b'{"a":' + b"9" * 4300 + b"}",
    "minus 0": b'{"a":-0}',
    "1.0": b'{"a":1.0}',
    "1e400 is too large, 1e-400 is 0": b'{"a":1e-400}',
    "long fraction": b'{"a":0.' + b"1" * 5000 + b"}",
    "NUL escaped": b'{"a":"\\u0000"}',
    "surrogate pair": b'{"a":"\\ud83d\\ude00"}',
    "raw emoji": '{"a":"😀"}'.encode(),
    "keys twice further in": b'{"a":{"b":1,"b":2}}',
    "guarded names further in": b'{"eventId":1,"orgId":2,"eventName":3,"data":{"data":4}}',
    "guarded names as values": b'{"a":["eventId","eventId","orgId","orgId"],"b":"\\"data\\""}',
    "white space": b' { "a" :\r\n\t1 } ',
    "brackets in text": b'{"a":"' + b"[{" * 200 + b'","b":"\\"[[[["}',
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_odd_json_is_accepted_as_it_came(name: str) -> None:
    raw = event(ACCEPTED[name])
    item = draft(raw)
    assert item.body == raw
    assert draft(b"[" + raw + b"]").body == raw


def test_whole_numbers_are_exact() -> None:
    item = draft(event(b'{"a":9007199254740993,"b":' + b"9" * 30 + b"}"))
    assert item.event["data"] == {"a": 2**53 + 1, "b": 10**30 - 1}


def test_white_space_around_stays() -> None:
    raw = b"\n  " + event() + b" \n"
    assert draft(raw).body == raw


NOT_JSON = {
    "NaN": event(b'{"a":NaN}'),
    "Infinity": event(b'{"a":-Infinity}'),
    "high surrogate": event(b'{"a":"\\ud800"}'),
    "low surrogate": event(b'{"a":"\\udc00"}'),
    "bad UTF-8": event(b'{"a":"\xff"}'),
    "UTF-8 of a surrogate": event(b'{"a":"\xed\xa0\x80"}'),
    "overlong UTF-8": event(b'{"a":"\xc0\xaf"}'),
    "raw NUL": event(b'{"a":"\x00"}'),
    "byte order mark": b"\xef\xbb\xbf" + event(),
    "UTF-16": event().decode().encode("utf-16"),
    "bytes behind": event() + b" x",
    "NUL behind": event() + b"\x00",
    "two objects": event() + event(),
    "half": event()[:-5],
    "empty": b"",
    "blank": b" \n ",
    "comma behind": b'{"a":1,}',
    "comment": b'{/* a */"a":1}',
    "single quotes": b"{'a':1}",
    "leading zero": event(b'{"a":01}'),
    "plus": event(b'{"a":+1}'),
    "a number": b"1",
    "a text": b'"eventName"',
    "null": b"null",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_refuses_the_call(name: str) -> None:
    refusal = refused(NOT_JSON[name])
    assert (type(refusal), refusal.reason.code) == (Invalid, "not_json")


REFUSED = {
    "1e400": (event(b'{"a":1e400}'), "number_too_large"),
    "5,000 digits": (event(b'{"a":' + b"9" * 5000 + b"}"), "number_too_large"),
    "65 levels": (nested(65), "too_deep"),
    "100,000 levels": (event(TOO_DEEP), "too_deep"),
    "levels hidden in a twin": (b'{"a":' + TOO_DEEP[99_900:100_100] + b',"a":1}', "too_deep"),
    "eventName twice": (b'{"eventName":"x",' + event()[1:], "duplicate_key"),
    "eventId twice": (b'{"eventId":"x",' + event()[1:], "duplicate_key"),
    "orgId twice, the same": (b'{"orgId":2001,' + event()[1:], "duplicate_key"),
    "data twice": (b'{"data":{},' + event()[1:], "duplicate_key"),
    "twice, once escaped": (b'{"event\\u0049d":"x",' + event()[1:], "duplicate_key"),
    "twice with space": (b'{ "orgId" : 7 ,' + event()[1:], "duplicate_key"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_json_refuses_the_event_alone(name: str) -> None:
    body, code = REFUSED[name]
    item = rejected(body, limits=CallLimits(event_bytes=1 << 20))
    assert item.code == code
    assert item.body == body


def test_64_levels_are_enough() -> None:
    assert draft(nested(64)).body == nested(64)


def test_a_twin_is_named_by_its_path() -> None:
    item = rejected(b'{"orgId":2001,' + event()[1:])
    assert item.path == "orgId"
    assert item.message == (
        "orgId must appear once; got it 2 times. Keep one of them. (duplicate_key, field orgId)"
    )


@pytest.mark.parametrize("item", [b"1", b"null", b'"x"', b"[]", b"true", b"1e400"])
def test_an_item_that_is_no_object_is_refused_alone(item: bytes) -> None:
    first, second = read(b"[" + item + b"," + event() + b"]")
    assert isinstance(first, RejectedEvent) and first.code in ("not_object", "number_too_large")
    assert isinstance(second, Draft)


GOOD_IDS = ["a", "A-Z_0:9", "x" * 128, "2477a0c8-3ce1-50b1-a33e-de9d2304c6b1"]
BAD_IDS: list[object] = ["", "x" * 129, "a b", "a.b", "é", "a\n", "\u0000", 5, True, {}, []]


@pytest.mark.parametrize("event_id", GOOD_IDS)
def test_good_event_ids(event_id: str) -> None:
    assert draft(event(eventId=event_id)).event_id == event_id


@pytest.mark.parametrize("event_id", BAD_IDS)
def test_bad_event_ids(event_id: object) -> None:
    item = rejected(event(eventId=event_id))
    assert (item.code, item.path, item.event_id) == ("event_id", "eventId", "")


@pytest.mark.parametrize("org", [OWN, 0, float(OWN), 0.0])
def test_own_org_and_0_are_the_callers_also_with_a_point(org: object) -> None:
    raw = event(orgId=org)
    item = draft(raw)
    assert (item.org, item.body) == (OWN, raw), "a given orgId is never rewritten"


def test_another_org_may_be_written_with_a_point() -> None:
    assert draft(event(orgId=float(OTHER)), platform=True).org == OTHER
    assert rejected(event(orgId=float(OTHER))).code == "other_org"


@pytest.mark.parametrize("org", [-1, 1 << 63, 10**30, 2001.5, 1e300, -1.0, "2001", True, {}, []])
def test_what_is_no_org(org: object) -> None:
    for platform in (False, True):
        item = rejected(event(orgId=org), platform=platform)
        assert (item.code, item.path) == ("org_id", "orgId")


def test_another_org_is_refused_unless_the_platform_calls() -> None:
    assert rejected(event(orgId=OTHER)).code == "other_org"
    assert rejected(event(orgId=GONE)).code == "other_org", "it does not tell which orgs exist"
    assert draft(event(orgId=OTHER), platform=True).org == OTHER
    assert rejected(event(orgId=GONE), platform=True).code == "unknown_org"


@pytest.mark.parametrize("name", [None, 5, "", "x" * 129, [], {}])
def test_what_is_no_name(name: object) -> None:
    item = rejected(event(eventName=name))
    assert (item.code, item.path) == ("event_name", "eventName")


def test_unknown_types_are_refused_unless_the_org_admits_them() -> None:
    raw = event(eventName="com.example.Thing", orgId=0)
    assert rejected(raw).code == "unknown_type"
    assert rejected(raw, org=OFF).code == "unknown_type", "off concerns known types alone"
    assert rejected(raw, org=LENIENT).code == "unknown_type"
    item = draft(raw, org=OPEN)
    assert (item.name, item.warning) == ("com.example.Thing", None)
    assert rejected(event(eventName="a b", orgId=0), org=OPEN).code == "event_name"


def test_strict_lenient_and_off() -> None:
    raw = event(b'{"bad":3}', orgId=0)
    item = rejected(raw)
    assert (item.code, item.path, item.name) == ("schema", "data.bad", "pointsIssued")
    assert item.event_id == "e-1"
    assert item.message == (
        "data.bad must be absent; got a value. It is the first of 3 problems. "
        "The schema of pointsIssued says more. (schema, field data.bad)"
    )
    warning = draft(raw, org=LENIENT).warning
    assert warning is not None and warning.startswith("data.bad must be absent")
    assert draft(raw, org=OFF).warning is None
    assert "first of" not in rejected(event(b'{"bad":1}')).message


def test_absent_fields_are_put_behind_the_brace_and_nothing_else_changes() -> None:
    item = draft(b' { "eventName":"pointsIssued", "data":{} }\n')
    assert item.body == (
        b' {"eventId":"made-0","orgId":2001,"createdAt":1770801300412,'
        b' "eventName":"pointsIssued", "data":{} }\n'
    )
    assert item.event == json.loads(item.body)
    assert item.event_id == "made-0"


@pytest.mark.parametrize("created", [-(10**18), 0, 10**18, -62_135_596_800_000, "2026"])
def test_a_given_creation_time_is_stored_as_it_came(created: object) -> None:
    raw = event(createdAt=created)
    assert draft(raw).body == raw


def test_what_is_null_in_the_envelope_is_given_and_each_value_stays_as_it_came() -> None:
    raw = (
        b'{ "eventId": null, "data":{"a":1.10, "b":[null, {"eventId":null}]}, "orgId":null ,'
        b' "eventName":"pointsIssued", "x":1e2, "createdAt" : null, "refId":null }'
    )
    item = draft(raw)
    assert item.body == (
        b'{"eventId":"made-0","orgId":2001,"createdAt":1770801300412,'
        b'"data":{"a":1.10, "b":[null, {"eventId":null}]},'
        b'"eventName":"pointsIssued","x":1e2,"refId":null}'
    )
    assert item.event == json.loads(item.body)
    assert (item.event_id, item.org) == ("made-0", OWN)


def test_null_and_absence_in_one_envelope_are_both_given() -> None:
    item = draft(b'{"eventName":"pointsIssued","eventId":"e-1","createdAt":null,"data":{}}')
    assert json.loads(item.body) == {
        "orgId": OWN,
        "createdAt": 1770801300412,
        "eventName": "pointsIssued",
        "eventId": "e-1",
        "data": {},
    }


def test_an_idempotency_key_makes_ids_repeatable() -> None:
    body = b'[{"eventName":"pointsIssued","data":{}},{"eventName":"pointsIssued","data":{}}]'

    def ids(key: str, org: int = OWN) -> list[str]:
        items = read(body, key=key, org=org)
        return [draft.event_id for draft in items]

    assert ids("k") == ids("k")
    assert len({*ids("k"), *ids("l"), *ids("k", OTHER)}) == 6
    alone = b'{"eventName":"pointsIssued","data":{}}'
    assert draft(alone, key="k").event_id == ids("k")[0]
    assert draft(event(), key="k").event_id == "e-1", "a given id stays"


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\x00"])
def test_a_key_that_is_none(key: str) -> None:
    refusal = refused(event(), key=key)
    assert (type(refusal), refusal.reason.code) == (Invalid, "idempotency_key")


def test_a_refused_event_keeps_no_made_id_and_its_own_bytes() -> None:
    raw = b'{"eventName":"pointsIssued","data":{"bad":1}}'
    item = rejected(raw, key="k")
    assert (item.event_id, item.body) == ("", raw)
