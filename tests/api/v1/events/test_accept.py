"""`POST /v1/events`, as an ASGI application and without a task: every status, every header, every
shape of answer."""

import json
from typing import Any

import pytest

from tests.api.accept_client import (
    BRAND,
    DIFFERS,
    EVENT,
    JSON,
    OTHER,
    OWN,
    PLATFORM,
    Part,
    Service,
    call,
)
from tidings.api.http.answer_headers import BARE
from tidings.api.http.refusals import refusal
from tidings.core.events.call_split import CallLimits
from tidings.engine.events.intake import Overloaded
from tidings.errors import FieldRefusal
from tidings.store.port import FamilyAway, StoreDown

pytestmark = pytest.mark.usefixtures("way")


def row(status: str, event_id: str | None = "e-1", **more: Any) -> dict[str, Any]:
    return {"eventId": event_id, "status": status} | more


def counted(accepted: int, duplicates: int, rejected: int, *rows: Any) -> dict[str, Any]:
    head = {"accepted": accepted, "duplicates": duplicates, "rejected": rejected}
    return head | {"events": list(rows)}


async def test_one_event_is_accepted() -> None:
    service = Service()
    answer = await service.call()
    assert answer.status == 202
    assert answer.body == counted(1, 0, 0, row("accepted"))
    assert service.intake.bodies == {(OWN, "e-1"): EVENT}


async def test_one_event_and_an_array_of_one_are_answered_alike() -> None:
    assert (await call(EVENT)).raw == (await call(b"[" + EVENT + b"]")).raw


async def test_a_repeat_is_a_duplicate_and_other_bytes_are_a_warning() -> None:
    service = Service()
    await service.call()
    again = await service.call()
    assert (again.status, again.body) == (202, counted(0, 1, 0, row("duplicate")))
    other = await service.call(EVENT + b" ")
    assert other.body == counted(0, 1, 0, row("duplicate", warning=DIFFERS))
    assert other.status == 202


async def test_a_mixed_call_is_202_with_a_row_for_each_in_order() -> None:
    service = Service()
    bad = EVENT.replace(b"{}", b'{"bad":1}').replace(b"e-1", b"e-2")
    answer = await service.call(b"[" + b",".join([bad, EVENT, EVENT, b"7"]) + b"]")
    assert answer.status == 202
    wrong, first, second, number = answer.body["events"]
    assert answer.body == counted(1, 1, 2, wrong, first, second, number)
    assert (first, second) == (row("accepted"), row("duplicate"))
    assert wrong["eventId"] == "e-2" and wrong["status"] == "rejected"
    assert wrong["error"].keys() == {"code", "message", "path"}
    assert (wrong["error"]["code"], wrong["error"]["path"]) == ("schema", "data.bad")
    assert number["eventId"] is None and number["error"].keys() == {"code", "message"}
    kept = service.intake.rejections
    assert [
        (
            new_rejection.org,
            new_rejection.name,
            new_rejection.event_id,
            new_rejection.code,
            new_rejection.body,
        )
        for new_rejection in kept
    ] == [
        (OWN, "pointsIssued", "e-2", "schema", bad),
        (OWN, "", "", "not_object", b"7"),
    ]


async def test_all_refused_is_422_of_the_same_shape_and_asks_no_commit() -> None:
    service = Service()
    for body in (b"[1,2]", b'{"eventName":"x"}'):
        answer = await service.call(body)
        assert answer.status == 422
        assert answer.body.keys() == {"accepted", "duplicates", "rejected", "events"}
        assert answer.body["rejected"] == len(answer.body["events"])
    assert service.intake.calls == 0
    assert len(service.intake.rejections) == 3


async def test_a_lenient_org_gets_a_warning() -> None:
    bad = EVENT.replace(b"{}", b'{"bad":1}')
    answer = await call(bad, (b"x-tidings-org", b"2002"), authorization=PLATFORM)
    assert answer.status == 202
    assert answer.body["events"][0]["warning"].startswith("data.bad must be absent")


async def test_ndjson_and_cloudevents_arrive() -> None:
    lines = EVENT + b"\n" + EVENT.replace(b"e-1", b"e-2")
    assert (await call(lines, (b"content-type", b"application/x-ndjson"))).body["accepted"] == 2
    tags = {"specversion": "1.0", "id": "c-1", "source": "/s", "type": "pointsIssued"}
    headers = [(b"ce-" + name.encode(), value.encode()) for name, value in tags.items()]
    assert (await call(b"{}", *headers)).body["events"] == [row("accepted", "c-1")]


async def test_a_key_makes_a_repeated_call_a_duplicate() -> None:
    bare = EVENT.replace(b'"eventId":"e-1",', b"")
    service = Service()
    key = (b"idempotency-key", b"k-1")
    first = await service.call(bare, key)
    second = await service.call(bare, key)
    assert first.body["accepted"] == 1
    assert second.body == counted(0, 1, 0, row("duplicate", first.body["events"][0]["eventId"]))
    assert (await service.call(bare, (b"idempotency-key", b"a b"))).error == (
        400,
        "idempotency_key",
    )


async def test_credentials() -> None:
    denied = await call(authorization=None)
    assert denied.error == (401, "unauthorized")
    assert denied.headers[b"www-authenticate"].startswith(b"Basic ")
    assert (await call(authorization=b"Basic reader")).error == (403, "forbidden")


async def test_the_platform_names_orgs_and_acts_for_them() -> None:
    named = EVENT.replace(b'"orgId":0', b'"orgId":2002')
    header = (b"x-tidings-org", b"2002")
    service = Service()
    await service.call(named, authorization=PLATFORM)
    await service.call(EVENT, header, authorization=PLATFORM)
    assert [org for org, _ in service.intake.bodies] == [OTHER]
    own = EVENT.replace(b'"orgId":0', b'"orgId":2001')
    answer = await service.call(own, header, authorization=PLATFORM)
    assert answer.body["events"][0]["error"]["code"] == "other_org"
    assert (await service.call(EVENT, header)).error == (403, "forbidden_org")
    stranger = await service.call(named)
    assert stranger.body["events"][0]["error"]["code"] == "other_org"


async def test_refusals_of_the_whole_call() -> None:
    assert (await call(b"{")).error == (400, "not_json")
    assert (await call(b"[]")).error == (400, "no_events")
    assert (await call(EVENT, (b"content-type", b"text/plain"))).error == (415, "content_type")
    for encoding in (b"gzip", b"identity, gzip", b"br"):
        assert (await call(EVENT, (b"content-encoding", encoding))).error == (
            415,
            "content_encoding",
        )
    assert (await call(EVENT, (b"content-encoding", b"identity"))).status == 202
    many = b"[" + b",".join([EVENT] * 1001) + b"]"
    assert (await call(many)).error == (413, "too_many_events")


@pytest.mark.parametrize(
    "header",
    [JSON, (b"idempotency-key", b"k"), (b"x-tidings-org", b"1"), (b"ce-id", b"1")]
    + [(b"content-encoding", b"identity"), (b"authorization", BRAND), (b"content-length", b"1")],
)
async def test_a_header_that_decides_must_stand_once(header: tuple[bytes, bytes]) -> None:
    answer = await call(EVENT, header, header)
    assert answer.error == (400, "header_repeated")
    assert (await call(EVENT, (b"accept", b"*/*"), (b"accept", b"*/*"))).status == 202


@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_the_body_limit_by_what_came_and_by_what_was_announced(more: int) -> None:
    limit = 500
    body = EVENT + b" " * (limit + more - len(EVENT))
    limits = CallLimits(body_bytes=limit, event_bytes=limit)

    async def never() -> Part:
        raise AssertionError("the body must not be read")

    service = Service(limits=limits)
    halves = (body[:7], b"", body[7:])
    for parts in ([body], halves, [body[at : at + 1] for at in range(len(body))]):
        answer = await service.call(parts)
        assert answer.status == (413 if more > 0 else 202)
    length = (b"content-length", b"%d" % len(body))
    if more > 0:
        answer = await service.call(body, length, receive=never)
        assert answer.error == (413, "body_too_large")
        assert answer.headers[b"connection"] == b"close"
        huge = (b"content-length", b"9" * 5000)
        assert (await service.call(body, huge, receive=never)).status == 413
    else:
        assert (await service.call(body, length)).status == 202


async def test_reading_stops_at_the_limit() -> None:
    taken = 0

    async def endless() -> Part:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b" " * 65536, "more_body": True}

    assert (await call(receive=endless)).error == (413, "body_too_large")
    assert taken == (4 << 20) // 65536 + 1


@pytest.mark.parametrize(
    ("fault", "code", "retry"),
    [
        (StoreDown("x"), "store_down", b"5"),
        (FamilyAway("x"), "family_away", b"5"),
        (Overloaded("x"), "overloaded", b"1"),
    ],
)
async def test_the_store_cannot_take_it(fault: Exception, code: str, retry: bytes) -> None:
    service = Service()
    service.intake.fault = fault
    for body in (EVENT, b"[" + EVENT + b",1]"):
        answer = await service.call(body)
        assert answer.error == (503, code)
        assert answer.headers[b"retry-after"] == retry
    assert service.intake.rejections == [], "the call will come again with them"


async def test_every_answer_says_that_it_is_not_to_be_guessed_at_or_kept() -> None:
    service = Service()
    answers = [
        await service.call(),
        await service.call(b"[" + EVENT + b",1]"),
        await service.call(b"{"),
        await service.call(authorization=None),
        await service.call(EVENT, (b"content-type", b"text/html")),
    ]
    service.intake.fault = Overloaded("x")
    answers.append(await service.call())
    assert [answer.status for answer in answers] == [202, 202, 400, 401, 415, 503]
    for answer in answers:
        assert answer.headers.items() >= dict(BARE).items()


async def test_a_call_at_which_the_code_fails_is_answered_by_us_without_the_reason() -> None:
    service = Service()
    service.intake.fault = RuntimeError("se-cret")
    answer = await service.call()
    assert answer.error == (500, "internal")
    assert answer.headers[b"content-type"] == b"application/json"
    assert "se-cret" not in str(answer.body)
    assert answer.headers[b"x-cap-requestid"].decode() in str(answer.body)


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ([(b"x-cap-requestid", b"abc-1.2:3_4")], b"abc-1.2:3_4"),
        ([(b"x-request-id", b"r1")], b"r1"),
        ([(b"x-cap-requestid", b"c1"), (b"x-request-id", b"r1")], b"c1"),
        ([(b"x-cap-requestid", b"a b")], None),
        ([(b"x-cap-requestid", b"x" * 129)], None),
        ([(b"x-cap-requestid", b"a\n")], None),
        ([], None),
    ],
)
async def test_request_ids(headers: list[tuple[bytes, bytes]], shown: bytes | None) -> None:
    for body in (EVENT, b"{", b"[1]"):
        request = (await call(body, *headers)).headers[b"x-cap-requestid"]
        assert request == shown if shown else len(request) == 32


async def test_an_accepted_call_is_timed_by_the_org_of_its_events_and_no_other_one_is() -> None:
    timed: list[int] = []
    service = Service(observe_org=lambda org, took_s: timed.append(org))
    several = b"[" + EVENT + b"," + EVENT.replace(b"e-1", b"e-2") + b"]"
    for body in (EVENT, several):
        await service.call(body)
    assert timed == [OWN, OWN]
    of_other = EVENT.replace(b'"orgId":0', b'"orgId":%d' % OTHER)
    assert (await service.call(of_other, authorization=PLATFORM)).status == 202
    assert timed[2:] == [OTHER]
    await service.call(of_other, (b"x-tidings-org", b"%d" % OTHER), authorization=PLATFORM)
    assert timed[3:] == [OTHER]
    await service.call(several, authorization=PLATFORM)  # which may be of several
    await service.call(b"{}")
    await service.call(authorization=None)
    service.intake.fault = StoreDown("full")
    await service.call(EVENT.replace(b"e-1", b"e-3"))
    assert len(timed) == 4


def test_a_refusal_by_hand() -> None:
    status, headers, body = refusal(
        409, FieldRefusal("taken", "It is.", "name"), b"r", retry_after=0
    )
    assert status == 409
    assert json.loads(body) == {"error": {"code": "taken", "message": "It is.", "path": "name"}}
    assert (b"retry-after", b"1") in headers
