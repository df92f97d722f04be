"""Personal data of an own type's events is shown where the event is shown, and by nothing else:
not by refusals and warnings, lists, streams, tables, pages about them, figures or log lines."""

import http.client
import json
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command, Terminal

from ..harness.browser import Browser
from ..harness.events import new_id
from ..harness.receiver import Receiver
from ..harness.service import KEY, SECRET, ServiceProcess
from ..harness.until import until

MARK = "Zq7Jane"  # every personal value and name begins so
Json = dict[str, Any]
NAME: Json = {"type": "string", "maxLength": 3, "x-pii": "name"}
NUMBER: Json = {"type": "number", "x-pii": "mobile"}
SCHEMA: Json = {
    "$defs": {"n": NAME},
    "properties": {
        "field": NAME,
        "nested": {"properties": {"a": {"properties": {"n": NAME}}}},
        "items": {"type": "array", "items": NAME},
        "rows": {"items": {"properties": {"n": NAME}}},
        "values": {"additionalProperties": NAME},
        "keys": {"additionalProperties": NUMBER},
        "people": {"x-pii": "name", "additionalProperties": {"type": "number"}},
        "either": {"anyOf": [NAME, {"type": "null"}]},
        "oneOf": {"oneOf": [NAME, NUMBER]},
        "both": {"allOf": [{"x-pii": "name"}, {"maxLength": 3}]},
        "not": {"not": {"type": "string", "x-pii": "name"}},
        "referred": {"$ref": "#/$defs/n"},
        "block": {"x-pii": "name", "type": "object", "properties": {"n": {"type": "number"}}},
        "closed": {"x-pii": "name", "additionalProperties": False},
        "holder": {"type": "object", "properties": {"n": NAME}},
        "phone": {"type": "string", "pattern": "^[0-9]*$", "x-pii": "mobile", "x-search": True},
    },
}
TYPE: Json = {"description": "Somebody came.", "schema": SCHEMA, "key": "data.phone"}
WRONG: dict[str, Any] = {
    "field": MARK,
    "nested": {"a": {"n": MARK}},
    "items": ["a", MARK],
    "rows": [{}, {"n": MARK}],
    "values": {"k": MARK},
    "keys": {MARK: "x"},
    "people": {MARK: MARK},
    "either": MARK,
    "oneOf": MARK,
    "both": MARK,
    "not": MARK,
    "referred": MARK,
    "block": {"n": MARK},
    "closed": {MARK: MARK},
    "holder": MARK,
    "phone": MARK,
}
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
SHOWN = ("body", "bodyPreview")  # fields of answers that hold the event itself
# What shows the event itself, in pages and in what commands print.
_EVENT = re.compile(rb'<(pre|textarea)\b[^>]*>.*?</\1>|data-copy="curl [^"]*"', re.DOTALL)
_THE_EVENT = re.compile(r'"customerIdentifiers"|^\{.*"(body|bodyPreview)":')
COMMANDS = (
    "events log", "events rejected", "events show visited", "deliveries list", "doctor",
    "webhooks list", "show {event}", "show {delivery}", "show {rejection}",
    "deliveries show {delivery}", "events retry {rejection}", "send {file}",
    "webhooks preview {webhook}", "deliveries show {slipped}",
    "events log --search " + MARK,
)  # fmt: skip
ONE_BY_ONE = (
    "import sys, json; from tidings.cli import main\n"
    "for words in json.loads(sys.argv[1]):\n"
    "    print('$', *words, flush=True); main(words); print(flush=True)\n"
)


def wrong(place: str, **more: Any) -> Json:
    """An event that is wrong in one place."""
    data = {place: WRONG[place], "customerIdentifiers": {"customerId": 7}}
    return {"eventName": "visited", "eventId": new_id(), "data": data} | more


def alternatives(levels: int) -> Json:
    """Personal data that is so dear to check that a process apart does it."""
    if levels == 0:
        return {"type": "integer", "x-pii": "mobile"}
    return {"anyOf": [alternatives(levels - 1)] * 2}


def as_cloud_event(event: Json) -> Json:
    return {
        "specversion": "1.0",
        "id": event["eventId"],
        "source": "/tests",
        "type": event["eventName"],
        "data": event["data"],
    }


def without_events(value: Any) -> Any:
    """An answer, less what is the event itself."""
    if isinstance(value, dict):
        return {name: without_events(row) for name, row in value.items() if name not in SHOWN}
    return [without_events(row) for row in value] if isinstance(value, list) else value


def told(raw: bytes) -> str:
    """An answer of the API as text, less the events themselves."""
    return json.dumps(without_events(json.loads(raw)))


class World:
    """An org into which wrong events have come by every way: refused, and let in with a warning."""

    def __init__(self, service: ServiceProcess, receiver: Receiver) -> None:
        self.service = service
        platform = service.api()
        self.org = platform.send("POST", "/v1/orgs", {"name": "Visits"}).must(201)["id"]
        self.api = api = service.api(self.org)
        api.send("PUT", "/v1/eventTypes/visited", TYPE).must(201)
        items = {"items": alternatives(8)}
        dear = TYPE | {"schema": {"properties": {"v": items}}}
        api.send("PUT", "/v1/eventTypes/visitedDear", dear).must(201)
        self.lines: list[str] = []
        self._listen("/v1/stream")
        slip = {"name": "slip", "template": "{% include event.data.field %}"}
        api.send("POST", "/v1/transformations", slip).must(201)
        good, bad = receiver.path(), receiver.path(status=400)
        more: Json = {"eventNames": ["visited"], "ordering": "key"}
        self.webhook = api.webhook(receiver.url(good), "good", **more)
        hooks = [
            self.webhook,
            api.webhook(receiver.url(bad), "bad", **more),
            api.webhook(receiver.url(good), "slip", **more, transformation="slip"),
        ]
        self.answers = {f"strict {name}": body for name, body in self._post()}
        path = f"/v1/orgs/{self.org}"
        platform.send("PATCH", path, {"settings": {"validation": "lenient"}}).must(200)
        self.accepted = new_id()
        api.accept(json.dumps(wrong("field", eventId=self.accepted)).encode())
        self.deliveries = [api.settled(self.accepted, hook)["id"] for hook in hooks]
        self.answers |= {f"lenient {name}": body for name, body in self._post()}
        self.browser = Browser(service.port, KEY, SECRET)
        self.here = f"/console/o/{self.org}"
        self.let_in = self.by_hand(wrong("keys"))
        platform.send("PATCH", path, {"settings": {"validation": "strict"}}).must(200)
        platform.close()
        found = api.get("/v1/rejections?limit=1000").must(200)["rejections"]
        self.rejections = [row["id"] for row in found]

    def _post(self) -> Iterator[tuple[str, bytes]]:
        """All wrong events, by all ways in; what is answered."""
        api = self.api
        for place in WRONG:
            yield place, api.post(json.dumps(wrong(place)).encode()).body
        yield "list", api.post(json.dumps([wrong(place) for place in WRONG]).encode()).body
        lines = "\n".join(json.dumps(wrong(place)) for place in WRONG)
        yield "lines", api.post(lines.encode(), "application/x-ndjson").body
        clouds = [as_cloud_event(wrong(place)) for place in WRONG]
        yield "structured", api.post(json.dumps(clouds[0]).encode(), STRUCTURED).body
        yield "batch", api.post(json.dumps(clouds).encode(), BATCH).body
        said = {f"ce-{name}": cloud for name, cloud in clouds[0].items() if name != "data"}
        event = {"eventName": "visitedDear", "data": {"v": [1] * 2000 + [MARK]}}
        yield "apart", api.post(json.dumps(event).encode()).body
        yield "binary", api.post(json.dumps(clouds[0]["data"]).encode(), **said).body

    def by_hand(self, event: Json) -> bytes:
        """The page behind the form in which somebody writes an event."""
        form = {"type": "visited", "event": json.dumps(event)}
        return self.browser.post(f"{self.here}/events/new", **form)[1]

    def _listen(self, path: str) -> None:
        """Keep what a stream tells."""
        line = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=120)
        line.request("GET", path, headers=self.api._headers)
        answer = line.getresponse()

        def read() -> None:
            try:
                while text := answer.readline():
                    self.lines.append(text.decode())
            except (OSError, http.client.HTTPException):
                pass

        threading.Thread(target=read, daemon=True).start()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[World]:
    """One service, which says all that it can say."""
    folder = tmp_path_factory.mktemp("personal")
    service = ServiceProcess(folder / "store", log_level="debug")
    try:
        made = World(service.start(), receiver)
        yield made
        made.api.close()
    finally:
        service.end()


def test_what_is_wrong_is_told_without_it(world: World) -> None:
    for name, answer in world.answers.items():
        assert MARK not in answer.decode(), name
    rows = json.loads(world.answers["strict list"])["events"]
    assert [row["error"]["code"] for row in rows] == ["schema"] * len(WRONG)
    assert b"data.v[2000] must be" in world.answers["strict apart"]
    rows = json.loads(world.answers["lenient list"])["events"]
    assert all(row["warning"] for row in rows)
    assert len(world.rejections) > 4 * len(WRONG)


def test_no_call_of_the_api_tells_it_but_as_the_event(world: World) -> None:
    api, event, delivery = world.api, world.accepted, world.deliveries[0]
    hook = world.webhook["webHookId"]
    (org, ref) = (world.org, world.rejections[0])
    seen = 0
    for path in (
        "/v1/rejections?limit=1000", f"/v1/rejections/{ref}", "/v1/events", f"/v1/events/{event}",
        "/v1/deliveries", *(f"/v1/deliveries/{delivery}" for delivery in world.deliveries),
        f"/v1/deliveries/{delivery}/request", "/v1/eventTypes", "/v1/eventTypes/visited",
        "/v1/events?search=" + MARK, "/v1/deliveries?search=" + MARK, f"/v1/orgs/{org}",
        "/v3/webHooks", f"/v3/webHooks/{hook}", "/v3/webHooks/eventLog?eventId=" + event,
        "/v1/totals", "/v1/replays", "/openapi.json", "/livez", "/readyz",
    ):  # fmt: skip
        reply = api.get(path)
        assert reply.status in (200, 400, 404), (path, reply.body)
        seen += MARK.encode() in reply.body
        assert MARK not in told(reply.body), path
    assert seen > 4, "the events themselves are shown"
    assert MARK not in api.get("/metrics").body.decode()


def test_answers_of_calls_that_are_given_an_event_tell_it_but_as_the_event(world: World) -> None:
    api, hook = world.api, world.webhook["webHookId"]
    unsaved = {"webHookId": hook, "eventNames": ["visited"]}
    for place in WRONG:
        event = wrong(place)
        given = {"eventName": "visited", "event": event}
        for path, body in (
            ("/v1/webHooks/preview", unsaved | {"event": event}),
            (f"/v1/webHooks/{hook}/test", given),
            ("/v1/webHooks/test", unsaved | given),
        ):
            reply = api.send("POST", path, body)
            assert MARK not in told(reply.body), (path, place, reply.body)
        example = TYPE | {"example": event["data"]}
        reply = api.send("PUT", "/v1/eventTypes/visitedToo", example).must(400)
        assert MARK not in json.dumps(reply), place
    for rejection in world.rejections[: len(WRONG)]:
        reply = api.send("POST", f"/v1/rejections/{rejection}/retry", {})
        assert MARK not in reply.body.decode()


def test_no_page_shows_it_but_as_the_event(world: World) -> None:
    browser, here, shown = world.browser, world.here, 0
    # Bars of charts lead to lists that differ by their times alone.
    pages = dict(browser.walk(here, "catalogue", "/o/2001", "from="))
    pages |= {"let in": world.let_in, "by hand": world.by_hand(wrong("keys"))}
    assert b"data.keys.* must be a number" in pages["let in"]
    assert b"data.keys.* must be a number" in pages["by hand"]
    again = f"{here}/rejections/{world.rejections[-1]}"
    pages["again"] = browser.post(f"{again}/retry")[1]
    assert b"It is still refused." in pages["again"]
    for path in ("preview", "test"):
        given = {"webHookId": world.webhook["webHookId"], "eventNames": "visited"}
        pages[path] = browser.post(f"{here}/webhooks/{path}", **given)[1]
    for path, page in pages.items():
        shown += MARK.encode() in page
        assert MARK.encode() not in _EVENT.sub(b"", page), path
    assert len(pages) > 30 and shown > 5


def test_no_command_prints_it_but_as_the_event(world: World, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(json.dumps(wrong(place)) for place in WRONG))
    facts = {"event": world.accepted, "delivery": world.deliveries[0], "file": str(file)}
    facts["slipped"] = world.deliveries[2]
    facts |= {"rejection": world.rejections[0], "webhook": world.webhook["webHookId"]}
    command = Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{world.service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
        TIDINGS_ORG=str(world.org),
    )
    asked = [command.format_map(facts).split() for command in COMMANDS]
    as_json = [[*row, "--json"] for row in asked]
    program = [sys.executable, "-c", ONE_BY_ONE]
    screen = Terminal([*program, json.dumps(asked)], command.environ, 120)
    piped = Terminal([*program, json.dumps(as_json)], command.environ, 200)
    shown = 0
    for line in (screen.ended().out + piped.ended().out).splitlines():
        if line.startswith("$ "):
            said = line
        elif MARK in line and said != f"$ events log --search {MARK}":
            shown += 1
            assert _THE_EVENT.search(line), (said, line)
    assert shown > 3


def test_streams_and_the_services_own_lines_do_not_tell_it(world: World) -> None:
    until(
        lambda: any(world.deliveries[0] in line for line in world.lines), "the stream tells of it"
    )
    assert not [line for line in world.lines if MARK in line]
    assert MARK not in world.service.log.read_text()
