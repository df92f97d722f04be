"""Who hears an event by more than its name: issues of several coupons, types that nobody knew."""

import json
from collections.abc import Callable
from typing import Any

from tests.e2e.replay_calls import comes_to, dry, replay
from tidings.catalogue import load

from ..harness.api import Api
from ..harness.events import bare, new_id
from ..harness.receiver import Receiver
from ..harness.until import until

SINGLE, BULK = "CouponIssue", "IssueBulkCoupon"


def issued(event_id: str, coupons: int, name: str = SINGLE) -> bytes:
    kind = load().get(BULK)
    assert kind is not None
    event: dict[str, Any] = json.loads(json.dumps(kind.example))
    first = event["data"]["coupons"][0]
    data = event["data"] | {"coupons": [first | {"id": 7000 + n} for n in range(coupons)]}
    ref = f"2001_55120_7000:{7000 + coupons - 1}"
    del event["orgId"]
    more = {"eventName": name, "eventId": event_id, "refId": ref, "data": data}
    return json.dumps(event | more).encode()


def listed(api: Api, query: str) -> set[str]:
    found = api.get(f"/v1/events?{query}").must(200)["events"]
    return {row["eventId"] for row in found}


def test_an_issue_of_several_coupons_is_heard_by_both_names_and_once(
    api: Api, receiver: Receiver
) -> None:
    paths = {word: receiver.path() for word in ("single", "bulk", "both")}
    names = {"single": [SINGLE], "bulk": [BULK], "both": [SINGLE, BULK]}
    for word, path in paths.items():
        api.webhook(receiver.url(path), name=word, eventNames=names[word])
    one, many, posted = new_id(), new_id(), new_id()
    for body in (issued(one, 1), issued(many, 3), issued(posted, 3, BULK)):
        api.accept(body)
    wanted = {"single": {one, many}, "bulk": {many, posted}, "both": {one, many, posted}}
    for word, path in paths.items():
        receiver.wait(path, len(wanted[word]))
    for word, path in paths.items():
        arrivals = receiver.arrivals(path)
        assert {arrival.message for arrival in arrivals} == wanted[word], word
        assert len(arrivals) == len(wanted[word]), "each once"
    assert [len(api.event(id)["deliveries"]) for id in (one, many, posted)] == [2, 3, 2]
    assert api.event(many)["eventName"] == SINGLE, "as on its wire"
    assert listed(api, f"eventName={SINGLE}") == {one, many}
    assert listed(api, f"eventName={BULK}") == {many, posted}
    found = api.get(f"/v1/deliveries?eventName={BULK}").must(200)["deliveries"]
    assert {(row["eventId"], row["eventName"]) for row in found} == {
        (many, SINGLE),
        (posted, BULK),
    }
    late = receiver.path()
    hook = api.webhook(receiver.url(late), name="late", eventNames=[BULK])
    asked = {"webHookId": hook["webHookId"]}
    tried = api.send("POST", "/v1/webHooks/preview", asked).must(200)
    assert {row["eventId"] for row in tried["events"] if row["received"]} == {many, posted}
    asked = {"states": ["unmatched"], "eventNames": [SINGLE]}
    assert dry(api, hook, **asked)["matched"] == 1
    comes_to(api, replay(api, hook, states=["unmatched"]), "finished")
    assert {arrival.event_id for arrival in receiver.wait(late, 2)} == {many, posted}


def test_a_type_never_seen_before_reaches_who_asked_for_it_by_name_or_prefix(
    new_org: Callable[..., Api], receiver: Receiver, service: Any
) -> None:
    api, platform = new_org(), service.api()
    names = ["com.example.order.packed", "com.shop.*"]
    body = {
        "name": "shop",
        "eventNames": names,
        "webHookType": "HTTP",
        "webHookUrl": receiver.url(path := receiver.path()),
        "methodType": "POST",
        "maxAllowedConnections": 5,
    }
    refused = api.send("POST", "/v3/webHooks", body).must(400)
    assert [row["code"] for row in refused["errors"]] == ["unknown_event_name"] * 2

    def org_is(word: str) -> None:
        settings = {"settings": {"unknownTypes": word}}
        platform.send("PATCH", f"/v1/orgs/{api.org}", settings).must(200)

    org_is("admitted")
    hook = api.send("POST", "/v3/webHooks", body).must(200)["data"]
    assert hook["eventNames"] == names and hook["warning"] is None
    heard = [bare("com.example.order.packed"), bare("com.shop.x"), bare("com.shop.y.z")]
    passed = [bare("com.example.order"), bare("com.shops.x"), bare("pointsIssued")]
    for chunk in (*passed, *heard):
        api.post(chunk).must(202)
    arrivals = receiver.wait(path, 3)
    assert {arrival.event["eventName"] for arrival in arrivals} == {
        "com.example.order.packed",
        "com.shop.x",
        "com.shop.y.z",
    }
    assert len(listed(api, "eventName=com.shop.*")) == 2
    assert len(listed(api, "eventName=com.shop.*,pointsIssued")) == 3
    org_is("refused")
    shown = api.get(f"/v3/webHooks/{hook['webHookId']}").must(200)["data"]
    assert shown["eventNames"] == names
    assert shown["warning"]["code"] == "unheard_event_name"
    assert "com.shop.*" in shown["warning"]["message"]
    kept = api.send("PUT", f"/v3/webHooks/{hook['webHookId']}", {"eventNames": names}).must(200)
    assert [row["code"] for row in kept["warnings"]] == ["unheard_event_name"]
    more = {"eventNames": [*names, "com.other.*"]}
    api.send("PUT", f"/v3/webHooks/{hook['webHookId']}", more).must(400)
    assert api.post(bare("com.shop.x")).status == 422
    late = receiver.path()
    org_is("admitted")
    hook = api.webhook(receiver.url(late), name="late", eventNames=["com.*"])
    comes_to(api, replay(api, hook, states=["unmatched"]), "finished")
    assert len(receiver.wait(late, 5)) == 5


def test_a_prefix_hears_the_catalogues_types_and_the_orgs_own(api: Api, receiver: Receiver) -> None:
    kind = {"description": "An order is packed.", "schema": {"type": "object"}}
    api.send("PUT", "/v1/eventTypes/shop.packed", kind).must(201)
    path = receiver.path()
    api.webhook(receiver.url(path), name="prefixes", eventNames=["shop.*", "points*"])
    for name in ("shop.packed", "pointsIssued", "customerAdded"):
        api.post(bare(name)).must(202)
    assert {arrival.event["eventName"] for arrival in receiver.wait(path, 2)} == {
        "shop.packed",
        "pointsIssued",
    }
    api.send("PUT", "/v1/eventTypes/shop.weighed", kind).must(201)
    api.post(bare("shop.weighed")).must(202)
    until(lambda: len(receiver.arrivals(path)) == 3, "a type that was declared later is heard")


def test_what_is_doubtful_is_accepted_told_and_kept_on_the_event(api: Api) -> None:
    told = api.post(bare(createdAt=1_770_801_300, eventId=(one := new_id()))).must(202)
    [row] = told["events"]
    assert row["status"] == "accepted" and "looks like seconds" in row["warning"]
    assert api.event(one)["warning"] == row["warning"]
    unnamed = {"customerIdentifiers": {}, "totalPointsIssued": 5}
    [row] = api.post(bare(data=unnamed, createdAt=-5)).must(202)["events"]
    assert "is negative" in row["warning"] and "names nobody" in row["warning"]
    assert "warning" not in api.post(bare()).must(202)["events"][0]
