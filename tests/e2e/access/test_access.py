"""Orgs and access through the running service: families of orgs, tokens, settings, restarts."""

import hashlib
from collections.abc import Callable
from typing import Any

from ..harness.api import Api
from ..harness.events import bare, event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.until import stays

NewOrg = Callable[..., Api]


def change(platform: Api, org: int, **fields: Any) -> dict[str, Any]:
    """PATCH an org."""
    changed: dict[str, Any] = platform.send("PATCH", f"/v1/orgs/{org}", fields).must(200)
    return changed


def credential(platform: Api, org: int, **fields: Any) -> dict[str, Any]:
    """A new credential that may send events and read what became of them."""
    body = {"scopes": {"events": "write", "logs": "read"}} | fields
    made: dict[str, Any] = platform.send("POST", f"/v1/orgs/{org}/credentials", body).must(201)
    return made


def test_a_childs_event_reaches_a_parent_that_listens_and_never_a_sibling(
    service: ServiceProcess, new_org: NewOrg, receiver: Receiver
) -> None:
    top, middle = new_org(), new_org()
    with service.api() as platform:
        child, sibling = new_org(parent=middle.org), new_org(parent=middle.org)
        paths = {name: receiver.path() for name in ("top", "middle", "deaf", "child", "sibling")}
        listens: dict[str, Any] = {"listenToChildEvents": True}
        top.webhook(receiver.url(paths["top"]), **listens)
        middle.webhook(receiver.url(paths["middle"]), **listens)
        middle.webhook(receiver.url(paths["deaf"]), name="deaf")
        child.webhook(receiver.url(paths["child"]), **listens)
        sibling.webhook(receiver.url(paths["sibling"]), **listens)

        def told(names: set[str], event_id: str) -> None:
            for name in names:
                receiver.wait(paths[name], 1)
            heard = {
                name
                for name, path in paths.items()
                if any(arrival.event_id == event_id for arrival in receiver.arrivals(path))
            }
            assert heard == names

        first = new_id()
        child.accept(event(first, child.org))
        told({"middle", "child"}, first)

        assert change(platform, middle.org, parent=top.org)["parent"] == top.org
        second = new_id()
        child.accept(event(second, child.org))
        receiver.wait(paths["middle"], 2)
        receiver.wait(paths["child"], 2)
        told({"top", "middle", "child"}, second)

        change(platform, child.org, parent=None)
        third = new_id()
        child.accept(event(third, child.org))
        receiver.wait(paths["child"], 3)
        quiet = [paths["middle"], paths["deaf"], paths["sibling"], paths["top"]]
        counts = [len(receiver.arrivals(path)) for path in quiet]
        assert counts == [2, 0, 0, 1]
        stays(
            lambda: [len(receiver.arrivals(path)) for path in quiet] == counts,
            "nobody else hears of it",
        )


def test_a_till_and_an_oauth_client_send_events_and_read_them(
    service: ServiceProcess, api: Api
) -> None:
    with service.api() as platform:
        till = credential(platform, api.org, kind="till", code=f"till.{api.org}")
        md5 = hashlib.md5(till["secret"].encode()).hexdigest()
        with Api(service.port, f"{till['id']}:{md5}") as as_till:
            [row] = as_till.accept(bare())
            assert as_till.event(row["eventId"])["orgId"] == api.org
            assert as_till.get(f"/v1/orgs/{api.org}").status == 403

        client = credential(platform, api.org, kind="oauth")
        with Api(service.port) as nobody:
            body = {"key": client["id"], "secret": client["secret"]}
            answer = nobody.send("POST", "/v3/oauth/token/generate", body).must(200)
            headers = {
                "x-cap-api-oauth-token": answer["data"]["accessToken"],
                "content-type": "application/json",
            }
            sent = nobody.call("POST", "/v1/events", bare(), headers).must(202)
            found = nobody.call("GET", f"/v1/events/{sent['events'][0]['eventId']}", None, headers)
            assert found.must(200)["orgId"] == api.org
            platform.call("DELETE", f"/v1/orgs/{api.org}/credentials/{client['id']}").must(200)
            assert nobody.call("POST", "/v1/events", bare(), headers).status == 401


def test_lenient_keeps_the_warning_and_admitted_types_are_stored(
    service: ServiceProcess, api: Api
) -> None:
    wrong, unknown = new_id(), new_id()
    body = event(wrong, api.org, points='"many"')
    assert api.post(body).status == 422
    with service.api() as platform:
        change(platform, api.org, settings={"validation": "lenient", "unknownTypes": "admitted"})
    [row] = api.accept(body)
    assert row["status"] == "accepted" and "totalPointsIssued" in row["warning"]
    assert api.event(wrong)["warning"] == row["warning"]
    api.accept(bare("till.opened", eventId=unknown))
    assert api.event(unknown)["eventName"] == "till.opened"


def test_access_is_as_it_was_after_a_restart(own_service: NewService) -> None:
    service = own_service().start()
    with service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "Acme", "parent": 2001}).must(201)["id"]
        change(platform, org, timeZone="Asia/Kolkata", settings={"validation": "off"})
        key = credential(platform, org, limits={"eventsPerSecond": 5})
        gone = credential(platform, org)
        oauth = credential(platform, org, kind="oauth")
        platform.call("DELETE", f"/v1/orgs/{org}/credentials/{gone['id']}").must(200)
        asked = {"key": oauth["id"], "secret": oauth["secret"]}
        answer = platform.send("POST", "/v3/oauth/token/generate", asked).must(200)
        user = {"email": "asha@acme.example", "role": "owner", "password": "several words of mine"}
        platform.send("POST", f"/v1/orgs/{org}/users", user).must(201)
        before = platform.get(f"/v1/orgs/{org}").must(200)
        with Api(service.port, f"{key['id']}:{key['secret']}") as brand:
            brand.accept(event(new_id(), org, points='"many"'))
    assert service.stop() == 0
    service.start()
    with service.api() as platform:
        assert platform.get(f"/v1/orgs/{org}").must(200) == before
        kept = platform.get(f"/v1/orgs/{org}/credentials/{key['id']}").must(200)
        assert kept["lastUsedAt"] is not None and kept["limits"]["eventsPerSecond"] == 5
        [asha] = platform.get(f"/v1/orgs/{org}/users").must(200)["users"]
        assert (asha["email"], asha["status"]) == ("asha@acme.example", "active")
    with Api(service.port, f"{key['id']}:{key['secret']}") as brand:
        reply = brand.post(event(new_id(), org, points='"many"'))
        assert reply.status == 202 and reply.headers["ratelimit"] == '"events";r=4;t=1'
        refused = [brand.post(event(new_id(), org)).status for _ in range(12)]
        assert 429 in refused
    with Api(service.port, f"{gone['id']}:{gone['secret']}") as revoked:
        assert revoked.post(bare()).status == 401
    with Api(service.port) as nobody:
        token = {"authorization": f"Bearer {answer['data']['accessToken']}"}
        assert nobody.call("GET", "/v1/rejections", None, token).status == 200
        change_it = {
            "email": "asha@acme.example",
            "currentPassword": "several words of mine",
            "password": "other words altogether",
        }
        assert nobody.send("POST", "/v1/passwords", change_it).status == 204
        assert nobody.send("POST", "/v1/passwords", change_it).status == 401
