"""Pages that go on, and portals, where the org is in another cell than whoever takes the call."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.control_client import basic
from tests.app.cells.calls.signed_in import Visitor, sent, sign_in
from tests.app.cells.calls.two_workers import TwoWorkers, Worker, two_workers
from tests.server.support import Client
from tidings.api.http import event_stream

PORTAL = {"name": "Acme", "role": "reader"}
BY_HAND = {"sec-fetch-mode": "navigate"}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


async def listen(worker: Worker, visitor: Visitor, org: int) -> Client:
    """Open the live tail of an org, which has begun when this returns."""
    client = await Client.to(worker.public)
    head = f"GET /console/o/{org}/tail/stream HTTP/1.1\r\nhost: a\r\n"
    client.write(f"{head}cookie: {visitor.headers['cookie']}\r\n\r\n".encode())
    async with asyncio.timeout(120):
        begun = await client.reader.readuntil(b": listening\n\n")
    assert begun.startswith(b"HTTP/1.1 200")
    return client


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8])
async def test_a_tail_is_of_its_org_and_ends_with_the_session_wherever_that_is_kept(
    both: TwoWorkers, org: int, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "ASKED_AGAIN_S", 0.05)
    worker, owner = both.workers[at], both.workers[0 if org == 7 else 1].service
    for keeper in both.workers:
        visitor = await sign_in(keeper, "boss", "s3cret")
        assert visitor is not None
        client = await listen(worker, visitor, org)
        owner.feed.tell(org, "event", {"eventId": "told-to-the-tail"})
        async with asyncio.timeout(120):
            assert b"told-to-the-tail" in await client.reader.readuntil(b'tail"}\n\n')
        assert (await sent(both.workers[1 - at], visitor, "/console/sign-out"))[0] == 303
        async with asyncio.timeout(120):
            while await client.reader.readline() not in (b"0\r\n", b""):
                pass  # the last chunk, or the connection's end
        client.close()


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8])
async def test_a_portal_is_its_org_s_whoever_takes_its_link_and_its_pages(
    both: TwoWorkers, org: int, at: int
) -> None:
    auth = basic(f"org{org}", "secret")
    made = await both.workers[at].call("POST", f"/v1/orgs/{org}/portal-links", PORTAL, auth)
    assert made[0] == 201, made[2]
    link = urlsplit(json.loads(made[2])["url"])
    path = f"{link.path}?{link.query}"
    opened = await both.workers[1 - at].call("GET", path, auth=None, headers=BY_HAND)
    assert opened[0] == 303, opened[2]
    cookie = {"cookie": opened[1]["set-cookie"].partition(";")[0]}
    base = f"/console/portal/o/{org}"
    for worker in both.workers:
        for page in (base, f"{base}/webhooks"):
            assert (await worker.call("GET", page, auth=None, headers=cookie))[0] == 200
        other = f"/console/portal/o/{15 - org}/webhooks"
        assert (await worker.call("GET", other, auth=None, headers=cookie))[0] == 401
        plain = f"/console/o/{org}/webhooks"
        assert (await worker.call("GET", plain, auth=None, headers=cookie))[0] == 303
    token = cookie["cookie"].partition("=")[2]
    left = Visitor(token).form(f"{base}/leave")
    form = cookie | {"content-type": "application/x-www-form-urlencoded", "origin": "http://a"}
    ended = await both.workers[at].call("POST", f"{base}/leave", left, None, headers=form)
    assert ended[0] == 200
    for worker in both.workers:
        assert (await worker.call("GET", base, auth=None, headers=cookie))[0] == 401
