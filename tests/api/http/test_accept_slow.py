"""Bodies that come slowly, stop, or are cut off (reliability I5)."""

import asyncio
from typing import Any

import pytest

from tests.api.accept_client import EVENT, Answer, Part, Service
from tests.loops.own_time import own_time
from tidings.api.http.body import CallerDisconnected, RequestBodyReader
from tidings.errors import TooSlow

DEADLINE_S = 0.2


async def idle() -> Part:
    await asyncio.sleep(60)
    raise AssertionError


async def drip() -> Part:
    await asyncio.sleep(0.01)
    return {"type": "http.request", "body": b" ", "more_body": True}


@pytest.mark.parametrize("receive", [idle, drip])
async def test_a_slow_body_is_ended_by_one_absolute_deadline(receive: Any) -> None:
    loop = asyncio.get_running_loop()
    service = Service(body_s=DEADLINE_S)
    began = loop.time()
    with own_time() as took_s:
        answer = await service.call(receive=receive)
    assert loop.time() - began >= DEADLINE_S and took_s() < 5 * DEADLINE_S
    assert answer.error == (408, "body_too_slow")
    assert answer.headers[b"connection"] == b"close"
    assert (await service.call()).status == 202, "the task goes on as if nothing had been"
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0


async def test_slow_callers_delay_nobody_and_leave_nothing() -> None:
    service = Service(body_s=DEADLINE_S)
    slow = [asyncio.ensure_future(service.call(receive=idle)) for _ in range(200)]
    await asyncio.sleep(0)
    with own_time() as took_s:
        assert (await service.call()).status == 202
    assert took_s() < DEADLINE_S / 2
    for answer in await asyncio.gather(*slow):
        assert answer.status == 408
    await asyncio.sleep(DEADLINE_S / 5)
    reader = service.app._body
    assert (reader._waiting, reader._late, reader._timer) == ({}, set(), None)


async def test_a_caller_that_goes_away_gets_no_answer() -> None:
    service = Service()
    for before in ([], [{"type": "http.request", "body": EVENT[:9], "more_body": True}]):
        messages = iter([*before, {"type": "http.disconnect"}])

        async def receive(messages: Any = messages) -> Part:
            message: Part = next(messages)
            return message

        answer: Answer = await service.call(receive=receive)
        assert answer.sent == []
    assert service.intake.calls == 0


async def test_a_cancel_from_outside_is_no_slow_body() -> None:
    task = asyncio.ensure_future(RequestBodyReader(10, DEADLINE_S).read(idle))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_from_outside_wins_over_the_deadline() -> None:
    reader = RequestBodyReader(10, 0)
    task = asyncio.ensure_future(reader.read(idle))
    await asyncio.sleep(0)
    reader._look(asyncio.get_running_loop())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_the_reader_raises() -> None:
    async def gone() -> Part:
        return {"type": "http.disconnect"}

    async def bare() -> Part:
        return {"type": "http.request"}

    reader = RequestBodyReader(10, DEADLINE_S)
    with pytest.raises(CallerDisconnected):
        await reader.read(gone)
    assert await reader.read(bare) == b""
    with pytest.raises(TooSlow):
        await reader.read(idle)
