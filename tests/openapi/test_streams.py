"""What the streams say is described: each kind with its fields, the pause and the comments. What is
really told fits it (`tests/e2e/test_path.py` holds events and deliveries of a running service)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.openapi.stream_content import OF_INBOX, OF_ORG, STREAM, content_of, fits
from tests.openapi.world import World, world
from tidings.api.http.event_stream import KEEP_ALIVE_S, RETRY_MS
from tidings.api.openapi.document import operations
from tidings.core.ids import OrgId
from tidings.engine.events.feed import Feed, FeedItem
from tidings.engine.replay.runs import fact_of
from tools.api_promise import described
from tools.breaking_changes import breaking

KINDS = {
    OF_ORG: {"event", "delivery", "replay", "dropped"},
    OF_INBOX: {"arrival", "dropped"},
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described()


def facts_of(text: str) -> Iterator[tuple[str, Any]]:
    """Kind and data of each event of a stream's text; comments are passed over."""
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line[:1] not in ("", ":"))
        if "event" in lines:
            yield lines["event"], json.loads(lines["data"])


def test_every_stream_of_the_description_tells_its_kinds(document: dict[str, Any]) -> None:
    streams = {
        call
        for call, operation in operations(document)
        if STREAM in operation["responses"].get("200", {}).get("content", {})
    }
    assert streams == KINDS.keys()
    for call, kinds in KINDS.items():
        events = content_of(document, call)["x-events"]
        assert events.keys() == kinds
        assert all(event["description"] for event in events.values())


@pytest.mark.parametrize("call", KINDS)
def test_its_words_say_how_it_begins_and_what_keeps_it_alive(
    document: dict[str, Any], call: str
) -> None:
    said = dict(operations(document))[call]["description"]
    for words in (f"retry: {RETRY_MS}", f"{KEEP_ALIVE_S:.0f} s", ": still here", *KINDS[call]):
        assert words in said, words


@pytest.mark.parametrize("call", KINDS)
def test_its_example_has_every_kind_and_each_fits(document: dict[str, Any], call: str) -> None:
    text = content_of(document, call)["example"]
    assert text.startswith(f"retry: {RETRY_MS}\n: listening\n\n") and "\n: still here\n\n" in text
    told = dict(facts_of(text))
    assert told.keys() == KINDS[call]
    for kind, fact in told.items():
        fits(document, call, kind, fact)


async def told_by(w: World, feed: Feed, of: int, does: Any) -> list[FeedItem]:
    """What a listener hears of something that is done."""
    listener = feed.subscribe(of)
    await does()
    heard = await listener.read(5)
    feed.unsubscribe(listener)
    return heard


async def test_what_arrives_at_an_inbox_is_told_as_described(document: dict[str, Any]) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        inbox = w.s.inboxes.get(OrgId(2001), things.ids["inbox_id"]).stored.number

        async def arrive() -> None:
            reply = await w.call("POST", f"/inbox/{things.ids['token']}", {"a": 1})
            assert reply.status == 200

        [told] = await told_by(w, w.s.inboxes.feed, inbox, arrive)
        fits(document, OF_INBOX, told.kind, json.loads(told.fact))


async def test_what_was_too_fast_is_told_as_described(document: dict[str, Any]) -> None:
    feed = Feed(queue_max=1)
    listener = feed.subscribe(1)
    for _ in range(3):
        feed.tell(1, "event", {})
    _, dropped = await listener.read(1)
    assert dropped.kind == "dropped" and json.loads(dropped.fact) == {"facts": 2}
    for call in KINDS:
        fits(document, call, dropped.kind, json.loads(dropped.fact))


async def test_the_end_of_a_replay_is_told_as_described(document: dict[str, Any]) -> None:
    async with world() as w:
        await w.org(2001, "acme")
        [job] = await w.s.store.replays(OrgId(2001), 1 << 62, 1)
        fits(document, OF_ORG, "replay", fact_of(job))


def test_a_kind_or_a_field_of_a_stream_cannot_be_taken_away_in_silence(
    document: dict[str, Any],
) -> None:
    less = json.loads(json.dumps(document))
    del content_of(less, OF_INBOX)["x-events"]["arrival"]
    del less["components"]["schemas"]["DeliveryFact"]["properties"]["state"]
    assert sorted(breaking(document, less)) == [
        f"{OF_INBOX}: event arrival was told, is not.",
        f"{OF_ORG}: event delivery.state was there, is gone.",
    ]
