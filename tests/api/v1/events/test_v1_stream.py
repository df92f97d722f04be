"""`GET /v1/stream`: what an org is told, and when the stream ends."""

import asyncio
import json

import pytest

from tests.api.control_client import basic, service
from tests.api.v1.events.listening import Listening
from tests.simulation.loop import simulate
from tidings.api.answers import RefusalAnswer
from tidings.api.http import event_stream, stream_places
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.events.feed import Feed

ORG = OrgId(1)


async def test_facts_of_the_org_arrive_and_others_do_not() -> None:
    async with service() as s:
        stream = Listening(s, await s.add_org(2))
        start = await stream.next()
        headers = dict(start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"x-accel-buffering"] == b"no"  # a proxy passes each fact on at once
        assert (await stream.next())["body"] == b"retry: 2000\n: listening\n\n"
        assert s.feed.listening
        s.feed.tell(1, "event", {"eventId": "theirs"})
        s.feed.tell(2, "event", {"eventId": "a\nb"})
        told = (await stream.next())["body"]
        assert told == b'event: event\ndata: {"eventId":"a\\nb"}\n\n'
        await stream.leave()
        assert not s.feed.listening


async def test_closing_the_feed_ends_every_stream() -> None:
    async with service() as s:
        stream = Listening(s, basic("boss", "s3cret"))
        await stream.next()
        await stream.next()
        s.feed.close()
        assert (await stream.next())["more_body"] is False
        await stream.task


async def test_a_stream_needs_its_scope() -> None:
    async with service() as s:
        reply = await s.call("GET", "/v1/stream", auth=await s.add_org(2, "events:write"))
        assert (reply.status, reply.json["error"]["code"]) == (403, "forbidden")
        assert not s.feed.listening


@pytest.mark.parametrize("path", ["/v1/stream", "inbox"])
async def test_whose_credential_is_revoked_hears_no_more(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "ASKED_AGAIN_S", 0.0)
    async with service() as s:
        made = await s.call(
            "POST",
            "/v1/orgs/1/credentials",
            {"name": "listener", "kind": "key", "scopes": {"logs": "read"}},
        )
        one = made.json
        auth = basic(one["id"], one["secret"])
        where, feed, heard_of = path, s.feed, 1
        if path == "inbox":
            inbox = (await s.call("POST", "/v1/inboxes", {})).json
            where, feed = f"/v1/inboxes/{inbox['id']}/stream", s.inboxes.feed
            heard_of = s.inboxes.get(ORG, inbox["id"]).stored.number
        listening = Listening(s, auth, where)
        await listening.next()
        assert (await listening.next())["body"].startswith(b"retry: ")
        gone = await s.call("DELETE", f"/v1/orgs/1/credentials/{one['id']}")
        assert gone.status == 200
        feed.tell(heard_of, "event", {"eventId": "a"})
        end = await listening.next()
        assert end["body"] == b"" and end["more_body"] is False
        await listening.leave()


async def test_a_credential_an_org_and_the_process_have_so_many_streams() -> None:
    async with service() as s:
        one = await s.add_org(2)
        open_now = [Listening(s, one) for _ in range(stream_places.OF_CREDENTIAL)]
        for listening in open_now:
            assert (await listening.next())["status"] == 200
        refused = Listening(s, one)
        start = await refused.next()
        assert start["status"] == 429
        assert dict(start["headers"])[b"retry-after"] == b"10"
        error = json.loads((await refused.next())["body"])["error"]
        assert error["code"] == "too_many_streams"
        assert error["message"].startswith("At most 20 streams may be open at one time")
        other = Listening(s, await s.add_org(3))
        assert (await other.next())["status"] == 200
        await open_now.pop().leave()
        again = Listening(s, one)
        assert (await again.next())["status"] == 200
        for listening in (*open_now, again, other):
            await listening.leave()
        assert not s.feed.listening


def test_places_of_streams_are_given_back_once() -> None:
    places = stream_places.StreamPlaces(most=2 * stream_places.OF_ORG)
    given = [
        places.take(AuthenticatedCaller(ORG, credential=str(number // 20)))
        for number in range(stream_places.OF_ORG)
    ]
    with pytest.raises(RefusalAnswer, match="for an org"):
        places.take(AuthenticatedCaller(ORG, credential="another"))
    others = []
    with pytest.raises(RefusalAnswer, match="all together"):
        for number in range(stream_places.OF_ORG):
            who = f"theirs {number // 20}"
            others.append(places.take(AuthenticatedCaller(OrgId(2), credential=who)))
    assert len(others) == stream_places.OF_ORG // 2, "as many as it leaves to others"
    third = places.take(AuthenticatedCaller(OrgId(3), credential="a third"))
    for give in (*given, *given):
        give()
    assert places.open == len(others) + 1
    for give in (*others, third):
        give()
    assert places.open == 0


async def test_a_stream_whose_caller_goes_before_it_begins_leaves_nothing() -> None:
    async with service() as s:
        auth = await s.add_org(2)
        for _ in range(stream_places.OF_CREDENTIAL * 2):
            early = Listening(s, auth)
            await asyncio.sleep(0)
            early.task.cancel()
            await asyncio.gather(early.task, return_exceptions=True)
        listening = Listening(s, auth)
        assert (await listening.next())["status"] == 200
        await listening.leave()
        assert not s.feed.listening


@pytest.mark.parametrize("every_s", [0.05, 0.7, 3.9, 30.0, 100.0])
@pytest.mark.parametrize("ended_s", [0.0, 0.1, 3.99, 4.01, 17.3])
def test_on_a_stream_busy_or_quiet_nothing_is_heard_5_s_after_the_right_to_it_has_ended(
    every_s: float, ended_s: float
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        feed = Feed()
        began_s = loop.time()
        heard: list[float] = []
        ends_s: list[float] = []

        async def may_hear() -> bool:
            return loop.time() - began_s < ended_s

        async def listen() -> None:
            facts = event_stream.sse_events(feed, feed.subscribe(1), may_hear)
            async for _ in facts:
                heard.append(loop.time() - began_s)
            ends_s.append(loop.time() - began_s)

        listening = asyncio.ensure_future(listen())
        while loop.time() - began_s < ended_s + 60:
            await asyncio.sleep(every_s)
            feed.tell(1, "event", {"eventId": "a"})
        assert heard[-1] < ended_s + 5.0
        assert max(heard) >= min(ended_s - max(every_s, event_stream.KEEP_ALIVE_S), 17.0), (
            "and until then"
        )
        assert listening.done() and not feed.listening
        assert ended_s <= ends_s[0] < ended_s + 5.0, "it has ended, and is not only silent"

    simulate(1, scenario())


def test_the_right_to_a_stream_is_asked_for_again_seldom_enough() -> None:
    """Each asking is a look at a credential: not one for each fact."""

    async def scenario() -> None:
        feed, asked = Feed(), 0

        async def may_hear() -> bool:
            nonlocal asked
            asked += 1
            return True

        async def listen() -> None:
            async for _ in event_stream.sse_events(feed, feed.subscribe(1), may_hear):
                pass

        listening = asyncio.ensure_future(listen())
        for _ in range(400):
            await asyncio.sleep(0.1)
            feed.tell(1, "event", {"eventId": "a"})
        assert 5 <= asked <= 11
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    simulate(1, scenario())
