"""An answer holds its memory until its last byte has left, or cannot leave."""

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.http.held_answer import answer_within
from tidings.core.ids import OrgId
from tidings.engine.answer_memory import AnswerMemory

ORG = OrgId(1)


async def make() -> Response:
    return answer({"a": 1}, 201, {"x-more": "yes"})


async def receive() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def test_it_is_the_same_answer_and_holds_until_it_was_read() -> None:
    memory = AnswerMemory(90)
    held = await answer_within(memory, ORG, 30, make)
    plain = await make()
    assert (held.body, held.status_code, held.raw_headers) == (
        plain.body, plain.status_code, plain.raw_headers,
    )  # fmt: skip
    reads = asyncio.Event()

    async def send(message: Any) -> None:
        await reads.wait()

    sending = asyncio.ensure_future(held({"type": "http"}, receive, send))
    await asyncio.sleep(0.01)
    assert memory.held == 30, "its caller does not read"
    reads.set()
    await sending
    assert memory.held == 0


async def test_one_that_fails_to_be_made_or_sent_gives_it_back() -> None:
    memory = AnswerMemory(90)

    async def fails() -> Response:
        assert memory.held == 30
        raise ValueError

    with pytest.raises(ValueError):
        await answer_within(memory, ORG, 30, fails)
    assert memory.held == 0
    held = await answer_within(memory, ORG, 30, make)

    async def gone(message: Any) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await held({"type": "http"}, receive, gone)
    assert memory.held == 0
