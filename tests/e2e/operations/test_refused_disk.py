"""A disk that takes nothing more, as the system tells it to the store's process: what callers of
the original's API are answered, and that it goes on when there is room again."""

from collections.abc import Callable

from ..harness.api import Api, Reply
from ..harness.events import event, new_id
from ..harness.service import ORG, ServiceProcess
from ..harness.until import until

NewService = Callable[..., ServiceProcess]
HOOK = {
    "name": "crm",
    "active": True,
    "eventNames": ["pointsIssued"],
    "webHookType": "HTTP",
    "webHookUrl": "https://crm.example.com/hook",
    "methodType": "POST",
    "webHookHeaders": {},
    "maxAllowedConnections": 10,
}


def _is_4001(reply: Reply) -> None:
    assert reply.status == 503, reply
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.json.keys() == {"data", "errors", "warnings"}
    assert reply.json["data"] is None and reply.json["warnings"] is None
    [error] = reply.json["errors"]
    assert error.keys() == {"code", "message", "field"} and error["code"] == 4001
    assert error["message"].endswith("(4001, -)")


def test_v3_answers_503_and_4001_while_the_disk_takes_nothing(own_service: NewService) -> None:
    service = own_service().start()
    with service.api() as api:
        hook = api.send("POST", "/v3/webHooks", HOOK).must(200)["data"]["webHookId"]
        with service.without_room():
            _is_4001(api.send("POST", "/v3/webHooks", HOOK | {"name": "shop"}))
            for method, path, body in (
                ("PUT", f"/v3/webHooks/{hook}", HOOK | {"slaInSeconds": 60}),
                ("PATCH", f"/v3/webHooks/{hook}", {"slaInSeconds": 60}),
                ("POST", f"/v3/webHooks/{hook}/rotateSecret", {}),
                ("POST", f"/v3/webHooks/{hook}/pause", None),
                ("DELETE", f"/v3/webHooks/{hook}", None),
            ):
                _is_4001(api.send(method, path, body))
            ours = api.post(event(new_id(), ORG))
            assert ours.status == 503 and ours.json["error"]["code"] == "store_down"
            listed = api.get("/v3/webHooks").must(200)["data"]
            assert [(row["name"], row["version"]) for row in listed] == [("crm", 1)]
        made = until(lambda: _made(api), "the disk is written to again")
        assert made["name"] == "shop"


def _made(api: Api) -> dict[str, object] | None:
    reply = api.send("POST", "/v3/webHooks", HOOK | {"name": "shop"})
    return reply.json["data"] if reply.status == 200 else None
