"""A session that was begun at one process is one at each, and ends at each."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.app.cells.calls.two_workers import Answer, TwoWorkers, Worker, two_workers
from tidings.console.place import form_token
from tidings.engine.access.keys import cell_of_session, is_typed, session_token

FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://a"}


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[TwoWorkers]:
    async with two_workers(tmp_path) as made:
        yield made


async def sent(worker: Worker, path: str, cookie: str = "", **fields: str) -> Answer:
    """A form."""
    body = urlencode(fields).encode()
    headers = FORM | ({"cookie": cookie} if cookie else {})
    return await worker.call("POST", path, body, auth=None, headers=headers)


async def signed_in(worker: Worker, name: str, secret: str) -> str:
    """The cookie of a new session."""
    status, headers, _ = await sent(worker, "/console/sign-in", name=name, secret=secret)
    assert status == 303
    found = re.search(r"(?:__Host-)?tidings=tsn_\w+", headers["set-cookie"])
    assert found is not None
    return found[0]


async def shown(worker: Worker, path: str, cookie: str) -> int:
    headers = {"cookie": cookie}
    return (await worker.call("GET", path, auth=None, headers=headers))[0]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("org", [7, 8, 9])
async def test_who_signs_in_at_one_process_is_signed_in_at_each(
    both: TwoWorkers, org: int, at: int
) -> None:
    cookie = await signed_in(both.workers[at], f"org{org}", "secret")
    assert cell_of_session(cookie.partition("=")[2]) == (1 if org == 7 else 2)
    page = f"/console/o/{org}/webhooks"
    for worker in both.workers:
        assert await shown(worker, page, cookie) == 200
        assert await shown(worker, "/console/sessions", cookie) == 200
    path = "/console/sign-out"
    token = form_token(cookie.partition("=")[2], path)
    assert (await sent(both.workers[1 - at], path, cookie, csrf=token))[0] == 303
    for worker in both.workers:
        assert await shown(worker, page, cookie) in (302, 303)


async def test_a_cookie_of_nobody_is_asked_to_sign_in(both: TwoWorkers) -> None:
    for cell in (1, 2, 3, 65_535):
        cookie = "tidings=" + session_token(cell, bytes(32))
        for worker in both.workers:
            assert await shown(worker, "/console/o/7/webhooks", cookie) in (302, 303)


@pytest.mark.parametrize("cell", [1, 2, 3, 255, 256, 65_535])
def test_a_token_names_its_cell(cell: int) -> None:
    for value in (bytes(32), b"\xff" * 32):
        token = session_token(cell, value)
        assert is_typed("tsn", token) and cell_of_session(token) == cell
    assert len(session_token(1, bytes(32))) == 4 + 52 + 7  # as it was with one cell


@pytest.mark.parametrize("token", ["", "tsn_", "tsn_" + "l" * 62, "tds_" + "0" * 62, "x" * 10_000])
def test_what_is_no_token_is_the_first_cell_s(token: str) -> None:
    assert cell_of_session(token) == 1
