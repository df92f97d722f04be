"""The process that runs templates: bounded, ended by its limits, and started again."""

import asyncio
import os
import signal

import pytest

from tidings.transform import renderer as subject
from tidings.transform.port import RenderLater, RenderRefused
from tidings.transform.renderer import ProcessRenderer

EVENT = b'{"eventId":"e-1","data":{"n":1}}'
GOOD = '{"id": {{ event.eventId }}}'
DONE = b'{"id":"e-1"}'

# Each takes next to no fuel, and all the time or memory there is.
BOMBS = {
    "lists of lists": "{% set ns=namespace(x=[1]) %}{% for i in range(60) %}"
    "{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "a list joined to itself": "{% set ns=namespace(x=['aaaa']) %}{% for i in range(60) %}"
    "{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}",
    "a long list": "{{ [1] * 100000000 }}",
}


async def test_answers_go_to_whoever_asked_in_any_number() -> None:
    renderer = ProcessRenderer()
    events = [b'{"eventId":"%d"}' % n for n in range(300)]
    got = await asyncio.gather(*(renderer.render(GOOD, event) for event in events))
    assert got == [b'{"id":"%d"}' % n for n in range(300)]
    large = b'{"eventId":"e","data":"%b"}' % (b"x" * 150_000)
    assert len(await renderer.render('{"d": {{ data }}}', large)) > 150_000
    assert renderer.deaths == 0
    await renderer.close()


async def test_a_reason_is_told_and_the_next_one_is_served() -> None:
    renderer = ProcessRenderer()
    with pytest.raises(RenderRefused, match="single value"):
        await renderer.render("{{ 5 }}", EVENT)
    assert await renderer.render(GOOD, EVENT) == DONE
    assert "fault in line 1" in (await renderer.check("{% for %}") or "")
    assert await renderer.check(GOOD) is None
    assert renderer.deaths == 0
    await renderer.close()


@pytest.mark.parametrize("bomb", BOMBS)
async def test_who_takes_too_much_fails_alone(bomb: str) -> None:
    renderer = ProcessRenderer()
    template = BOMBS[bomb]
    before, cause, behind, again, other = await asyncio.gather(
        renderer.render(GOOD, EVENT),
        renderer.render(template, EVENT),
        renderer.render(GOOD, EVENT),
        renderer.render(template, EVENT),
        renderer.render("{}", EVENT),
        return_exceptions=True,
    )
    assert before == behind == DONE and other == b"{}"
    assert isinstance(cause, RenderRefused) and "100 ms or 50 MB" in cause.reason
    assert isinstance(again, RenderLater)  # it may have been the event: not failed for good
    assert renderer.deaths == 1
    with pytest.raises(RenderLater) as rests:
        await renderer.render(template, EVENT)
    assert 0 < rests.value.delay_s <= subject.REST_S
    (key,) = renderer._resting
    renderer._resting.replace(key, asyncio.get_running_loop().time() + 5.0)
    with pytest.raises(RenderLater):
        await renderer.render(template, EVENT)  # also near the end of its rest
    assert renderer.deaths == 1  # it was not even tried
    await renderer.close()


async def test_a_template_is_tried_again_after_its_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "REST_S", 0.0)
    renderer = ProcessRenderer()
    for deaths in (1, 2):
        with pytest.raises(RenderRefused):
            await renderer.render(BOMBS["a long list"], EVENT)
        assert renderer.deaths == deaths
    await renderer.close()


async def test_a_check_that_takes_too_much_is_a_reason() -> None:
    renderer = ProcessRenderer()
    deep = "{{ " + "(" * 16_000 + " }}"
    assert await renderer.check(deep)
    assert await renderer.render(GOOD, EVENT) == DONE
    await renderer.close()


async def test_a_process_that_is_killed_blames_nobody_and_is_started_again() -> None:
    renderer = ProcessRenderer()
    await renderer.render(GOOD, EVENT)
    assert renderer._quick_line._worker is not None
    os.kill(renderer._quick_line._worker.process.pid, signal.SIGSTOP)
    waiting = [asyncio.ensure_future(renderer.render(GOOD, EVENT)) for _ in range(3)]
    await asyncio.sleep(0)
    os.kill(renderer._quick_line._worker.process.pid, signal.SIGKILL)
    for element in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(element, RenderLater)
    assert await renderer.render(GOOD, EVENT) == DONE
    await renderer.close()


@pytest.mark.parametrize("death", [signal.SIGVTALRM, signal.SIGABRT, signal.SIGSEGV])
async def test_a_process_that_dies_of_its_limits_blames_the_request_at_the_head_alone(
    death: signal.Signals,
) -> None:
    """Of its time, of its memory, of a stack that overflows."""
    renderer = ProcessRenderer()
    await renderer.render(GOOD, EVENT)
    assert renderer._quick_line._worker is not None
    pid = renderer._quick_line._worker.process.pid
    os.kill(pid, signal.SIGSTOP)
    cause = asyncio.ensure_future(renderer.render('{"a": 1}', EVENT))
    behind = asyncio.ensure_future(renderer.render(GOOD, EVENT, org=2))
    await asyncio.sleep(0)
    os.kill(pid, death)
    os.kill(pid, signal.SIGCONT)
    with pytest.raises(RenderRefused):
        await cause
    assert await behind == DONE and renderer.deaths == 1
    await renderer.close()


async def test_close_leaves_no_process_and_lets_nobody_wait() -> None:
    renderer = ProcessRenderer()
    await renderer.close()  # it was never started
    renderer = ProcessRenderer()
    await renderer.render(GOOD, EVENT)
    assert renderer._quick_line._worker is not None
    process = renderer._quick_line._worker.process
    os.kill(process.pid, signal.SIGSTOP)
    waiting = asyncio.ensure_future(renderer.render(GOOD, EVENT))
    await asyncio.sleep(0)
    os.kill(process.pid, signal.SIGCONT)
    await renderer.close()
    await renderer.close()
    assert process.returncode is not None
    assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0],
                      RenderLater | bytes)  # fmt: skip
    with pytest.raises(RenderLater):
        await renderer.render(GOOD, EVENT)


async def test_the_process_gets_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_BOOTSTRAP_SECRET", "s3cret-of-the-tests")
    renderer = ProcessRenderer()
    await renderer.render(GOOD, EVENT)
    assert renderer._quick_line._worker is not None
    with open(f"/proc/{renderer._quick_line._worker.process.pid}/environ", "rb") as environ:
        assert b"TIDINGS_" not in environ.read()
    await renderer.close()
