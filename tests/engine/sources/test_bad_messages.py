"""One bad message takes nothing with it: it is set aside with place, bytes and reason, and the rest
goes on. What the platform refuses is charged to no message: there the source waits."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.control_client import Service, service
from tests.engine.sources.topic import Topic, fetched, numbers, until
from tidings.core.events.call_reader import CallReader
from tidings.core.ids import OrgId
from tidings.core.sources import message_plan
from tidings.core.sources.mapping_cost import CostedPlan
from tidings.core.sources.message import (
    CUT_BYTES,
    MESSAGE_BYTES_MAX,
    READ_HEADERS_MAX,
    ForeignMessage,
)
from tidings.engine.events import acceptor
from tidings.engine.events.intake import Overloaded
from tidings.engine.sources import message_reader
from tidings.errors import FieldRefusal
from tidings.store import port
from tidings.transform.port import RenderLater, RenderRefused

MAPPING = {
    "eventName": {"path": "name"},
    "createdAt": {"path": "at", "as": "seconds"},
    "data": {"path": "data"},
    "fields": {"data.who": {"header": "who"}},
}


def good(n: int, **headers: str) -> ForeignMessage:
    body = b'{"name":"a.b","at":1764000000,"data":{"n":%d}}' % n
    return ForeignMessage(f"t/0/{n}", list(headers.items()), body)


BAD: dict[str, tuple[bytes, Sequence[tuple[str, str]], str]] = {
    "a number that no time can hold": (
        b'{"name":"a.b","at":1e308,"data":{}}', (), "not_convertible",
    ),
    "a number that no double can hold": (b'{"name":"a.b","at":1e999,"data":{}}', (), "not_conv"),
    "a number of 5,001 digits": (
        b'{"name":"a.b","at":1,"data":{"x":' + b"1" * 5001 + b"}}", (), "number_too_large",
    ),
    "a time of 5,001 digits": (
        b'{"name":"a.b","at":' + b"1" * 5001 + b',"data":{}}', (), "not_convertible",
    ),
    "bytes that are not UTF-8": (b'{"name":"a.b","data":{"x":"\xff"}}', (), "not_json"),
    "half a surrogate pair": (b'{"name":"a.b","data":{"x":"\\ud800"}}', (), "not_json"),
    "nesting without end": (b'{"name":"a.b","data":' + b"[" * 5000, (), "not_json"),
    "nesting that is too deep": (
        b'{"name":"a.b","data":{"x":' + b"[" * 200 + b"]" * 200 + b"}}", (), "too_deep",
    ),
    "no body": (b"", (), "not_json"),
    "no JSON": (b"\x00\x01", (), "not_json"),
    "half a surrogate pair in a header": (b"[]", (("who", "\ud800"),), "no_value"),
    "a header that is no text of the store": (
        b'{"name":"a.b","data":{}}', (("who", "x\ud800"),), "",
    ),
    "an odd name of a header": (b"[]", (("\x00\udfff", "\x00"),), "no_value"),
    "headers without end": (b"{}", (("x", "y"),) * (READ_HEADERS_MAX + 1), "too_many_headers"),
    "a body without end": (b" " * (MESSAGE_BYTES_MAX + 1), (), "message_too_large"),
}  # fmt: skip


async def aside(s: Service) -> list[Any]:
    return list((await s.call("GET", "/v1/sources/t/aside")).json["messages"])[::-1]


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_message_is_put_aside_and_the_rest_goes_on(what: str) -> None:
    body, headers, code = BAD[what]
    async with service() as s:
        topic = Topic(batch=10)
        topic.messages = [good(0), good(1), ForeignMessage("t/0/2", headers, body), good(3)]
        await fetched(s, topic, mapping=MAPPING)
        await until(lambda: topic.taken == 4)
        kept = await aside(s)
        assert await numbers(s) == [0, 1, 3]
        assert s.parts.sources.sources.of(OrgId(1))[0].trouble == ""
        [message] = kept
        assert message["place"] == "t/0/2" and message["error"]["code"].startswith(code)
        assert message["bytes"] == (len(body) if len(body) <= MESSAGE_BYTES_MAX else CUT_BYTES)
        again = (await s.call("POST", "/v1/sources/t/redrive")).json
        if what == "a header that is no text of the store":  # what is kept of it is one
            assert (again["accepted"], again["left"]) == (1, 0)
            return
        assert (again["messages"], again["aside"], again["left"]) == (1, 1, 1)
        [message] = await aside(s)
        if code in ("message_too_large", "not_convertible"):
            assert message["error"]["code"] == code
        await s.parts.sources.pumps.stop()


async def test_what_whoever_brings_it_could_not_read_is_put_aside_and_can_be_tried_again() -> None:
    said = "The headers must be text. (bad_message_headers, message)"
    defect = FieldRefusal("bad_message_headers", said, "")
    async with service() as s:
        topic = Topic(batch=10)
        topic.messages = [good(0), ForeignMessage("t/0/1", (), good(1).body, defect), good(2)]
        await fetched(s, topic, mapping=MAPPING)
        await until(lambda: topic.taken == 3)
        assert await numbers(s) == [0, 2]
        [message] = await aside(s)
        assert message["error"] == {
            "code": "bad_message_headers", "message": defect.message, "path": "",
        }  # fmt: skip
        again = (await s.call("POST", "/v1/sources/t/redrive")).json
        assert (again["accepted"], again["left"]) == (1, 0)
        await s.parts.sources.pumps.stop()


def raising(error: BaseException, is_of: Callable[..., bool], work: Callable[..., Any]) -> Any:
    """`work`, which fails at what `is_of` says."""

    def worked(*said: Any, **named: Any) -> Any:
        if is_of(*said, **named):
            raise error
        return work(*said, **named)

    return worked


class Odd(Exception):
    """One that nobody has foreseen."""


ERRORS = [Odd("x"), ValueError("x"), KeyError("x"), UnicodeEncodeError("utf-8", "x", 0, 1, "no"),
          OverflowError("x"), RecursionError("x"), MemoryError(), AssertionError()]  # fmt: skip
MARK = b'{"n":1}'


def of_message(*said: Any, **_: Any) -> bool:
    return any(isinstance(row, ForeignMessage) and MARK in row.body for row in said)


def of_flat(*said: Any, **_: Any) -> bool:
    return any(isinstance(row, bytes) and MARK in row for row in said)


def of_draft(*said: Any, **_: Any) -> bool:
    return any(getattr(row, "event", {}).get("data", {}).get("n") == 1 for row in said)


STEPS: dict[str, tuple[Any, str, Callable[..., bool]]] = {
    "the look at it": (message_reader, "defect_of", of_message),
    "its mapping": (message_plan.PlanRunner, "read", of_message),
    "its place": (message_reader, "_placed", of_message),
    "its check": (CallReader, "_judge", of_flat),
    "its envelope": (CallReader, "_complete", of_flat),
    "its preparation": (acceptor.Acceptor, "_prepare", of_draft),
}


@pytest.mark.parametrize(
    ("step", "error"),
    [
        pytest.param(step, error, id=f"{step}-{type(error).__name__}")
        for step in STEPS
        for error in ERRORS
        # Not the message's there: see the test of what the platform refuses.
        if (step, type(error)) != ("its preparation", MemoryError)
    ],
)
async def test_an_exception_at_any_step_parts_the_message_from_the_others(
    step: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, is_of = STEPS[step]
    async with service() as s:
        with monkeypatch.context() as broken, capture_logs() as logs:
            broken.setattr(owner, name, raising(error, is_of, getattr(owner, name)))
            if step == "its place":
                broken.setattr(message_reader, "_failed", _unplaced)
            topic = Topic(batch=10)
            topic.messages = [good(n) for n in range(7)]
            await fetched(s, topic, mapping=MAPPING)
            await until(lambda: topic.taken == 7)
            assert await numbers(s) == [0, 2, 3, 4, 5, 6]
        [message] = await aside(s)
        assert message["error"]["code"] in ("not_read", "not_kept", "mapping_too_costly")
        assert any(log["log_level"] == "error" for log in logs) or isinstance(error, MemoryError)
        again = (await s.call("POST", "/v1/sources/t/redrive")).json  # it is mended
        assert (again["accepted"], again["left"]) == (1, 0)
        assert 1 in await numbers(s)
        await s.parts.sources.pumps.stop()


def _unplaced(live: Any, message: ForeignMessage, kind: str) -> message_reader.ReadMessage:
    fault = FieldRefusal("not_read", f"{kind}.", "")
    return message_reader.ReadMessage(message, "key", message.place, fault=fault)


REFUSALS = [
    port.StoreDown("no disk"), Overloaded("much"), RenderLater("gone", 0.1), OSError(28, "full"),
    MemoryError(), TimeoutError(),
]  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("where", ["accept", "put_dead_letters", "apart"])
async def test_what_the_platform_refuses_is_charged_to_no_message(
    where: str, refusal: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source waits, and then goes on with every message."""
    async with service() as s:
        topic = Topic(batch=10)
        bad = ForeignMessage("t/0/2", (), b"no JSON")
        topic.messages = [good(0), good(1), bad, good(3)]
        owner: Any = {
            "accept": s.parts.events.acceptor,
            "put_dead_letters": s.parts.sources.sources._store,
            "apart": s.parts.sources.sources.intake._messages._mapper,
        }[where]
        name = "map_message" if where == "apart" else where
        if where == "apart":
            monkeypatch.setattr(CostedPlan, "read", None)
            monkeypatch.setattr("tidings.core.sources.mapping_cost.MAPPING_LOOP_S", 0.0)
        tries = 0
        work = getattr(owner, name)

        async def refusing(*said: Any) -> Any:
            nonlocal tries
            tries += 1
            if tries < 4:
                raise refusal
            return await work(*said)

        monkeypatch.setattr(owner, name, refusing)
        live = await fetched(s, topic, mapping=MAPPING)
        await until(lambda: tries == 3)
        assert topic.taken == 0 and live.dead_letters == 0
        await until(lambda: topic.taken == 4)
        assert await numbers(s) == [0, 1, 3]
        [message] = await aside(s)
        assert message["place"] == "t/0/2"
        await s.parts.sources.pumps.stop()


async def test_what_ends_its_process_again_and_again_is_put_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as s:
        topic = Topic(batch=10)
        topic.messages = [good(n) for n in range(3)]
        mapper = s.parts.sources.sources.intake._messages._mapper
        work = mapper.map_message

        async def mapping(plan: Any, message: ForeignMessage, *said: Any) -> Any:
            if MARK in message.body:
                raise RenderRefused("It takes too much.")
            return await work(plan, message, *said)

        monkeypatch.setattr("tidings.core.sources.mapping_cost.MAPPING_LOOP_S", 0.0)
        monkeypatch.setattr(mapper, "map_message", mapping)
        await fetched(s, topic, mapping=MAPPING)
        await until(lambda: topic.taken == 3)
        assert await numbers(s) == [0, 2]
        [message] = await aside(s)
        assert message["error"]["code"] == "mapping_too_costly"
        await s.parts.sources.pumps.stop()
