"""Readers: what is handed out, to whom, for how long, and how much may be out."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.destinations.messages import TestMessage, hook
from tests.engine.events.all_here import all_here
from tests.simulation.loop import simulate
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.ids import OrgId
from tidings.core.pull_rules import Asked, PullBody, Word
from tidings.core.running.lease import EndlessLease
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import PULL
from tidings.engine.listeners import Listeners
from tidings.engine.pull import pulls as rules
from tidings.engine.pull.pulls import NotPulled, Pulls, TooManyOut, TooManyReaders

NOW = Asked(wait_s=0.0)


class Lane:
    """Starts so many attempts as readers want, as long as it has messages; notes their ends."""

    def __init__(self, pulls: Pulls, webhook: Webhook) -> None:
        self.pulls = pulls
        self.channel = pulls.open(webhook, None)
        self.waiting: list[TestMessage] = []
        self.ended: list[tuple[TestMessage, AttemptResult | None]] = []
        self.running = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.asked: list[tuple[int, int]] = []
        pulls._asked._listeners[:] = [self.ask]

    def ask(self, webhook: int, wanted: int, out: int) -> None:
        self.asked.append((wanted, out))
        while self.waiting and self.running - out < wanted:
            self.running += 1
            task = asyncio.ensure_future(self.attempt(self.waiting.pop(0)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def attempt(self, message: TestMessage) -> None:
        result = await self.channel.send(message)
        self.running -= 1
        self.ended.append((message, result))


def pulls_of(random_text: Callable[[], str]) -> Pulls:
    """Make the desks, of which a lane hears; before there is one, nobody does."""
    asked = Listeners[int, int, int]("readers want messages")
    asked.add(lambda webhook, wanted, out: None)
    return Pulls(random_text, asked, EndlessLease(), all_here())


@pytest.fixture
def webhook() -> Webhook:
    return msgspec.structs.replace(hook("pull:"), kind=PULL, connections_max=1000)


@pytest.fixture
def pulls() -> Pulls:
    numbers = itertools.count()
    return pulls_of(lambda: f"t{next(numbers)}")


def said(word: Word, *tokens: str, **more: Any) -> PullBody:
    return PullBody(tokens, word, **more)


async def test_nothing_starts_that_nobody_has_asked_for(pulls: Pulls, webhook: Webhook) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"%d" % number) for number in range(10)]
    assert lane.running == 0
    first = await pulls.fetch(webhook, Asked(most=3, wait_s=0.1))
    assert [offer.message.body for offer in first.offers] == [b"0", b"1", b"2"]
    assert lane.running == 3 and len(lane.waiting) == 7 and lane.asked[-1] == (0, 3)
    assert (pulls.readers, pulls.messages_out) == (0, 3)
    second = await pulls.fetch(webhook, Asked(most=4, wait_s=0.1))
    assert [offer.message.body for offer in second.offers] == [b"3", b"4", b"5", b"6"]


async def test_each_word_ends_an_attempt_as_it_says(pulls: Pulls, webhook: Webhook) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"%d" % number) for number in range(4)]
    got = (await pulls.fetch(webhook, Asked(most=4, wait_s=0.1, lease_s=0.1))).offers
    a, b, c, d = (offer.token for offer in got)
    assert pulls.settle(webhook, said(Word.DELIVERED, a, a)) == 1
    assert pulls.settle(webhook, said(Word.NEVER, b, reason="no")) == 1
    assert pulls.settle(webhook, said(Word.AGAIN, c, delay_s=7)) == 1
    await asyncio.sleep(0.3)
    assert pulls.settle(webhook, said(Word.LONGER, a, b, c, d)) == 0, "all of them have ended"
    ended = {message.body: result for message, result in lane.ended}
    assert [ended[b"%d" % n].verdict for n in range(4)] == [  # type: ignore[union-attr]
        DeliveryVerdict.DELIVERED, DeliveryVerdict.NEVER, DeliveryVerdict.AGAIN,
        DeliveryVerdict.AGAIN,
    ]  # fmt: skip
    never, again, expired = ended[b"1"], ended[b"2"], ended[b"3"]
    assert (
        never is not None
        and isinstance(never.ending, ReceiverAnswer)
        and never.ending.body == b"no"
    )
    assert again is not None and again.wait_s == 7
    assert expired is not None and isinstance(expired.ending, TransportFault)
    assert expired.ending.kind is FaultKind.LEASE and expired.ending.sent
    assert pulls.state(webhook.number) == (0, 0)


async def test_a_reader_that_goes_away_leaves_everything_to_the_next(
    pulls: Pulls, webhook: Webhook
) -> None:
    lane = Lane(pulls, webhook)
    going = asyncio.ensure_future(pulls.fetch(webhook, Asked(most=5, wait_s=10)))
    await asyncio.sleep(0.01)
    assert pulls.state(webhook.number) == (1, 0) and lane.asked[-1] == (5, 0)
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert lane.asked[-1] == (0, 0)
    lane.waiting = [TestMessage()]
    gone = asyncio.ensure_future(pulls.fetch(webhook, Asked(most=5, wait_s=10)))
    await asyncio.sleep(0.002)  # it has one, and waits for more
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await asyncio.sleep(0)
    assert pulls.state(webhook.number) == (0, 0), "nothing is out without a reader"


@pytest.mark.parametrize("most", [1, 3])
async def test_what_comes_in_the_turn_in_which_a_wait_ends_is_handed_out(
    pulls: Pulls, webhook: Webhook, most: int
) -> None:
    """The loop pauses for longer than readers wait: both are due when it goes on."""
    lane = Lane(pulls, webhook)
    fetch = asyncio.ensure_future(pulls.fetch(webhook, Asked(most=most, wait_s=0.1)))
    await asyncio.sleep(0)
    for number in range(most):
        lane.waiting.append(TestMessage(b"%d" % number))
    lane.ask(webhook.number, most, 0)
    time.sleep(0.2)
    got = await fetch
    assert [offer.message.body for offer in got.offers] == [b"%d" % n for n in range(most)]
    assert pulls.state(webhook.number) == (0, most)


async def test_what_must_not_leave_any_more_is_passed_over(pulls: Pulls, webhook: Webhook) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"a", may=lambda: False), TestMessage(b"b")]
    got = await pulls.fetch(webhook, Asked(most=2, wait_s=0.1))
    assert [offer.message.body for offer in got.offers] == [b"b"]
    assert lane.ended[0][1] is None, "it is put back, at nobody's charge"


async def test_a_change_of_the_webhook_puts_back_what_waits(pulls: Pulls, webhook: Webhook) -> None:
    lane = Lane(pulls, webhook)
    message = TestMessage()
    task = asyncio.ensure_future(lane.attempt(message))
    await asyncio.sleep(0)
    assert lane.channel.follow(msgspec.structs.replace(webhook, version=2))
    await task
    assert lane.ended == [(message, None)] and message.asked == 0


async def test_an_answer_is_bounded_but_one_message_always_fits(
    pulls: Pulls, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "ANSWER_BYTES_MAX", 100)
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"x" * size) for size in (500, 60, 30, 30)]
    sizes = []
    for _ in range(3):
        got = await pulls.fetch(webhook, Asked(most=10, wait_s=0.1))
        sizes.append([offer.size for offer in got.offers])
    assert sizes == [[500], [60, 30], [30]]


async def test_readers_and_what_is_out_are_bounded_for_each_org_and_for_all(
    pulls: Pulls, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    lane = Lane(pulls, webhook)
    waits = [
        asyncio.ensure_future(pulls.fetch(webhook, Asked(wait_s=5)))
        for _ in range(rules.READERS_MAX)
    ]
    await asyncio.sleep(0.01)
    with pytest.raises(TooManyReaders):
        await pulls.fetch(webhook, NOW)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    monkeypatch.setattr(rules, "OUT_MAX", 12)
    pulls = pulls_of(lambda: f"u{next(numbers)}")
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage() for _ in range(30)]
    got = await pulls.fetch(webhook, Asked(most=30, wait_s=0.1))
    assert len(got.offers) == 6, "half of all, where nobody else reads"
    with pytest.raises(TooManyOut):
        await pulls.fetch(webhook, NOW)
    pulls.settle(webhook, said(Word.DELIVERED, *(offer.token for offer in got.offers)))
    await asyncio.sleep(0)
    assert (await pulls.fetch(webhook, NOW)).offers
    other = msgspec.structs.replace(webhook, number=webhook.number + 1, org=OrgId(2))
    theirs = Lane(pulls, other)
    theirs.waiting = [TestMessage() for _ in range(30)]
    assert len((await pulls.fetch(other, Asked(most=30, wait_s=0.1))).offers) == 3
    third = msgspec.structs.replace(webhook, number=webhook.number + 2, org=OrgId(3))
    last = Lane(pulls, third)
    last.waiting = [TestMessage() for _ in range(30)]
    assert (await pulls.fetch(third, NOW)).offers, "who comes last finds something too"
    with pytest.raises(TooManyOut):
        await pulls.fetch(webhook, NOW)


async def test_a_cursor_is_its_webhooks_and_good_once(pulls: Pulls, webhook: Webhook) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"a"), TestMessage(b"b")]
    got = await pulls.fetch(webhook, Asked(most=2, wait_s=0.1))
    other = msgspec.structs.replace(webhook, number=webhook.number + 1)
    wrong = await pulls.fetch(other, Asked(wait_s=0, cursor=got.cursor))
    assert pulls.state(webhook.number) == (0, 2), "another webhook's cursor says nothing"
    assert wrong.acknowledged == (0, 0, False)
    right = await pulls.fetch(webhook, Asked(wait_s=0, cursor=got.cursor))
    assert pulls.state(webhook.number) == (0, 0) and len(lane.ended) == 2
    assert right.acknowledged == (2, 0, True)
    again = await pulls.fetch(webhook, Asked(wait_s=0, cursor=got.cursor))
    assert again.acknowledged == (0, 0, False), "it has acknowledged nothing, and says so"
    with pytest.raises(NotPulled):
        await pulls.fetch(msgspec.structs.replace(webhook, kind="HTTP"), NOW)


async def test_a_cursor_says_which_of_its_messages_it_did_not_acknowledge(
    pulls: Pulls, webhook: Webhook
) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"%d" % number) for number in range(3)]
    got = await pulls.fetch(webhook, Asked(most=3, wait_s=0.1))
    pulls.settle(webhook, said(Word.AGAIN, got.offers[0].token))
    await asyncio.sleep(0)
    told = await pulls.fetch(webhook, Asked(wait_s=0, cursor=got.cursor))
    assert told.acknowledged == (2, 1, True)


@pytest.mark.parametrize("same_org", [True, False], ids=["of the same org", "of another org"])
async def test_no_reader_pushes_out_the_cursor_of_another(
    pulls: Pulls, webhook: Webhook, same_org: bool
) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"mine")]
    mine = await pulls.fetch(webhook, Asked(most=1, wait_s=0.1))
    greedy = msgspec.structs.replace(
        webhook, number=webhook.number + 1, org=webhook.org if same_org else OrgId(2)
    )
    theirs = Lane(pulls, greedy)
    for _ in range(3000):
        theirs.waiting = [TestMessage()]
        got = await pulls.fetch(greedy, Asked(most=1, wait_s=0.1))
        assert got.offers, "so many are out at a time"
    done = await pulls.fetch(webhook, Asked(wait_s=0, cursor=mine.cursor))
    assert done.acknowledged == (1, 0, True)
    assert [message.body for message, _ in lane.ended] == [b"mine"]


async def test_cursors_are_no_more_than_what_is_out(pulls: Pulls, webhook: Webhook) -> None:
    """Whatever ends messages: none of it leaves a cursor, nor the names of messages that ended."""
    lane = Lane(pulls, webhook)
    desk = pulls._desk(webhook)
    for round in range(50):
        lane.waiting = [TestMessage(b"%d" % number) for number in range(10)]
        got = await pulls.fetch(webhook, Asked(most=10, wait_s=0.1))
        tokens = [offer.token for offer in got.offers]
        pulls.settle(webhook, said([*Word][round % len(Word)], *tokens[:9]))
        await asyncio.sleep(0)
        assert sum(len(cursor.out) for cursor in desk._cursors.values()) == len(desk.out)
    pulls.give_back()
    await asyncio.sleep(0)
    assert not desk._cursors and not desk.out
    assert pulls._out.held == pulls._out_bytes.held == 0


async def test_at_the_end_readers_are_let_go_and_what_is_out_comes_again(
    pulls: Pulls, webhook: Webhook
) -> None:
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage()]
    await pulls.fetch(webhook, Asked(most=1, wait_s=0.1))
    waiting = asyncio.ensure_future(pulls.fetch(webhook, Asked(wait_s=30)))
    await asyncio.sleep(0.01)
    pulls.end_waits()
    assert (await waiting).offers == []
    pulls.give_back()
    await asyncio.sleep(0)
    [(_, result)] = lane.ended
    assert result is not None and result.verdict is DeliveryVerdict.AGAIN


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_or_had_by_two_whatever_readers_do(
    pulls: Pulls, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Readers come, go, say anything in any order; each message is out at most once at a time, and
    what ended undelivered is there again. In virtual time: where nothing is there a reader waits.
    """
    monkeypatch.setattr(rules, "monotonic", lambda: asyncio.get_running_loop().time())
    simulate(seed, readers_do_anything(pulls, webhook, seed))


async def readers_do_anything(pulls: Pulls, webhook: Webhook, seed: int) -> None:
    rng = random.Random(seed)
    lane = Lane(pulls, webhook)
    lane.waiting = [TestMessage(b"%d" % number) for number in range(60)]
    delivered: set[bytes] = set()
    held: dict[str, bytes] = {}
    for _ in range(400):
        done = len(lane.ended)
        match rng.randrange(5):
            case 0 | 1:
                task = asyncio.ensure_future(
                    pulls.fetch(webhook, Asked(most=rng.randint(1, 9), wait_s=0.0, lease_s=3600))
                )
                if rng.random() < 0.2:
                    await asyncio.sleep(0)
                    task.cancel()
                got = (await asyncio.gather(task, return_exceptions=True))[0]
                if not isinstance(got, BaseException):
                    for offer in got.offers:
                        assert offer.message.body not in held.values(), "two have it"
                        held[offer.token] = offer.message.body
            case 2 if held:
                token = rng.choice(list(held))
                word = rng.choice([*Word])
                assert pulls.settle(webhook, said(word, token)) == 1
                if word is Word.DELIVERED:
                    delivered.add(held[token])
                if word is not Word.LONGER:
                    del held[token]
            case 3:
                lane.channel.follow(webhook)
            case _:
                pulls.settle(webhook, said(Word.DELIVERED, "unknown"))
        await asyncio.sleep(0.001)
        for message, result in lane.ended[done:]:
            if result is None or result.verdict is not DeliveryVerdict.DELIVERED:
                lane.waiting.append(TestMessage(message.body))
    assert len(delivered) > 5
    assert pulls.state(webhook.number)[1] == len(held)
    there = {message.body for message in lane.waiting} | set(held.values()) | delivered
    left = lane.running - len(held)
    assert len(there) + left == 60, "what is neither waits for the next reader"


async def test_a_message_that_cannot_leave_ends_its_own_attempt_and_the_next_is_handed_out(
    pulls: Pulls, webhook: Webhook
) -> None:
    def broken() -> bool:
        raise ZeroDivisionError("of its signature")

    channel = pulls.open(webhook, None)
    attempts = [
        asyncio.ensure_future(channel.send(message))
        for message in (TestMessage(b"a", may=broken), TestMessage(b"b"))
    ]
    await asyncio.sleep(0)
    got = await pulls.fetch(webhook, Asked(most=2, wait_s=0.1))
    assert [offer.message.body for offer in got.offers] == [b"b"]
    with pytest.raises(ZeroDivisionError):
        await attempts[0]
    assert not attempts[1].done() and pulls.state(webhook.number) == (0, 1)
    pulls.settle(webhook, said(Word.DELIVERED, got.offers[0].token))
    assert (await attempts[1]) is not None


@pytest.mark.parametrize("step", ["hold", "name"])
async def test_what_is_out_without_a_lease_is_given_back(
    pulls: Pulls, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    if step == "hold":
        monkeypatch.setattr("tidings.engine.pull.lease.Offer.hold", broken)
    else:
        monkeypatch.setattr("tidings.engine.pull.desk.Desk.name", broken)
    attempt = asyncio.ensure_future(pulls.open(webhook, None).send(TestMessage(b"a")))
    await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await pulls.fetch(webhook, Asked(most=1, wait_s=0.1))
    assert (await attempt) is not None, "it is tried again"
    assert pulls.state(webhook.number) == (0, 0)
