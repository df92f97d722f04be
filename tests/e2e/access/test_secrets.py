"""What is stored as a secret leaves the service towards its receiver, and by no other way."""

import http.client
import json
import re
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from tidings.core.access.scopes import RESOURCES

from ..harness.api import Api
from ..harness.browser import Browser
from ..harness.events import event, new_id
from ..harness.receiver import Receiver
from ..harness.service import ServiceProcess
from ..harness.until import until

# Named like a secret and not, long and short; each is looked for as a whole and without its end.
SECRETS = {
    "Authorization": "Bearer Sentinel-Of-Authorization-4711",
    "X-Api-Key": "Sentinel-Key",
    "X-Shop": "Sentinel-Of-The-Shop-0815",
    "User-Agent": "Sentinel-Agent/1.0 (of a brand)",
}
MARK = re.compile(rb"[Ss]entinel")
_PARAMETER = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def world(service: ServiceProcess, receiver: Receiver) -> Iterator["World"]:
    """An org whose webhooks have secrets, and in which everything has happened that may show them:
    a delivery, a retry, an answer that sends them back, a test inbox, a change, a deletion."""
    made = World(service, receiver)
    yield made
    made.api.close()


class World:
    """The org, and the ids of one of everything in it."""

    def __init__(self, service: ServiceProcess, receiver: Receiver) -> None:
        self.service = service
        platform = service.api()
        self.org = platform.send("POST", "/v1/orgs", {"name": "Secrets"}).must(201)["id"]
        platform.close()
        self.api = api = service.api(self.org)
        self.told: list[str] = []
        inbox = api.send("POST", "/v1/inboxes", {"name": "mine"}).must(201)
        self._listen(f"/v1/inboxes/{inbox['id']}/stream")
        self._listen("/v1/stream")
        echo = receiver.path(status=503, body=json.dumps(SECRETS))
        quiet = api.webhook(inbox["url"], "quiet", webHookHeaders=SECRETS)
        loud = api.webhook(receiver.url(echo), "loud", webHookHeaders=SECRETS, keepResponses=True)
        gone = api.webhook(receiver.url(echo), "gone", webHookHeaders=SECRETS)
        self.webhooks = {"quiet": quiet, "loud": loud}
        self.event_id = new_id()
        api.accept(event(self.event_id, self.org))
        api.settled(self.event_id, quiet)
        api.settled(self.event_id, loud, ("retrying", "failed"))
        receiver.wait(echo, 2)
        self.arrived = receiver.arrivals(echo)[0]
        api.delete(gone)
        delivery = api.delivery_of(self.event_id, loud)
        for row in (quiet, loud):
            path = f"/v1/webHooks/{row['webHookId']}/test"
            tested = until(partial(self._tested, path), "a test message")
            self.told += [json.dumps(row), tested]
        replay = {"webHookId": quiet["webHookId"], "eventIds": [self.event_id], "again": True}
        replayed = api.send("POST", "/v1/replays", replay).must(201)
        arrivals = api.get(f"/v1/inboxes/{inbox['id']}/arrivals").must(200)["arrivals"]
        api.post(b'{"eventName": "pointIssued"}').must(422)
        rejected = until(lambda: api.get("/v1/rejections").must(200)["rejections"], "a rejection")
        template = {"name": "slip", "template": "{}"}
        api.send("POST", "/v1/transformations", template).must(201)
        self.ids = {
            "webHookId": loud["webHookId"],
            "webhook_id": loud["webHookId"],
            "consumerGroupId": loud["consumerGroupId"],
            "inbox_id": inbox["id"],
            "arrival_id": arrivals[0]["id"],
            "event_id": self.event_id,
            "eventId": self.event_id,
            "delivery_id": delivery["id"],
            "replay_id": replayed["id"],
            "rejection_id": rejected[0]["id"],
            "org_id": str(self.org),
            "eventName": "pointsIssued",
            "kind": "customers",
            "id": "41200777",
            "name": "slip",
            "requestId": "none",
            "refId": "none",
        }

    def _tested(self, path: str) -> str | None:
        """The answer to a test; None where it is too soon for one."""
        reply = self.api.send("POST", path, {})
        return reply.body.decode() if reply.status == 200 else None

    def _listen(self, path: str) -> None:
        """Keep what a stream tells."""

        def read() -> None:
            line = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=120)
            line.request("GET", path, headers=self.api._headers)
            answer = line.getresponse()
            try:
                while text := answer.readline():
                    self.told.append(text.decode())
            except OSError:
                pass

        threading.Thread(target=read, daemon=True).start()

    def reader(self) -> Api:
        """Somebody who may read everything, and change nothing."""
        platform = self.service.api()
        asked = {"name": "reader", "scopes": dict.fromkeys(RESOURCES, "read")}
        made = platform.send("POST", f"/v1/orgs/{self.org}/credentials", asked).must(201)
        platform.close()
        return Api(self.service.port, f"{made['id']}:{made['secret']}")


def test_the_receiver_gets_them_whole(world: World) -> None:
    got = {name.lower(): value for name, value in world.arrived.headers.items()}
    assert {name: got[name.lower()] for name in SECRETS} == SECRETS


def test_no_call_that_reads_shows_them(world: World) -> None:
    with world.reader() as reader:
        document = reader.get("/openapi.json").must(200)
        walked, bodies = [], 0
        for path, methods in document["paths"].items():
            if "get" not in methods or path.endswith("/stream"):
                continue
            where = _PARAMETER.sub(lambda found: world.ids.get(found[1], "none"), path)
            if path.startswith("/v1/eventTypes/"):
                where = "/v1/eventTypes/pointsIssued"
            reply = reader.get(where)
            assert reply.status in (200, 400, 401, 403, 404), (path, reply.status)
            assert not MARK.search(reply.body), (path, reply.body)
            walked.append(path)
            bodies += reply.status == 200
        assert len(walked) > 35 and bodies > 30, (len(walked), bodies)
        shown = reader.get(f"/v3/webHooks/{world.ids['webHookId']}").must(200)["data"]
        assert shown["webHookHeaders"] == {
            "Authorization": "…4711",
            "X-Api-Key": "…",
            "X-Shop": "…0815",
            "User-Agent": "…and)",
        }
        arrival = f"/v1/inboxes/{world.ids['inbox_id']}/arrivals/{world.ids['arrival_id']}"
        headers = {row["name"]: row["value"] for row in reader.get(arrival).must(200)["headers"]}
        assert headers["X-Shop"] == "…0815" and headers["content-type"] == "application/json"
        assert headers["webhook-signature"].startswith("v1,")
        attempt = reader.get(f"/v1/deliveries/{world.ids['delivery_id']}").must(200)
        answered = attempt["attemptList"][0]["answer"]["body"]["text"]
        assert "…4711" in answered and "…0815" in answered, "what it sent back is masked too"
        for path in ("/metrics", "/livez", "/readyz"):
            assert not MARK.search(reader.get(path).body), path


def test_no_page_shows_them(world: World) -> None:
    asked = {"name": "console", "scopes": dict.fromkeys(("webhooks", "logs", "replay"), "write")}
    platform = world.service.api()
    made = platform.send("POST", f"/v1/orgs/{world.org}/credentials", asked).must(201)
    platform.close()
    browser = Browser(world.service.port, made["id"], made["secret"])
    seen = edited = 0
    for path, page in browser.walk("/console", "catalogue"):
        assert not MARK.search(page), path
        edited += b"4711" in page and b"/edit" in path.encode()
        seen += 1
    assert seen > 30 and edited, seen


def test_neither_streams_nor_answers_of_changes_nor_the_log_of_the_service_show_them(
    world: World,
) -> None:
    loud = world.webhooks["loud"]
    path = f"/v3/webHooks/{loud['webHookId']}"
    for method, where, body in (
        ("PUT", path, {"slaInSeconds": 9}),
        ("PUT", f"{path}?dryRun=true", {"webHookHeaders": {"X-New": "Sentinel-Of-A-New-One"}}),
        ("PATCH", path, {"webHookHeaders": {"X-New": "Sentinel-Of-A-New-One"}}),
        ("PATCH", path, {"webHookHeaders": {"X-Bad": "Sentinel\u00e4-Of-A-Wrong-One"}}),
        ("POST", f"{path}/pause", {}),
        ("POST", f"{path}/resume", {}),
        ("POST", "/v1/webHooks/preview", {"webHookId": loud["webHookId"]}),
    ):
        assert not MARK.search(world.api.send(method, where, body).body), (method, where)
    assert world.told and not any(MARK.search(text.encode()) for text in world.told)
    assert not MARK.search(world.service.log.read_bytes())


def test_what_was_read_can_be_sent_back(world: World, receiver: Receiver) -> None:
    path = receiver.path()
    with_all = world.api.webhook(receiver.url(path), "back", webHookHeaders=SECRETS)
    where = f"/v3/webHooks/{with_all['webHookId']}"
    for method in ("PUT", "PATCH"):
        shown = world.api.get(where).must(200)["data"]
        shown["slaInSeconds"] = (shown["slaInSeconds"] or 0) + 1
        world.api.send(method, where, shown).must(200)
    again = new_id()
    world.api.accept(event(again, world.org))
    (arrived,) = receiver.wait(path, 1)
    got = {name.lower(): value for name, value in arrived.headers.items()}
    assert {name: got[name.lower()] for name in SECRETS} == SECRETS
