"""What is taken, what is refused, and that one org never sees another."""

import socket
from collections.abc import Callable

import pytest

from ..harness.api import Api
from ..harness.events import bare, event, new_id
from ..harness.receiver import Receiver
from ..harness.service import KEY, SECRET, ServiceProcess
from ..harness.until import stays, until

LOGIN = f"{KEY}:{SECRET}"


def test_a_repeat_is_a_duplicate_and_is_not_delivered_again(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    event_id = new_id()
    body = event(event_id, api.org)
    statuses = [api.post(body).must(202)["events"][0]["status"] for _ in range(3)]
    assert statuses == ["accepted", "duplicate", "duplicate"]
    twice = api.post(b"[" + body + b"," + event(new_id(), api.org) + b"]").must(202)
    assert (twice["accepted"], twice["duplicates"], twice["rejected"]) == (1, 1, 0)
    receiver.wait(path, 2)
    api.settled(event_id)
    stays(lambda: len(receiver.arrivals(path)) == 2, "each event is delivered once")


def test_the_same_id_with_other_bytes_is_a_duplicate_with_a_warning(api: Api) -> None:
    event_id = new_id()
    first = event(event_id, api.org)
    api.accept(first)
    [row] = api.accept(event(event_id, api.org, points="67"))
    assert row["status"] == "duplicate" and "other bytes" in row["warning"]
    assert first in api.get(f"/v1/events/{event_id}").body


def test_one_event_twice_in_a_call_is_accepted_once(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    body = event(new_id(), api.org)
    rows = api.accept(b"[" + body + b"," + body + b"]")
    assert sorted(row["status"] for row in rows) == ["accepted", "duplicate"]
    receiver.wait(path, 1)
    stays(lambda: len(receiver.arrivals(path)) == 1, "it is delivered once")


def test_an_idempotency_key_makes_absent_ids_repeatable(api: Api) -> None:
    key = {"idempotency-key": new_id()}
    [first] = api.accept(bare(), **key)
    [again] = api.accept(bare(), **key)
    assert (first["status"], again["status"]) == ("accepted", "duplicate")
    assert first["eventId"] == again["eventId"]
    [other] = api.accept(bare(), **{"idempotency-key": new_id()})
    assert other["status"] == "accepted" and other["eventId"] != first["eventId"]


def test_a_rejected_event_leaves_the_others_of_its_call_alone(api: Api, receiver: Receiver) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    good, bad = new_id(), new_id()
    bodies = [
        event(good, api.org),
        event(bad, api.org, points='"many"'),
        bare("nobodyKnowsThis", eventId="x-1"),
        bare(eventId="no spaces allowed"),
        bare(orgId=api.org + 1),
    ]
    told = api.post(b"[" + b",".join(bodies) + b"]").must(202)
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (1, 0, 4)
    rows = told["events"]
    assert [row["status"] for row in rows] == ["accepted"] + ["rejected"] * 4
    for row in rows[1:]:
        assert row["error"]["code"] and row["error"]["message"]
    assert "totalPointsIssued" in rows[1]["error"]["path"]
    assert [arrival.event_id for arrival in receiver.wait(path, 1)] == [good]
    told_codes = {row["error"]["code"] for row in rows[1:]}

    def kept_codes() -> set[str]:  # they are written with the next commit
        kept = api.get("/v1/rejections").must(200)["rejections"]
        return {row["error"]["code"] for row in kept}

    until(lambda: kept_codes() == told_codes, "the rejections to be kept")
    assert api.get(f"/v1/events/{bad}").status == 404


def test_a_call_of_rejected_events_alone_is_422_in_the_same_shape(api: Api) -> None:
    told = api.post(bare("nobodyKnowsThis")).must(422)
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (0, 0, 1)
    assert told["events"][0]["status"] == "rejected"


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, b'{"eventName":', {}),
        (400, b"[]", {}),
        (415, b"{}", {"content-type": "text/plain"}),
        (415, b"{}", {"content-type": "application/json", "content-encoding": "gzip"}),
        (413, b'{"a":"' + b"x" * (4 << 20) + b'"}', {}),
        (413, b"[" + b",".join([b"{}"] * 1001) + b"]", {}),
    ],
    ids=["not JSON", "nothing", "type", "encoding", "bytes", "count"],
)
def test_a_call_that_cannot_be_read_is_refused_as_a_whole(
    api: Api, status: int, body: bytes, headers: dict[str, str]
) -> None:
    sent = {"content-type": "application/json"} | headers
    error = api.call("POST", "/v1/events", body, sent).must(status)["error"]
    assert error["code"] and error["message"]


def test_without_a_known_credential_nothing_is_told(service: ServiceProcess, api: Api) -> None:
    event_id = new_id()
    body = event(event_id, api.org)
    api.accept(body)
    for login in (None, f"{KEY}:wrong", "nobody:" + SECRET, SECRET):
        with Api(service.port, login, api.org) as caller:
            refused = caller.post(event(new_id(), api.org))
            assert refused.status == 401 and "basic" in refused.headers["www-authenticate"].lower()
            for path in (f"/v1/events/{event_id}", "/v3/webHooks", "/v1/stream", "/v1/orgs"):
                reply = caller.get(path)
                assert reply.status == 401 and body not in reply.body


def test_an_org_that_does_not_exist_is_forbidden(service: ServiceProcess) -> None:
    for org in ("999999999999", "x", "-1"):
        with Api(service.port, LOGIN) as caller:
            headers = {"content-type": "application/json", "x-tidings-org": org}
            assert caller.call("POST", "/v1/events", bare(), headers).status == 403


def test_no_org_gets_or_sees_what_is_anothers(
    api: Api, new_org: Callable[..., Api], receiver: Receiver
) -> None:
    other = new_org()
    own_path, other_path = receiver.path(), receiver.path()
    own = api.webhook(receiver.url(own_path))
    other.webhook(receiver.url(other_path))
    event_id = new_id()
    body = event(event_id, api.org)
    api.accept(body)
    receiver.wait(own_path, 1)
    delivery = api.settled(event_id)
    assert other.get(f"/v1/events/{event_id}").status == 404
    assert other.get(f"/v1/deliveries/{delivery['id']}").status == 404
    hidden = f"/v3/webHooks/{own['webHookId']}"
    assert other.get(hidden).status == other.call("DELETE", hidden).status == 400
    assert other.get("/v1/rejections").must(200)["rejections"] == []
    # Acting for one org, even the platform may not post another's events.
    refused = other.post(body).must(422)["events"][0]
    assert refused["status"] == "rejected" and refused["error"]["path"] == "orgId"
    # The same id in two orgs is two events.
    assert other.accept(event(event_id, other.org))[0]["status"] == "accepted"
    [arrival] = receiver.wait(other_path, 1)
    assert arrival.event["orgId"] == other.org
    stays(lambda: len(receiver.arrivals(own_path)) == 1, "the first org got its own event only")
    assert receiver.arrivals(own_path)[0].message == event_id


def test_the_platform_may_name_any_org_in_the_event_itself(
    service: ServiceProcess, api: Api, receiver: Receiver
) -> None:
    path = receiver.path()
    api.webhook(receiver.url(path))
    event_id = new_id()
    with service.api() as platform:
        platform.accept(event(event_id, api.org))
        assert platform.get(f"/v1/events/{event_id}").status == 404  # it is not its own org's
    assert [arrival.event_id for arrival in receiver.wait(path, 1)] == [event_id]


def test_a_parent_that_listens_gets_the_events_of_orgs_below_it(
    new_org: Callable[..., Api], receiver: Receiver
) -> None:
    parent = new_org()
    child = new_org(parent=parent.org)
    listening, plain, own = (receiver.path() for _ in range(3))
    parent.webhook(receiver.url(listening), listenToChildEvents=True)
    parent.webhook(receiver.url(plain), name="plain")
    child.webhook(receiver.url(own))
    event_id = new_id()
    child.accept(event(event_id, child.org))
    for path in (listening, own):
        assert [arrival.event_id for arrival in receiver.wait(path, 1)] == [event_id]
    stays(lambda: not receiver.arrivals(plain), "who does not listen gets nothing")


def test_a_body_that_comes_too_slowly_is_408_and_the_service_goes_on(
    own_service: Callable[..., ServiceProcess],
) -> None:
    service = own_service(call_s_max=1).start()
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        line.settimeout(10)
        with service.api() as api:
            head = "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            line.sendall(head.encode() + b"content-length: 100\r\n")
            line.sendall(f"authorization: {api.authorization}\r\n\r\n{{".encode())
            assert line.recv(4096).startswith(b"HTTP/1.1 408 ")
            assert api.get("/livez").must(200) == {"live": True}
    assert service.stop() == 0
