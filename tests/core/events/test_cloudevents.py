"""CloudEvents 1.0: structured, batch, binary; into the flat envelope, and what is refused."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings import http
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from tests.core.events.envelope_cases import NOW, OTHER, OWN, reader, refused
from tests.core.events.parts import checked
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.events.cloudevents import epoch_ms
from tidings.core.ids import foreign_event_id
from tidings.engine.events.intake import Draft
from tidings.errors import Invalid, RequestRefused, Unsupported

STRUCTURED = b"application/cloudevents+json"
BATCH = b"application/cloudevents-batch+json"
JSON = b"application/json"
LEAST = {"specversion": "1.0", "id": "e-1", "source": "/pos", "type": "pointsIssued"}
DATA = b'{ "a" : 1.0, "b":"\\u00e9" }'


def cloud(data: bytes | None = DATA, **attributes: Any) -> bytes:
    """A structured event with exactly these data bytes. An attribute that is ... is left out."""
    given = {k: v for k, v in (LEAST | attributes).items() if v is not ...}
    members = [b'"%s":%s' % (k.encode(), json.dumps(v).encode()) for k, v in given.items()]
    if data is not None:
        members.append(b'"data":' + data)
    return b"{" + b",".join(members) + b"}"


def read(
    body: bytes,
    kind: bytes | None = STRUCTURED,
    headers: dict[bytes, bytes] | None = None,
    *,
    platform: bool = False,
) -> list[Draft | RejectedEvent]:
    return checked(
        reader().read(kind, headers or {}, body, AuthenticatedCaller(OWN, platform), None, NOW)
    )


def draft(*arguments: Any, **more: Any) -> Draft:
    (item,) = read(*arguments, **more)
    assert isinstance(item, Draft), item
    return item


def rejected(*arguments: Any, **more: Any) -> RejectedEvent:
    (item,) = read(*arguments, **more)
    assert isinstance(item, RejectedEvent), item
    return item


def binary(**attributes: str) -> dict[bytes, bytes]:
    return {b"ce-" + k.encode(): v.encode() for k, v in (LEAST | attributes).items()}


def test_the_least_event() -> None:
    item = draft(cloud())
    assert item.body == (
        b'{"eventName":"pointsIssued","eventId":"e-1","orgId":2001,"createdAt":1770801300412,'
        b'"data":' + DATA + b',"traceAttributes":{"source":"/pos"}}'
    )
    assert item.event == json.loads(item.body)


def test_every_attribute_has_its_place() -> None:
    raw = cloud(
        time="2026-02-11T09:15:00.123456Z",
        datacontenttype="application/json",
        dataschema="https://example.test/s",
        subject="till 1",
        orgid=OWN,
        refid="r",
        apirequestid="q",
        loyaltyeventid="l",
        eventlogid="-1",
        eventsearchkey="data.a",
        traceparent="00-1-2-01",
        sampled=True,
        count=3,
        nothing=None,
    )
    assert draft(raw).event == {
        "eventName": "pointsIssued",
        "eventId": "e-1",
        "orgId": OWN,
        "createdAt": 1770801300123,
        "data": {"a": 1.0, "b": "é"},
        "refId": "r",
        "apiRequestId": "q",
        "loyaltyEventId": "l",
        "eventLogId": -1,
        "eventSearchKey": "data.a",
        "traceAttributes": {
            "source": "/pos",
            "dataschema": "https://example.test/s",
            "subject": "till 1",
            "traceparent": "00-1-2-01",
            "sampled": "true",
            "count": "3",
        },
    }


def test_ids_that_do_not_fit_are_hashed_with_their_source() -> None:
    item = draft(cloud(id="a/b"))
    assert item.event_id == foreign_event_id("/pos", "a/b")
    assert draft(cloud(id="a/b", source="/web")).event_id != item.event_id
    assert draft(cloud(id="x" * 129)).event_id.startswith("ce_")


def test_orgs_are_judged_like_those_of_flat_events() -> None:
    for org in (0, "0", ..., None, OWN, str(OWN)):
        assert draft(cloud(orgid=org)).org == OWN
    assert rejected(cloud(orgid=OTHER)).code == "other_org"
    assert draft(cloud(orgid=OTHER), platform=True).event["orgId"] == OTHER


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("specversion", ...),
        ("specversion", "0.3"),
        ("specversion", 1.0),
        ("id", ...),
        ("id", ""),
        ("id", 5),
        ("source", ...),
        ("source", ""),
        ("type", ...),
        ("type", None),
        ("time", "yesterday"),
        ("time", 5),
        ("time", "2026-02-11T09:15:00"),
        ("time", "2026-02-11T09:15:60Z"),
        ("datacontenttype", "text/plain"),
        ("datacontenttype", 5),
        ("orgid", "x"),
        ("orgid", -1),
        ("orgid", True),
        ("orgid", 1 << 63),
        ("eventlogid", "1.5"),
        ("refid", {}),
        ("other", []),
        ("other", 1.5),
        ("Other", "x"),
        ("with-dash", "x"),
        ("data_base64", "e30="),
    ],
)
def test_attributes_that_are_refused(path: str, value: object) -> None:
    attributes: dict[str, Any] = {path: value}
    item = rejected(cloud(**attributes))
    assert (item.code, item.path) == ("cloudevent", "data" if path == "data_base64" else path)
    assert item.message.startswith(f"{item.path} must ")


@pytest.mark.parametrize("name", ["id", "type", "source", "data", "refid"])
def test_attributes_that_stand_twice(name: str) -> None:
    raw = b'{"%s":"x",' % name.encode() + cloud(refid="r")[1:]
    assert (rejected(raw).code, rejected(raw).path) == ("duplicate_key", name)


def test_base64_of_json() -> None:
    packed = base64.b64encode(DATA).decode()
    assert draft(cloud(None, data_base64=packed)).body == draft(cloud()).body
    for bad in ("?", "e3", 5, "é"):
        item = rejected(cloud(None, data_base64=bad))
        assert (item.code, item.path) == ("cloudevent", "data_base64")


INJECTIONS = [b'{},"orgId":2002', b'{}}{"a":1', b"{} {}", b"", b"NaN", b'{"a":1', b"\xff"]


@pytest.mark.parametrize("data", INJECTIONS[:-4] + INJECTIONS[-3:])
def test_data_cannot_break_out_of_its_place(data: bytes) -> None:
    packed = base64.b64encode(data).decode()
    with pytest.raises(RequestRefused) as caught:
        read(cloud(None, data_base64=packed))
    assert (type(caught.value), caught.value.reason.code) == (Invalid, "not_json")
    with pytest.raises(RequestRefused) as caught:
        read(data, JSON, binary())
    assert (type(caught.value), caught.value.reason.code) == (Invalid, "not_json")


def test_a_batch_refuses_its_events_one_by_one() -> None:
    parts = [cloud(), cloud(id=...), b"1", cloud(b'{"bad":1}', id="e-3"), cloud(id="e-2")]
    items = read(b"[" + b",".join(parts) + b"]", BATCH)
    assert [draft.__class__ for draft in items] == [
        Draft,
        RejectedEvent,
        RejectedEvent,
        RejectedEvent,
        Draft,
    ]
    last = items[3]
    assert isinstance(last, RejectedEvent) and (last.code, last.event_id) == ("schema", "e-3")
    assert last.body.startswith(b'{"eventName":'), "kept as it can be sent again"


def test_binary() -> None:
    headers = binary(orgid=str(OWN), refid="r", traceparent="t")
    item = draft(DATA, JSON, headers)
    assert item.body == draft(cloud(orgid=OWN, refid="r", traceparent="t")).body
    assert draft(b"", None, binary()).event.get("data", ...) is ...
    assert draft(DATA, b"application/x+json; charset=utf-8", headers).body == item.body


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("%E2%82%AC", "€"),
        ('"a \\"b\\""', 'a "b"'),
        ("a%20b", "a b"),
        ("100%25", "100%"),
        ("%zz", "%zz"),
    ],
)
def test_header_values_are_decoded(raw: str, text: str) -> None:
    assert draft(DATA, JSON, binary(note=raw)).event["traceAttributes"]["note"] == text


def test_header_values_that_are_not_utf8() -> None:
    assert rejected(DATA, JSON, binary(note="%FF")).path == "note"


def test_content_type_goes_before_headers() -> None:
    assert draft(cloud(), STRUCTURED, binary(id="other")).event_id == "e-1"
    with pytest.raises(RequestRefused) as caught:
        read(DATA, b"text/plain", binary())
    assert type(caught.value) is Unsupported


def test_what_cannot_be_parsed_refuses_the_call() -> None:
    assert type(refused(b"{", STRUCTURED)) is Invalid
    assert type(refused(b"1,2", BATCH)) is Invalid


def test_events_of_the_official_sdk() -> None:
    event = CloudEvent(
        attributes={
            "id": "ä b",
            "source": "/pos/1",
            "type": "pointsIssued",
            "time": datetime(2026, 2, 11, 9, 15, tzinfo=UTC),
            "subject": 'Asha "A" %',
            "refid": "2001_x",
        },
        data={"totalPointsIssued": 86.0, "name": "Aßha"},
    )
    bodies = []
    for message in (http.to_structured_event(event), http.to_binary_event(event)):
        headers = {k.lower().encode(): v.encode() for k, v in message.headers.items()}
        item = draft(message.body, headers.get(b"content-type"), headers)
        assert item.event["createdAt"] == 1770801300000
        assert item.event["data"] == {"totalPointsIssued": 86.0, "name": "Aßha"}
        assert item.event["traceAttributes"]["subject"] == 'Asha "A" %'
        assert item.event_id == foreign_event_id("/pos/1", "ä b")
        bodies.append(item.event)
    assert bodies[0] == bodies[1]


TIMES = {
    "1970-01-01T00:00:00Z": 0,
    "2026-02-11T09:15:00Z": 1770801300000,
    "2026-02-11t09:15:00.1z": 1770801300100,
    "2026-02-11T14:45:00.9999999+05:30": 1770801300999,
    "2026-02-11T00:15:00-09:00": 1770801300000,
    "0001-01-01T00:00:00+23:59": -62135596800000 - 86_340_000,
    "9999-12-31T23:59:59.999-23:59": 253402300799999 + 86_340_000,
}


@pytest.mark.parametrize("text", TIMES)
def test_times(text: str) -> None:
    assert epoch_ms(text) == TIMES[text]


@pytest.mark.parametrize(
    "text",
    ["", "2026-02-11", "2026-02-30T00:00:00Z", "2026-02-11T24:00:00Z", "2026-02-11 09:15:00Z"]
    + ["2026-02-11T09:15:00+24:00", "2026-02-11T09:15:00+0530", "0000-01-01T00:00:00Z"]
    + ["２026-02-11T09:15:00Z", "2026-02-11T09:15:00.Z", "2026-02-11T09:15:00Z\n"],
)
def test_what_is_no_time(text: str) -> None:
    assert epoch_ms(text) is None


@given(st.datetimes(timezones=st.timezones()))
def test_times_agree_with_datetime(moment: datetime) -> None:
    offset = moment.utcoffset()
    assert offset is not None
    if offset.total_seconds() % 60:
        return  # RFC 3339 has no seconds of offset
    naive = moment.replace(tzinfo=None) - datetime(1970, 1, 1) - offset
    exact = (naive.days * 86_400 + naive.seconds) * 1000 + naive.microseconds // 1000
    assert epoch_ms(moment.isoformat()) == exact
