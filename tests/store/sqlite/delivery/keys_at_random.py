"""All that changes a delivery of an ordering key, at random, against what must hold of keys."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from tests.store.conformance.replay_jobs import Jobs
from tests.store.conformance.retained import drop
from tests.store.conformance.subject import Subject
from tests.store.halves_in_process import InProcess
from tests.store.rows import event, new, settled, webhook
from tests.store.sqlite.hosting.hostings import Halves
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.orgs.retention import RowKind
from tidings.store import port

KEYS = (None, 7, 8)
UNDER_WAY = (State.PENDING, State.RETRYING)
ENDS = (State.DELIVERED, State.DELIVERED, State.FAILED)
LATER_MS = 1 << 50
DRAINED_WITHIN = 2_000

Place = tuple[int, int]
_entries = msgspec.msgpack.Decoder(list[port.NewDelivery])


class KeptHalves(Halves):
    """The halves in process, with the rows at hand."""

    def __init__(self) -> None:
        self.opened: InProcess

    async def open(self, place: Path) -> port.Store:
        """See `Adapter`."""
        store = await super().open(place)
        self.opened = cast(InProcess, store)
        return store

    def run(self, query: str) -> list[Any]:
        """Rows of the writing half."""
        return self.opened.writing.connection.execute(query).fetchall()


class KeysAtRandom:
    """A store whose owner sends, settles, and is asked for things, by a seed."""

    def __init__(self, place: Path, seed: int) -> None:
        self.halves = KeptHalves()
        self.subject = Subject(self.halves, place)
        self.random = random.Random(seed)
        self.jobs = Jobs(self.subject)
        self.hooks = (self.jobs.hook, self.jobs.second)
        self.versions = dict.fromkeys(self.hooks, 1)
        self.sending: dict[DeliveryId, port.Settlement] = {}  # attempts under way, as they may end
        self.events = 0
        self.done: list[str] = []

    # -- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        """Assert that one of a key is under way at a time, and that none waits for nothing."""
        waiting, under_way = set[Place](), list[Place]()
        rows = self.halves.run(
            "SELECT webhook, key, state FROM delivery WHERE state NOT IN (3, 4, 5, 6)"
        )
        for hook, key, state in rows:
            if state == State.HELD:
                waiting.add((hook, key))
            elif key is not None:
                under_way.append((hook, key))
        assert len(under_way) == len(set(under_way)), f"two of a key under way: {self.told}"
        owed = {
            (new.webhook, new.key)
            for (packed,) in self.halves.run("SELECT entries FROM fan_out")
            for new in _entries.decode(packed)
            if not new.parked
        }
        assert waiting <= set(under_way) | owed, f"it waits for nothing: {self.told}"
        assert self.subject.counts().orphans == 0, f"counted as an orphan: {self.told}"

    def check_told(self, receipt: port.Receipt, before: dict[DeliveryId, int]) -> None:
        """Assert that whoever sends is told of each delivery that a commit has freed."""
        cancelled = {id for slice in receipt.cancelled for _, id in slice.deliveries}
        freed = {job.delivery for job in receipt.freed} - cancelled
        now = self.unfinished()
        came = {id for id, state in before.items() if state == State.HELD and now.get(id) == 0}
        assert freed == came, f"{freed} were told of, {came} were freed: {self.told}"

    @property
    def told(self) -> str:
        """The last things that were done, for a message."""
        return "; ".join(self.done[-6:])

    def unfinished(self) -> dict[DeliveryId, int]:
        """Unfinished deliveries with their states."""
        return dict(
            self.halves.run("SELECT id, state FROM delivery WHERE state NOT IN (3, 4, 5, 6)")
        )

    # -- what is done -----------------------------------------------------------------------------

    def step(self) -> None:
        """Do one thing, and look."""
        acts: tuple[tuple[int, Callable[[], object]], ...] = (
            (6, self.commit),
            (4, self.start),
            (4, self.retry),
            (1, self.retire),
            (1, self.park),
            (1, self.change_status),
            (1, self.replay),
            (1, self.begin_again),
            (1, self.retain),
        )
        [act] = self.random.choices([act for _, act in acts], [weight for weight, _ in acts])
        self.done.append(act.__name__)
        act()
        self.check()

    def commit(self) -> None:
        """Commit events, ends of attempts, cancels, claims and what is owed, some of each."""
        dice = self.random
        events = [self.event() for _ in range(dice.choice((0, 0, 1, 2)))]
        ends = dice.sample(sorted(self.sending), min(len(self.sending), dice.choice((0, 1, 2))))
        cancels = self.cancels() if dice.random() < 0.3 else []
        batch: dict[str, Any] = {
            "settled": [self.sending.pop(id) for id in ends],
            "cancels": cancels,
            "claims": [port.RetryClaim(hook, 5) for hook in self.hooks if dice.random() < 0.3],
            "fan_out": dice.choice((0, 0, 1, 5)),
            "deliveries_max": dice.choice((0, 1, 2, 100)),
        }
        before = self.unfinished()
        self.done.append(f"{ends} ended, {[c.deliveries for c in cancels]} were cancelled")
        receipt = self.subject.commit(*events, **batch)
        for job in receipt.claimed:
            self.send(job.delivery, job.webhook, job.key, job.attempt)
        self.check_told(receipt, before)

    def event(self) -> port.NewEvent:
        """Make an event for some of the webhooks."""
        self.events += 1
        found = [
            new(hook, self.random.choice(KEYS), parked=self.random.random() < 0.05)
            for hook in self.hooks
            if self.random.random() < 0.8
        ]
        return event(f"n{self.events}", *found)

    def cancels(self) -> list[port.CancelSlice]:
        """Cancel some unfinished deliveries, or take them as delivered."""
        all = sorted(self.unfinished())
        some = self.random.sample(all, min(len(all), self.random.randint(1, 3)))
        delivered = self.random.random() < 0.5
        return [port.CancelSlice(some, "me", delivered=delivered)] if some else []

    def start(self) -> None:
        """Start attempts of what is pending."""
        for hook in self.hooks:
            for job in self.subject.page(hook):
                if job.delivery not in self.sending and self.random.random() < 0.7:
                    self.send(job.delivery, hook, job.key, job.attempt)

    def send(self, id: DeliveryId, hook: int, key: int | None, attempt: int) -> None:
        """Note an attempt under way with the end that it will have."""
        state = self.random.choice((*ENDS, State.RETRYING))
        delay = self.random.choice((0, 3_600_000)) if state is State.RETRYING else None
        more: dict[str, Any] = {"key": key, "attempt": attempt, "delay_ms": delay}
        self.sending[id] = settled(id, state, webhook=hook, **more)

    def retry(self) -> None:
        """Ask for another try of what has ended, or waits; as the engine does, of nothing that is
        under way."""
        ids = [id for (id,) in self.halves.run("SELECT id FROM delivery WHERE state <> 3")]
        for id in self.random.sample(ids, min(len(ids), self.random.randint(1, 4))):
            self.done.append(f"retry {id}")
            if id in self.sending:
                self.subject.ask(lambda store: store.wake(id))  # noqa: B023
            else:
                self.subject.ask(lambda store: store.retry_now(id))  # noqa: B023

    def retire(self) -> None:
        """End what is unfinished of a webhook, or a part of it."""
        state = self.random.choice((State.PARKED, State.CANCELLED))
        self.subject.retire(state, self.random.choice(self.hooks), self.random.choice((1, 3, 99)))

    def park(self) -> None:
        """Park what has waited for its whole window, as much as there is room for."""
        hook, limit = self.random.choice(self.hooks), self.random.choice((1, 3, 99))
        self.subject.ask(lambda store: store.park_expired(hook, LATER_MS, limit))

    def change_status(self) -> None:
        """Disable a webhook, whose deliveries are parked; or enable it."""
        hook = self.random.choice(self.hooks)
        name = "one" if hook == self.jobs.hook else "two"
        status = self.random.choice(("active", "disabled"))
        self.versions[hook] += 1
        row = webhook(name, number=hook, version=self.versions[hook], status=status)
        self.subject.ask(lambda store: store.put_webhook(row))
        if status == "disabled":
            while self.subject.retire(State.PARKED, hook, 5):
                pass

    def replay(self) -> None:
        """Replay what has failed or was parked, to the first webhook."""
        self.subject.commit(fan_out=1_000)  # a job waits for what is owed
        job = self.jobs.put(self.jobs.spec())
        self.jobs.run(job, limit=3, key=self.random.choice(KEYS))

    def begin_again(self) -> None:
        """End the owner badly, or well: attempts under way die with it."""
        if self.random.random() < 0.5:
            self.subject.crash()
        else:
            self.subject.reopen()
        self.subject.recover(left=[(id, end.attempt) for id, end in self.sending.items()])
        self.sending.clear()

    def retain(self) -> None:
        """Drop what is old enough: all that is finished."""
        drop(self.subject, self.random.choice((RowKind.PAYLOAD, RowKind.METADATA)), rows_max=7)

    def drain(self) -> None:
        """Deliver everything, which comes to an end."""
        for _ in range(DRAINED_WITHIN):
            for id, state in self.unfinished().items():
                if state == State.RETRYING:
                    self.subject.ask(lambda store: store.wake(id))  # noqa: B023
            self.start()
            for id, end in self.sending.items():
                self.sending[id] = settled(
                    id, webhook=end.webhook, key=end.key, attempt=end.attempt
                )
            ends: Sequence[port.Settlement] = list(self.sending.values())
            self.sending.clear()
            claims = [port.RetryClaim(hook, 5) for hook in self.hooks]
            receipt = self.subject.commit(settled=ends, claims=claims, fan_out=50)
            for job in receipt.claimed:
                self.send(job.delivery, job.webhook, job.key, job.attempt)
            self.check()
            if not self.unfinished() and not receipt.owed:
                return
        raise AssertionError(f"{self.unfinished()} never end: {self.told}")

    def close(self) -> None:
        """End everything."""
        self.subject.close()
