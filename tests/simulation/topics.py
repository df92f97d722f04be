"""A topic that a source fetches from, and what must have become of each of its messages.

52 a message is acknowledged when all that became of it is kept · 53 each message is accepted once
by its id, or is set aside once: through crashes between commit and acknowledgement, what comes
again, redrives, and ids that another message has.
"""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.simulation.loop import ends_run
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source

NAME, TYPE = "orders", "kafka"
CONNECTION = Connection("broker", TYPE, {}, None)
BODY: dict[str, object] = {
    "name": NAME,
    "type": TYPE,
    "connection": "broker",
    "kafka": {"topics": ["orders"]},
}
LATER = "later"  # a type that nobody knows until the org admits it
BROKEN = b"\xff no json"


class Sent(NamedTuple):
    """One message of the topic, and what its sender meant by it."""

    message: ForeignMessage
    kind: str  # "event", "again" of an event before it, "later", "conflict", "broken"
    event_id: str  # empty: it says none, so it is made of its place
    data: dict[str, Any]


class SimulatedTopic:
    """`sources.port.SourceDriver`: what is not acknowledged is handed over again."""

    def __init__(self, rng: random.Random, now_s: Callable[[], float]) -> None:
        self._rng = rng
        self._now_s = now_s
        self.sent: list[Sent] = []
        self.taken = 0  # acknowledged
        self.failing = 0.0  # the share of calls that the broker fails
        self.read_s: dict[int, float] = {}  # when a message was handed over first
        self.kept_s: dict[int, float] = {}  # when it was acknowledged
        self.before_acknowledge: Callable[[Sequence[Sent]], None] = lambda _: None
        self._more = asyncio.Event()

    def send(self, count: int) -> None:
        """Some more messages, of every kind."""
        rng = self._rng
        for _ in range(count):
            number = len(self.sent)
            kinds = ("event",) * 6 + ("again", LATER, "conflict", "broken")
            kind = rng.choice(kinds)
            earlier = [sent for sent in self.sent if sent.kind == "event" and sent.event_id]
            if kind in ("again", "conflict") and not earlier:
                kind = "event"
            named = kind != "event" or rng.random() < 0.7
            event_id = f"order-{number}" if named else ""
            data = {"key": f"k{rng.randrange(4)}", "order": number}
            if kind in ("again", "conflict"):
                first = rng.choice(earlier)
                event_id, data = first.event_id, first.data if kind == "again" else data
            name = LATER if kind == LATER else rng.choice("ab")
            if kind == "again":
                name = json.loads(first.message.body)["eventName"]
            event = {"eventName": name, "data": data}
            if event_id:
                event["eventId"] = event_id
            body = BROKEN + b"%d" % number if kind == "broken" else json.dumps(event).encode()
            message = ForeignMessage(f"orders/0/{number}", [], body)
            self.sent.append(Sent(message, kind, event_id, data))
        self._more.set()

    async def open(self, source: Source, connection: Connection, number: int) -> "TopicReading":
        await self.answer()
        return TopicReading(self)

    async def answer(self) -> None:
        """The broker answers late, or not."""
        await asyncio.sleep(self._rng.random() * 0.01)
        if self._rng.random() < self.failing:
            raise ConnectionDown("The broker must answer; it does not. Start it.")

    async def read(self, at: int) -> Sequence[ForeignMessage]:
        """Some messages behind a place, once there are any."""
        while at >= len(self.sent):
            self._more.clear()
            await self._more.wait()
        await self.answer()
        messages = self.sent[at : at + self._rng.choice((1, 3, 20))]
        for number in range(at, at + len(messages)):
            self.read_s.setdefault(number, self._now_s())
        return [sent.message for sent in messages]

    async def acknowledge(self, upto: int) -> None:
        """Messages up to a place are taken; it may be done and nobody hears of it."""
        self.before_acknowledge(self.sent[self.taken : upto])
        await self.answer()
        for number in range(self.taken, upto):
            self.kept_s.setdefault(number, self._now_s())
        self.taken = max(self.taken, upto)
        await self.answer()


class TopicReading:
    """`sources.port.Reading`, from what was acknowledged on."""

    def __init__(self, topic: SimulatedTopic) -> None:
        self._topic = topic
        self._at = topic.taken

    async def read(self) -> Sequence[ForeignMessage]:
        messages = await self._topic.read(self._at)
        self._at += len(messages)
        return messages

    async def acknowledge(self) -> None:
        await self._topic.acknowledge(self._at)

    async def lag(self) -> int | None:
        return len(self._topic.sent) - self._at

    async def let_go(self, *, all_acknowledged: bool) -> None:
        """Say nothing: nobody else reads it."""

    async def others(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        pass


Ask = Callable[..., list[tuple[Any, ...]]]


class TopicLedger:
    """What is kept of each message, read off the simulated disk."""

    def __init__(self, topic: SimulatedTopic, ask: Ask) -> None:
        self._topic = topic
        self._ask = ask
        topic.before_acknowledge = ends_run(self.check_kept)
        self.events: dict[int, str] = {}  # ids by the number of the message, once accepted
        self.seqs: list[tuple[int, int]] = []
        self._noted = 0  # up to this event

    def note_events(self) -> None:
        """Find the events that have been accepted of messages: each once, as it was sent."""
        for seq, event_id, body in self._ask(
            "SELECT e.seq, e.id, b.bytes FROM event e JOIN body b ON b.seq = e.seq WHERE e.seq > ?",
            self._noted,
        ):
            self._noted = max(self._noted, seq)
            if (number := json.loads(body)["data"].get("order")) is None:
                continue
            assert number not in self.events, ("53 each message is accepted once", number)
            sent = self._topic.sent[number]
            assert event_id == (sent.event_id or event_id), "53 by its own id"
            self.events[number] = event_id
            self.seqs.append((number, seq))

    def is_aside(self, sent: Sent) -> bool:
        """Whether it is set aside; 53 as one row."""
        rows = self._ask("SELECT code FROM aside WHERE place = ?", sent.message.place)
        assert len(rows) <= 1, ("53 set aside once", sent.message.place)
        return bool(rows)

    def check_kept(self, sent: Sequence[Sent]) -> None:
        """52: each is kept before it is acknowledged."""
        self.note_events()
        for message in sent:
            number = int(message.message.place.rsplit("/")[-1])
            kept = number in self.events or self.is_aside(message)
            if message.kind in ("again", "conflict"):
                kept = kept or any(
                    self._topic.sent[known].event_id == message.event_id for known in self.events
                )
            assert kept, ("52 acknowledged once it is kept", message)

    def check_end(self, aside: int) -> None:
        """53, when everything was redriven. `aside`: how many the source says that it has."""
        self.note_events()
        assert self._topic.taken == len(self._topic.sent), "52 everything is taken in the end"
        for number, sent in enumerate(self._topic.sent):
            is_aside = self.is_aside(sent)
            if sent.kind in ("event", LATER):
                assert number in self.events, ("53 each message is accepted", sent)
                assert not is_aside, ("53 and is not set aside besides", sent)
            else:
                assert number not in self.events, ("53 what is no event of its own", sent)
                if sent.kind == "conflict":  # of those with one id the newest row is kept
                    is_aside = any(
                        self.is_aside(other)
                        for other in self._topic.sent
                        if (other.kind, other.event_id) == (sent.kind, sent.event_id)
                    )
                assert is_aside == (sent.kind != "again"), ("53 set aside, or known", sent)
        [(rows,)] = self._ask("SELECT count(*) FROM aside")
        assert aside == rows, ("53 the source counts what it has set aside", aside, rows)
        plain = [number for number, _ in self.seqs if self._topic.sent[number].kind == "event"]
        assert plain == sorted(plain), "53 in the order of the topic"
