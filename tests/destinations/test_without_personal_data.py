"""Webhooks of every type that want no personal data: by whatever way a message leaves, first or
once more, as a replay, a preview or a test, none of it is in it, beside it, or told of it."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.destinations.ways import SqlWay, Way, end, way_of
from tests.e2e.actions.recipes.search import Search
from tests.e2e.harness import fixtures
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import new_id
from tests.e2e.harness.service import ORG
from tests.e2e.harness.until import until
from tests.e2e.personal_data import ASKS, ENRICHED, PERSONAL, fill, issued
from tests.e2e.replay_calls import replay
from tests.postgres_server import shared_server
from tidings.core.webhooks.webhook_types import EMAIL, HTTP, KAFKA, OFFERED, PULL, QUEUE, SQL

own_service, receiver = fixtures.own_service, fixtures.receiver
LACKING = (KAFKA, QUEUE)  # what Python packages cannot bring: of Kafka the queue is one
WAYS = [
    pytest.param(name, marks=[pytest.mark.systems] if name in LACKING else [], id=name)
    for name in (HTTP, PULL, EMAIL, SQL, *LACKING)
]
CUSTOMER = b"41200777"
SEARCH = Search(
    ("15550100", "ashalata@example.test", "EXT-41-abroad", "6000112233", "o6_bm_open_id",
     "harbour lane", "15550177", "call 15550177", "sec-1-traced-user", "sec-2-some-remark",
     "sec-3-one-more-id")
)  # fmt: skip
TEMPLATE = (
    '{"id": {{ event.eventId }}, "who": {{ data.customerIdentifiers }}, "all": {{ event }}, '
    '"mobile": {{ data.customerIdentifiers.instore.mobile }}, "note": {{ data.note }}}'
)
USUAL: dict[str, Any] = {
    "ordering": "key",
    "retryPolicy": {"delaysInSeconds": [1]},
    "filter": {"path": "data.customerIdentifiers.firstName", "eq": "Ashalata"},
}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "enriched": ENRICHED,
    "renamed": {"rename": {"data.customerIdentifiers.firstName": "who", "data.note": "said"}},
    "transformed": ENRICHED | {"transformation": "everything"},
}


def personal(places: list[tuple[str, bytes]]) -> list[Any]:
    """What of the customer stands in bytes that have left or are shown."""
    found: list[Any] = SEARCH.hits(places)
    return found + [
        (name, body) for name, content in places for body in PERSONAL if body in content
    ]


def test_every_type_of_webhooks_is_tried() -> None:
    assert {way.id for way in WAYS} == set(OFFERED)


@pytest.fixture
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    made = way_of(request.param, tmp_path, request.getfixturevalue)
    yield made
    end(made)


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_no_personal_data_leaves_by_any_way_once_that_is_asked_for(
    way: Way, own_service: fixtures.NewService, tmp_path: Path
) -> None:
    (tmp_path / "connections.toml").write_text(way.connections)
    service = own_service(connections=tmp_path / "connections.toml").start()
    with service.api(ORG) as api:
        fill(api)
        api.send("POST", "/v1/transformations", {"name": "everything", "template": TEMPLATE})
        shapes = {name: shape for name, shape in SHAPES.items() if way.shapes or len(shape) < 4}
        hooks = [
            api.webhook(**{"name": name, "url": ""} | USUAL | shape | way.webhook())
            for name, shape in shapes.items()
        ]
        before, *after = [new_id() for _ in range(5)]
        api.accept(issued(before, ORG))
        asked_again(lambda: all(tried(api, before, hook) for hook in hooks), way, api, hooks)
        shown = [("before", request_of(api, before, hook)) for hook in hooks]
        assert personal(shown), "the first attempts have had it"
        for hook in hooks:
            api.change(hook, **ASKS)
        way.opens()
        delivered(way, api, hooks, [before])
        first, *batch = after
        api.accept(issued(first, ORG))
        api.accept(b"\n".join(issued(text, ORG) for text in batch), "application/x-ndjson")
        delivered(way, api, hooks, after)
        shown = []
        for hook in hooks:
            shown += previews(api, hook)
            if way.tests:
                shown.append(("test", tried_out(api, hook)))
        jobs = [replay(api, hook, states=["delivered"], again=True) for hook in hooks]
        asked_again(lambda: all(over(api, job) for job in jobs), way, api, hooks)
        shown += [
            (f"told of {delivery['id']}", told(api, delivery)) for delivery in deliveries(api)
        ]
    came = [(f"arrival {at}", body) for at, body in enumerate(way.came())]
    assert len(came) >= 10 * len(hooks)
    assert all(CUSTOMER in content for _, content in came)
    assert personal(came) == []
    assert personal(shown) == []


def asked_again(holds: Callable[[], bool], way: Way, api: Api, hooks: list[dict[str, Any]]) -> None:
    """Until it holds, with whoever fetches fetching."""

    def there() -> bool:
        way.asks(api, hooks)
        return holds()

    until(there, "what is waited for")


def tried(api: Api, event: str, hook: dict[str, Any]) -> bool:
    """Whether a first attempt has ended without success."""
    found = api.delivery_of(event, hook)
    return bool(found["state"] == "retrying" and found["attemptList"])


def delivered(way: Way, api: Api, hooks: list[dict[str, Any]], events: list[str]) -> None:
    """Until each has every event."""

    def there() -> bool:
        found = [api.delivery_of(event, hook) for event in events for hook in hooks]
        assert not [row for row in found if row["state"] in ("failed", "parked", "cancelled")]
        return all(row["state"] == "delivered" for row in found)

    asked_again(there, way, api, hooks)


def over(api: Api, job: dict[str, Any]) -> bool:
    """Whether a replay is over."""
    found = api.get(f"/v1/replays/{job['id']}").must(200)
    return bool(found["state"] == "finished" and found["delivered"] == 5)


def request_of(api: Api, event: str, hook: dict[str, Any]) -> bytes:
    """What the first attempt has sent, as it is shown."""
    return shown_bytes(api.delivery_of(event, hook)["attemptList"][0]["request"])


def shown_bytes(value: Any) -> bytes:
    """An answer with what it holds as base64 written out."""
    text = json.dumps(value, ensure_ascii=False).encode()
    if isinstance(value, dict):
        text += b"".join(shown_bytes(row) for row in value.values())
        text += base64.b64decode(value["base64"]) if value.get("base64") else b""
    return text


def previews(api: Api, hook: dict[str, Any]) -> list[tuple[str, bytes]]:
    """What it would get, as it is and as it might be."""
    id = hook["webHookId"]
    asked: list[dict[str, Any]] = [{"webHookId": id}]
    asked.append({"webHookId": id, "eventNames": ["pointsIssued"], "fields": {"keep": ["data"]}})
    rows = []
    for row in asked:
        rows += api.send("POST", "/v1/webHooks/preview", row).must(200)["events"]
    assert len(rows) == 10 and all(row["received"] for row in rows)
    return [("preview", shown_bytes(row["body"])) for row in rows]


def tried_out(api: Api, hook: dict[str, Any]) -> bytes:
    """A test message, and what is told of it."""
    body = {"eventName": "pointsIssued", "event": json.loads(issued(new_id(), ORG))}

    def sent() -> Any:
        answer = api.send("POST", f"/v1/webHooks/{hook['webHookId']}/test", body)
        return None if answer.status == 429 else answer.must(200)

    return shown_bytes(until(sent, "a test message"))


def deliveries(api: Api) -> list[dict[str, Any]]:
    """Those of the hooks, with all attempts."""
    rows = api.get("/v1/deliveries?limit=100").must(200)["deliveries"]
    return [api.delivery(row["id"]) for row in rows]


def told(api: Api, delivery: dict[str, Any]) -> bytes:
    """What is told of the last attempt: of those before, the log may have what was sent."""
    assert delivery["state"] == "delivered"
    return shown_bytes(delivery["attemptList"][-1])


# -- where a webhook asks for personal data by name -----------------------------------------------


@pytest.mark.parametrize("way", [EMAIL], indirect=True)
def test_an_e_mail_to_whom_the_event_names_is_not_sent(
    way: Way, own_service: fixtures.NewService, tmp_path: Path
) -> None:
    (tmp_path / "connections.toml").write_text(way.connections)
    way.opens()
    with own_service(connections=tmp_path / "connections.toml").start().api(ORG) as api:
        to = ["{{ data.customerIdentifiers.INSTORE.email }}"]
        fields = way.webhook() | {"email": {"to": to, "text": "{{ event }}"}}
        api.webhook("", "with", **fields)
        without = api.webhook("", "without", **fields, **ASKS)
        api.accept(issued(event := new_id(), ORG))
        found = api.settled(event, without)
        assert found["state"] == "failed"
        assert "email.to must become one plain e-mail address" in str(found["attemptList"])
        assert personal([("attempts", shown_bytes(found["attemptList"]))]) == []
        [mail] = until(way.came, "the mail of the other one") or []
        assert b"ashalata@example.test" in mail


def test_a_row_that_is_known_by_a_name_is_not_written(
    own_service: fixtures.NewService, tmp_path: Path
) -> None:
    way = SqlWay(shared_server())
    (tmp_path / "connections.toml").write_text(way.connections)
    way.opens()
    with own_service(connections=tmp_path / "connections.toml").start().api(ORG) as api:
        hook = api.webhook(**{"url": "", "name": "people"} | way.by_name() | ASKS)
        api.accept(issued(event := new_id(), ORG))
        found = api.settled(event, hook)
        assert found["state"] == "failed"
        assert "name must have a value" in str(found["attemptList"])
        assert personal([("attempts", shown_bytes(found["attemptList"]))]) == []
        assert way.rows("people") == []
