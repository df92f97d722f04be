"""Channels: what leaves, what is said of it, and what holds whatever the receiver does."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import msgspec
import pytest

from tests.destinations.conformance.drivers import DRIVERS, on_trial, served
from tests.destinations.conformance.subject import SECRET, Bench, Driver, Says
from tests.destinations.messages import BODY, HOPS, TestMessage
from tests.loops.own_time import own_time
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)


@pytest.fixture(params=map(on_trial, DRIVERS))
def driver(request: Any) -> Driver:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def bench(driver: Driver, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with served(driver, request).run() as bench:
        yield bench


async def test_a_message_arrives_as_it_is_and_is_delivered(bench: Bench) -> None:
    channel = bench.destination.open(bench.webhook())
    result = await channel.send(TestMessage())
    await channel.close()
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
    [got] = bench.got
    assert got.body == BODY and got.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    "driver", [on_trial(name) for name in DRIVERS if name not in ("sql", "row")]
)
async def test_a_message_says_how_often_its_event_has_been_through(bench: Bench) -> None:
    """But for rows, which have a column for it where the operator declares one:
    `tests/sources/test_endless_tables.py`."""
    channel = bench.destination.open(bench.webhook())
    await channel.send(TestMessage())
    await channel.close()
    [got] = bench.got
    assert got.headers["tidings-hops"] == HOPS


VERDICTS = {
    Says.BUSY: DeliveryVerdict.AGAIN,
    Says.REFUSES: DeliveryVerdict.NEVER,
    Says.LEFT: DeliveryVerdict.GONE,
}


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        on_trial(name, said)
        for name, driver in DRIVERS.items()
        for said in driver.says
        if said in VERDICTS
    ],
)
async def test_what_the_receiver_says_is_judged(bench: Bench, said: Says) -> None:
    bench.says(said, Says.TAKES)
    channel = bench.destination.open(bench.webhook())
    result = await channel.send(TestMessage())
    after = await channel.send(TestMessage())
    await channel.close()
    assert isinstance(result, AttemptResult) and result.verdict is VERDICTS[said]
    assert isinstance(result.ending, ReceiverAnswer), "an answer is evidence"
    assert isinstance(after, AttemptResult) and after.verdict is DeliveryVerdict.DELIVERED


async def test_a_message_that_may_not_leave_any_more_does_not(bench: Bench) -> None:
    channel = bench.destination.open(bench.webhook())
    held = TestMessage(may=lambda: False)
    assert await channel.send(held) is None and held.asked == 1
    assert bench.got == []
    assert await channel.send(TestMessage()) is not None
    await channel.close()
    assert len(bench.got) == 1


async def test_a_message_is_asked_once_and_only_if_its_receiver_is_there(bench: Bench) -> None:
    message, lost = TestMessage(), TestMessage()
    channel, nowhere = (
        bench.destination.open(bench.webhook()),
        bench.destination.open(bench.nowhere()),
    )
    assert await channel.send(message) is not None and message.asked == 1
    result = await nowhere.send(lost)
    await channel.close()
    await nowhere.close()
    assert (
        isinstance(result, AttemptResult)
        and result.verdict is DeliveryVerdict.AGAIN
        and lost.asked == 0
    )
    assert (
        isinstance(result.ending, TransportFault)
        and not result.ending.sent
        and result.ending.detail
    )


async def test_a_silent_receiver_costs_no_more_than_the_deadline(bench: Bench) -> None:
    bench.says(Says.NOTHING)
    channel = bench.destination.open(bench.webhook())
    began = monotonic()
    with own_time() as took_s:
        result = await channel.send(TestMessage(deadline_s=0.3))
        await channel.close()
    assert (
        isinstance(result, AttemptResult)
        and result.verdict is DeliveryVerdict.AGAIN
        and result.slow
    )
    assert isinstance(result.ending, TransportFault) and result.ending.kind is FaultKind.TIMEOUT
    assert result.ending.sent and monotonic() - began >= 0.3 and took_s() < 5


async def test_a_send_that_is_cancelled_ends_and_the_channel_goes_on(bench: Bench) -> None:
    bench.says(Says.NOTHING, Says.TAKES)
    channel = bench.destination.open(bench.webhook(connections_max=1))
    sending = asyncio.create_task(channel.send(TestMessage()))
    while not bench.got:
        await asyncio.sleep(0.01)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    result = await channel.send(TestMessage())
    await channel.close()
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED


async def test_a_closed_channel_opens_again(bench: Bench) -> None:
    channel = bench.destination.open(bench.webhook())
    await channel.send(TestMessage())
    await channel.close()
    await channel.close()
    result = await channel.send(TestMessage())
    await channel.close()
    assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED


async def test_many_go_at_once_and_none_is_taken_for_another(bench: Bench) -> None:
    channel = bench.destination.open(bench.webhook(connections_max=8))
    bodies = [b"%d" % number for number in range(40)]
    results = await asyncio.gather(*(channel.send(TestMessage(body)) for body in bodies))
    await channel.close()
    done = [
        result
        for result in results
        if isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED
    ]
    assert len(done) == 40 and sorted(pair.body for pair in bench.got) == sorted(bodies)


async def test_a_channel_follows_a_webhook_that_leads_where_it_did(bench: Bench) -> None:
    webhook, elsewhere = bench.webhook(), bench.nowhere()
    channel = bench.destination.open(webhook)
    assert channel.follow(msgspec.structs.replace(webhook, version=2, rate_per_s=7.0))
    assert not channel.follow(elsewhere)
    await channel.close()


async def test_nothing_that_is_sent_as_a_secret_is_in_what_is_kept_or_shown(
    bench: Bench, driver: Driver
) -> None:
    for fields in driver.secrets:  # may be empty: seen below, of whom
        for said in driver.says:
            if said is Says.NOTHING:
                continue
            bench.says(said)
            webhook = bench.webhook(keep_answers=True, **fields)
            channel = bench.destination.open(webhook)
            result = await channel.send(TestMessage())
            await channel.close()
            assert SECRET in str(bench.got[-1].headers), "it was sent, and came back"
            assert isinstance(result, AttemptResult) and SECRET not in repr(result)
            assert isinstance(result.ending, ReceiverAnswer)
            assert result.ending.body and "x-echo" in dict(result.ending.headers)


OVER_NONE = {"http", "call"}  # what they reach, the webhook or the action itself says


def test_who_is_reached_over_no_connection_is_sent_secrets() -> None:
    assert {name for name, driver in DRIVERS.items() if driver.secrets} == OVER_NONE


async def test_only_who_is_not_reached_at_all_blames_the_connection(
    bench: Bench, driver: Driver
) -> None:
    """Nothing that a receiver says of a message does, whatever it says."""
    [name] = [name for name, element in DRIVERS.items() if element is driver]
    nowhere = bench.destination.open(bench.nowhere())
    result = await nowhere.send(TestMessage())
    await nowhere.close()
    assert isinstance(result, AttemptResult) and result.unusable is (name not in OVER_NONE)
    for said in driver.says:
        bench.says(said)
        channel = bench.destination.open(bench.webhook())
        result = await channel.send(TestMessage(deadline_s=0.5))
        await channel.close()
        assert not isinstance(result, AttemptResult) or not result.unusable, said
