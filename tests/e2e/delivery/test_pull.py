"""Webhooks of the type PULL: their messages are fetched under a lease, and acknowledged."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.destinations.trials.ledger import restarted_on_the_way
from tests.destinations.trials.pull import PullTrial
from tests.loops.own_time import own_time

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.until import PATIENCE_S, until
from .bugs import figure

LEASE_S = 1  # a call is made within it, where nothing stands still


def pulled(api: Api, name: str = "reader", **fields: Any) -> dict[str, Any]:
    return api.webhook("", name, webHookType="PULL", **fields)


def fetch(api: Api, hook: dict[str, Any], wait: float = 0, **asked: Any) -> dict[str, Any]:
    path = f"/v1/webHooks/{hook['webHookId']}/pull"
    found: dict[str, Any] = api.send("POST", path, {"waitInSeconds": wait} | asked).must(200)
    return found


def say(api: Api, hook: dict[str, Any], messages: Any, outcome: str, **more: Any) -> dict[str, Any]:
    path = f"/v1/webHooks/{hook['webHookId']}/acknowledge"
    body = {"ackIds": [message["ackId"] for message in messages], "outcome": outcome}
    told: dict[str, Any] = api.send("POST", path, body | more).must(200)
    return told


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return [json.loads(message["body"])["eventId"] for message in messages]


def until_fetched(
    api: Api, hook: dict[str, Any], count: int, wait: float = 1, **asked: Any
) -> list[dict[str, Any]]:
    """So many messages, in however many calls, of which each waits so long."""
    got: list[dict[str, Any]] = []
    stop = time.monotonic() + PATIENCE_S
    while len(got) < count and time.monotonic() < stop:
        got += fetch(api, hook, wait, **asked)["messages"]
    assert len(got) == count, ids(got)
    return got


def test_a_message_is_fetched_signed_and_delivered_when_it_is_acknowledged(api: Api) -> None:
    hook = pulled(api)
    assert hook["webHookUrl"] == "" and hook["warning"] is None
    sent = new_id()
    body = event(sent, 0)
    api.accept(body)
    waiting = api.delivery_of(sent)
    assert waiting["state"] == "pending" and "waits to be fetched" in waiting["advice"]
    assert waiting["waitsFor"] == {"reason": "reader", "until": None, "on": None}
    [message] = until_fetched(api, hook, 1)
    assert message["body"].encode() == body, "byte for byte"
    verifier = Verifier(hook["signingSecret"])
    verifier.verify(message["body"], message["headers"])
    assert (message["attempt"], message["headers"]["tidings-attempt"]) == (1, "1")
    assert say(api, hook, [message], "delivered") == {"taken": 1, "passedOver": 0}
    settled = api.settled(sent)
    assert (settled["state"], settled["waitsFor"]) == ("delivered", None)
    again = say(api, hook, [message], "delivered")
    assert (again["taken"], again["passedOver"]) == (0, 1)
    [warning] = again["warnings"]
    assert (warning["code"], warning["path"]) == ("not_out", "ackIds")
    assert "1 of 1 are not, and were ignored" in warning["message"]
    assert fetch(api, hook)["messages"] == []


def test_the_cursor_of_an_answer_acknowledges_all_of_it(api: Api) -> None:
    hook = pulled(api, maxAllowedConnections=100)
    sent = [new_id() for _ in range(25)]
    for number, text in enumerate(sent):
        api.accept(event(text, 0, customer=number + 1))
    got: list[str] = []
    cursor = None
    while len(got) < 25:
        answer = fetch(api, hook, 30, max=10, **({} if cursor is None else {"cursor": cursor}))
        assert 1 <= len(answer["messages"]) <= 10
        got += ids(answer["messages"])
        cursor = answer["cursor"]
    last = fetch(api, hook, cursor=cursor)
    assert last.pop("acknowledged")["passedOver"] == 0
    assert last == {"messages": [], "cursor": None, "leasedUntil": None}
    twice = fetch(api, hook, cursor=cursor)
    assert twice["acknowledged"] == {"taken": 0, "passedOver": 0}
    assert [warning["code"] for warning in twice["warnings"]] == ["cursor_not_known"]
    assert sorted(got) == sorted(sent)
    for text in sent:
        assert api.settled(text)["state"] == "delivered"


def test_what_is_not_acknowledged_within_its_lease_comes_again_at_once(api: Api) -> None:
    hook = pulled(api)
    sent = new_id()
    api.accept(event(sent, 0))
    [first] = until_fetched(api, hook, 1, leaseInSeconds=600)
    assert fetch(api, hook)["messages"] == [], "it is the first reader's"
    assert say(api, hook, [first], "longer", leaseInSeconds=1)["taken"] == 1  # from now on
    [second] = until_fetched(api, hook, 1)
    assert (first["id"], second["attempt"]) == (second["id"], 2)
    late = say(api, hook, [first], "delivered")
    assert (late["taken"], late["passedOver"]) == (0, 1)
    [past] = [row for row in api.delivery_of(sent)["attemptList"] if row["number"] == 1]
    assert past["fault"] == "lease" and "lease ended" in past["detail"]
    say(api, hook, [second], "delivered")
    assert api.settled(sent)["state"] == "delivered"
    shown = api.get(f"/v3/webHooks/{hook['webHookId']}").must(200)["data"]
    assert shown["health"] is None, "a reader that lets go is no failing receiver"


def test_a_reader_gives_back_asks_for_longer_and_refuses(api: Api) -> None:
    hook = pulled(api)
    sent = new_id()
    api.accept(event(sent, 0))
    lease_s = LEASE_S
    [message] = until_fetched(api, hook, 1, leaseInSeconds=lease_s)
    while not say(api, hook, [message], "longer", leaseInSeconds=300)["taken"]:
        lease_s *= 2  # the machine stood still for longer than the lease: it was over
        [message] = until_fetched(api, hook, 1, leaseInSeconds=lease_s)
    time.sleep(lease_s + 0.3)
    began = time.monotonic()
    assert say(api, hook, [message], "again", delayInSeconds=1)["taken"] == 1
    [again] = until_fetched(api, hook, 1)
    assert again["attempt"] == message["attempt"] + 1 and time.monotonic() - began > 0.7
    say(api, hook, [again], "again")
    [message] = until_fetched(api, hook, 1)
    say(api, hook, [message], "never", reason="no such customer")
    ended = api.settled(sent)
    assert ended["state"] == "failed"
    assert "no such customer" in json.dumps(ended)


def test_a_reader_that_waits_is_answered_when_something_comes(api: Api) -> None:
    hook = pulled(api)
    told: list[Any] = []
    reader = Api(api.port, None, None)
    reader._headers = dict(api._headers)
    waiting = threading.Thread(target=lambda: told.extend(until_fetched(reader, hook, 1, 20)))
    waiting.start()
    until(lambda: figure(api, "tidings_readers_waiting"), "a reader that waits")
    with own_time() as took_s:
        sent = new_id()
        api.accept(event(sent, 0))
        waiting.join(PATIENCE_S)
    assert ids(told) == [sent] and took_s() < 3


def test_the_next_of_a_key_comes_when_the_one_before_is_acknowledged(api: Api) -> None:
    hook = pulled(api, ordering="key", maxAllowedConnections=50)
    sent = [new_id() for _ in range(6)]
    for number, text in enumerate(sent):
        api.accept(event(text, 0, customer=number % 2 + 1))
    got: dict[int, list[str]] = {0: [], 1: []}
    for _ in range(3):
        messages = until_fetched(api, hook, 2)
        assert {json.loads(message["body"])["data"]["customerIdentifiers"]["customerId"] for
            message in
                messages} == {1, 2}  # fmt: skip
        for text in ids(messages):
            got[sent.index(text) % 2].append(text)
        say(api, hook, messages, "delivered")
    assert got == {0: sent[0::2], 1: sent[1::2]}


def test_filter_shape_and_replay_hold_for_what_is_fetched(api: Api) -> None:
    hook = pulled(
        api,
        filter={"path": "data.totalPointsIssued", "gt": 50},
        fields={"keep": ["eventId", "data.totalPointsIssued"]},
    )
    small, large = new_id(), new_id()
    api.accept(event(small, 0, points="5"))
    api.accept(event(large, 0, points="66.0"))
    [message] = until_fetched(api, hook, 1)
    shaped = json.loads(message["body"])
    assert shaped["eventId"] == large and shaped["data"] == {"totalPointsIssued": 66.0}
    say(api, hook, [message], "delivered")
    api.settled(large)
    asked = {"webHookId": hook["webHookId"], "eventIds": [large], "again": True}
    api.send("POST", "/v1/replays", asked).must(201)
    [again] = until_fetched(api, hook, 1)
    assert again["headers"]["tidings-replay"].startswith("rpl_")
    say(api, hook, [again], "delivered")


def test_a_paused_webhook_hands_out_nothing_and_a_change_is_followed(api: Api) -> None:
    hook = pulled(api)
    sent = new_id()
    api.accept(event(sent, 0))
    path = f"/v3/webHooks/{hook['webHookId']}"
    api.send("POST", f"{path}/pause", {}).must(200)
    assert fetch(api, hook)["messages"] == []
    api.send("POST", f"{path}/resume", {}).must(200)
    [message] = until_fetched(api, hook, 1)
    api.change(hook, fields={"keep": ["data.totalPointsIssued"]})
    assert say(api, hook, [message], "again")["taken"] == 1
    [again] = until_fetched(api, hook, 1)
    assert again["body"] == message["body"], "a message stays what it was when it was first out"
    say(api, hook, [again], "delivered")
    api.accept(event(new_id(), 0))
    [message] = until_fetched(api, hook, 1)
    assert json.loads(message["body"])["data"] == {"totalPointsIssued": 66.0}
    refused = api.send("PATCH", path, {"webHookType": "HTTP", "webHookUrl": "https://a.example"})
    assert refused.status == 400 and "type_stays" in refused.body.decode()
    api.delete(hook)
    assert api.send("POST", f"/v1/webHooks/{hook['webHookId']}/pull", {}).status == 404


def test_only_who_may_reads_and_only_what_is_fetched(api: Api, new_org: Callable[..., Api]) -> None:
    hook, other = pulled(api), new_org()
    path = f"/v1/webHooks/{hook['webHookId']}"
    for call in ("pull", "acknowledge"):
        assert other.send("POST", f"{path}/{call}", {"ackIds": ["x"]}).status == 404
    told = api.webhook("https://crm.example.com/", "told")
    reply = api.send("POST", f"/v1/webHooks/{told['webHookId']}/pull", {})
    assert (reply.status, reply.json["error"]["code"]) == (409, "not_pulled")
    made = api.send("POST", f"/v1/orgs/{api.org}/credentials", {
        "name": "reads", "scopes": {"logs": "read", "webhooks": "write"}}).must(201)  # fmt: skip
    with Api(api.port, f"{made['id']}:{made['secret']}") as weak:
        assert weak.send("POST", f"{path}/pull", {}).status == 403
    for wrong in ({"max": 0}, {"max": 1001}, {"waitInSeconds": 99}, {"leaseInSeconds": 0},
                  {"leaseInSeconds": 4000}, {"cursor": 7}, {"most": 1}):  # fmt: skip
        assert api.send("POST", f"{path}/pull", wrong).status == 400, wrong
    told_wrongly: list[dict[str, Any]] = [
        {}, {"ackIds": []}, {"ackIds": "a"}, {"ackIds": ["a"], "outcome": "maybe"},
    ]  # fmt: skip
    for said in told_wrongly:
        assert api.send("POST", f"{path}/acknowledge", said).status == 400, said
    assert say(api, hook, [{"ackId": "never given"}], "delivered")["passedOver"] == 1


@pytest.mark.parametrize("kill", [True, False])
def test_after_an_end_what_was_acknowledged_is_gone_and_the_rest_comes_again(
    own_service: NewService, kill: bool
) -> None:
    service = own_service().start()
    with service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "An org"}).must(201)["id"]
    with service.api(org) as api:
        hook = pulled(api, maxAllowedConnections=100)
        sent = [new_id() for _ in range(20)]
        for number, text in enumerate(sent):
            api.accept(event(text, 0, customer=number + 1))
        messages = until_fetched(api, hook, 20, leaseInSeconds=600)
        done, left = messages[:8], messages[8:]
        say(api, hook, done, "delivered")
        for text in ids(done):
            api.settled(text)
    service.kill_all() if kill else service.stop()
    service.start()
    with service.api(org) as api:
        again = until_fetched(api, hook, len(left))
        assert sorted(ids(again)) == sorted(ids(left))
        assert {row["attempt"] for row in again} == {2}
        say(api, hook, again, "delivered")
        for text in sent:
            assert api.settled(text)["state"] == "delivered"
        assert fetch(api, hook)["messages"] == []


def test_a_stop_does_not_wait_for_readers_or_leases(own_service: NewService) -> None:
    service = own_service().start()
    with service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "An org"}).must(201)["id"]
    api = service.api(org)
    hook, empty = pulled(api), pulled(api, "empty", eventNames=["customerAdded"])
    api.accept(event(new_id(), 0))
    until_fetched(api, hook, 1, leaseInSeconds=3600)
    told: list[Any] = []
    waiting = threading.Thread(target=lambda: told.append(fetch(service.api(org), empty, 30)))
    waiting.start()
    until(lambda: figure(api, "tidings_readers_waiting"), "a reader that waits")
    with own_time() as took_s:
        assert service.stop() == 0
    assert took_s() < 5
    waiting.join(PATIENCE_S)
    assert told and told[0]["messages"] == []


@pytest.mark.systems
def test_a_reader_that_is_killed_loses_nothing_and_keeps_the_order(
    own_service: NewService, tmp_path: Path
) -> None:
    trial = PullTrial(tmp_path)
    try:
        ledger = restarted_on_the_way(own_service, trial, tmp_path, 600, begun=trial.begin)
    finally:
        trial.end()
    assert (ledger.lost, ledger.out_of_order) == (0, 0)


def test_what_is_fetched_says_how_often_it_has_been_through_and_ends(api: Api) -> None:
    """A reader that sends what it fetches, with the header as it came."""
    hook = pulled(api)
    api.accept(event(new_id(), 0), **{"tidings-hops": "2; via=elsewhere; of=all"})
    said: list[str] = []
    row: dict[str, Any] = {}
    while "warning" not in row and len(said) < 8:
        [message] = got = until_fetched(api, hook, 1)
        assert say(api, hook, got, "delivered")["taken"] == 1
        said.append(message["headers"]["tidings-hops"])
        [row] = api.accept(event(new_id(), 0), **{"tidings-hops": said[-1]})
    assert [hops.partition(";")[0] for hops in said] == ["3", "4"], "then by one door thrice"
    assert all(hops.endswith("; of=all") for hops in said)
    assert row["warning"].startswith("Not delivered: ")
    assert fetch(api, hook)["messages"] == []
