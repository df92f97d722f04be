"""A record that cannot be written, or an answer that cannot be read: it is our fault at once, and
the others of the same request go. No broker."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection

from tests.destinations.conformance.odd_errors import ERRORS, Lines
from tests.destinations.messages import TestMessage
from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, FaultKind, TransportFault
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.destinations.kafka.producer import KafkaProducer
from tidings.destinations.port import Headers


class Line(AIOKafkaConnection):  # type: ignore[misc]  # it has no types
    """Confirms every record, or does as it is told."""

    def __init__(self, *said: Any) -> None:
        self.said = list(said)

    def __del__(self) -> None:
        """Nothing is open."""

    def connected(self) -> bool:
        return True

    def send(self, request: Any, expect_response: bool = True) -> Any:
        return self._answer()

    async def _answer(self) -> Any:
        await asyncio.sleep(0)
        said = self.said.pop(0) if self.said else None
        if isinstance(said, BaseException):
            raise said
        answer = SimpleNamespace(topics=[("t", [(0, 0, 7)])], throttle_time_ms=0)
        return said or answer


class Odd(TestMessage):
    """A message that cannot be signed, or whose headers cannot be written."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self._how = how

    def headers_if_current(self, carried: Headers) -> Headers | None:
        if self._how == "raises":
            raise ValueError("a secret")
        return [("name", "\ud800")]


async def sent(line: Line, *messages: TestMessage) -> list[AttemptResult | None]:
    producer = KafkaProducer({"bootstrap_servers": "127.0.0.1:1"}, "main", lambda: 1.0)

    async def leader(*_: Any) -> tuple[int, int]:
        return 1, 0

    async def line_to(node: int) -> Line:
        return line

    producer._leader = leader  # type: ignore[method-assign,assignment]
    producer._cluster.line_to = line_to  # type: ignore[method-assign]
    sends = (producer.send("t", None, message, [], DEFAULT_POLICY) for message in messages)
    with own_time() as took_s:
        results = await asyncio.gather(*sends)
    assert took_s() < 2, "it is not told at the deadlines"
    return results


def is_ours(result: AttemptResult | None, *, left: bool) -> bool:
    assert result is not None and result.verdict is DeliveryVerdict.AGAIN
    fault = result.ending
    assert isinstance(fault, TransportFault) and "a secret" not in fault.detail
    return fault.kind is FaultKind.OURS and fault.sent == left


@pytest.mark.parametrize("how", ["raises", "surrogates"])
async def test_a_record_that_cannot_be_written_takes_no_other_with_it(how: str) -> None:
    before, odd, after = await sent(Line(), TestMessage(), Odd(how), TestMessage())
    assert is_ours(odd, left=False)
    for fine in (before, after):
        assert fine is not None and fine.verdict is DeliveryVerdict.DELIVERED


async def test_a_record_that_is_alone_and_cannot_be_written_ends_too() -> None:
    [odd] = await sent(Line(), Odd("raises"))
    assert is_ours(odd, left=False)


@pytest.mark.parametrize(
    "said",
    [
        ValueError("a secret"),
        KeyError(1),
        RecursionError(),
        SimpleNamespace(topics=[("another", [(0, 0, 7)])]),
        SimpleNamespace(topics=None),
        SimpleNamespace(),
    ],
    ids=repr,
)
async def test_an_answer_that_cannot_be_read_ends_all_that_waited_for_it_at_once(said: Any) -> None:
    results = await sent(Line(said), TestMessage(), TestMessage())
    assert all(is_ours(result, left=True) for result in results)


async def test_an_answer_that_leaves_records_out_ends_these_at_once() -> None:
    [left_out] = await sent(Line(SimpleNamespace(topics=[])), TestMessage())
    assert is_ours(left_out, left=True)


async def test_an_error_on_any_line_ends_its_records_at_once_as_our_fault() -> None:
    """Also on lines between two guards, and in tasks that serve all attempts."""
    with Lines() as lines:
        await sent(Line(), TestMessage(), TestMessage())
    places = [*lines.seen]
    assert len(places) > 50
    wrong = []
    for number, place in enumerate(places):
        lines.breaks, lines.raised = place, False
        lines.error = ERRORS[number % len(ERRORS)]
        try:
            with lines:
                results = await sent(Line(), TestMessage(), TestMessage())
        except TimeoutError:
            wrong.append((place, lines.error, "its attempt waits for its deadline"))
            continue
        except BaseException as error:
            if error is not lines.error:
                raise
            continue  # in the attempt itself, which its guard ends
        for result in results:
            if result is None or result.verdict is DeliveryVerdict.DELIVERED:
                continue
            if (
                not isinstance(result.ending, TransportFault)
                or result.ending.kind is not FaultKind.OURS
            ):
                wrong.append((place, lines.error, str(result)))
    assert not wrong, "\n".join(map(str, wrong))
