"""People who replay, cancel and stop, in a world that breaks; and what their jobs must come to.

Beside the invariants of the world: 7 a replay makes a new delivery and leaves the old one · 32
order per key through replays and cancels · 36 nothing starts after an answered cancel or stop · 38
an id of its own only where it was asked for · 44 a replay makes what it was asked for, once each,
skips nothing across kills, and can be cancelled · 25, 26 its deliveries end like all others.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from typing import Any

from tests.simulation.parts import Request
from tests.simulation.world import ORG, Known, World
from tidings.core.delivery.states import UNFINISHED, State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.core.replay import JobState, ReplayKind, ReplayTransition
from tidings.engine.delivery.stops import EVERYTHING, Stops
from tidings.engine.replay.refusals import NotNow, TooMany
from tidings.engine.replay.runs import Replays
from tidings.store import port
from tidings.store.port import StoreDown

RATES = (3.0, 50.0, 5000.0)
UNDELIVERED = (State.CANCELLED, State.FAILED, State.PARKED)
# What a person may ask another try of, with whether one of its key is under way beside it.
TRIED = (
    "SELECT d.id, d.webhook, d.state, EXISTS (SELECT 1 FROM delivery p WHERE p.webhook = d.webhook"
    " AND p.key = d.key AND p.id <> d.id AND p.state IN (0, 2, 7)) FROM delivery d WHERE"
    " d.state NOT IN (0, 1)"
)
WAITED_FOR = (
    "SELECT d.id, d.webhook FROM delivery d WHERE d.state IN (0, 2, 7) AND EXISTS (SELECT 1"
    " FROM delivery h WHERE h.webhook = d.webhook AND h.key = d.key AND h.state = 1)"
)


class ReplayWorld(World):
    """A world with jobs and switches."""

    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(seed, loop)
        self.stops: Stops
        self.replays: Replays
        self.stopped_s = float("inf")  # when a stop was answered; inf while sending may go on
        self.told: set[str] = set()

    async def start(self) -> None:
        await super().start()
        self.stops, self.replays = self.parts.delivery.stops, self.parts.delivery.replay.runs
        await self.replays.start()

    def tell(self, kind: str, org: int, fact: Any, done: Any = None) -> None:
        """Of the ends of jobs."""
        if "replayId" in fact:
            self.told.add(fact["replayId"])

    async def stop(self) -> None:
        await self.replays.stop()
        await super().stop()

    # -- what people do ---------------------------------------------------------------------------

    async def meddle(self, rng: random.Random) -> None:
        """One thing that a person does; the store may refuse it."""
        living = [known for known in self.known.values() if known.id]
        if not living:
            return
        deeds = (self.ask_for_replay, self.cancel_some, self.move_a_job, self.throw_the_switch)
        try:
            by_hand = (self.try_by_hand, self.take_back_and_try)
            await rng.choice((*deeds, self.ask_for_replay, *by_hand))(rng, living)
        except StoreDown:
            pass

    async def ask_for_replay(self, rng: random.Random, living: list[Known]) -> None:
        source, target = rng.choice(living), rng.choice(living)
        if rng.random() < 0.7:
            target = source
        record = self.webhooks.get(ORG, target.id).webhook
        if record.status is WebhookStatus.DELETED:
            return
        missed, again = rng.random() < 0.5, rng.random() < 0.3
        states = {State.FAILED, State.PARKED}
        if again or target is not source:
            states.add(State.DELIVERED)
        spec = port.ReplaySpec(
            owner=ORG,
            source=source.number,
            target=target.number,
            orgs=[ORG],
            names=sorted(record.event_names) if missed else [],
            states=sorted(states),
            unmatched=missed,
            again=again,
        )
        job = port.ReplayJob(
            0, ORG, ReplayKind.REPLAY, JobState.COUNTING, spec, rng.choice(RATES), False, "sim"
        )
        with contextlib.suppress(TooMany):
            await self.replays.create(job, ())

    async def ask_for_replays(self) -> None:
        """Everything that was delivered once more, to each webhook."""
        for known in self.known.values():
            spec = port.ReplaySpec(
                ORG, known.number, known.number, [ORG], states=[State.DELIVERED], again=True
            )
            job = port.ReplayJob(
                0, ORG, ReplayKind.REPLAY, JobState.COUNTING, spec, RATES[-1], False, "sim"
            )
            await self.replays.create(job, ())

    async def cancel_some(self, rng: random.Random, living: list[Known]) -> None:
        rows = self.disk.ask("SELECT id FROM delivery WHERE state NOT IN (3, 4, 5, 6)")
        if not rows:
            return
        if rng.random() < 0.3:
            spec = port.ReplaySpec(ORG, None, None, [ORG], names=["a"], states=sorted(UNFINISHED))
            job = port.ReplayJob(
                0, ORG, ReplayKind.CANCEL, JobState.COUNTING, spec, 20, False, "sim"
            )
            with contextlib.suppress(TooMany):
                await self.replays.create(job, ())
            return
        chosen = [DeliveryId(rng.choice(rows)[0]) for _ in range(rng.randrange(1, 6))]
        await self.cancel_until_answered(chosen)

    async def cancel_until_answered(self, chosen: list[DeliveryId]) -> None:
        """Whoever hears nothing asks again; what the first one has ended is not named to them."""
        while True:
            try:
                await self.replays.cancel(ORG, chosen, "sim")
                break
            except StoreDown:
                await asyncio.sleep(0.1)
        for delivery_id in chosen:
            [(state,)] = self.disk.ask("SELECT state FROM delivery WHERE id = ?", delivery_id)
            if state == State.CANCELLED:
                self.taken_back.setdefault(delivery_id, self.loop.time())

    async def try_by_hand(self, rng: random.Random, living: list[Known]) -> None:
        """One more try of what has ended, also delivered, or of what waits; most often of one whose
        key has another under way."""
        rows = self.disk.ask(TRIED)
        rows = [row for row in rows if self.may_be_tried(row[1])]
        if not rows:
            return
        beside = [row for row in rows if row[2] in UNDELIVERED and row[3]]
        if beside and rng.random() < 0.7:
            rows = beside
        state = rng.choice(sorted({row[2] for row in rows}))
        await self.ask_by_hand(*rng.choice([row for row in rows if row[2] == state])[:2])

    async def take_back_and_try(self, rng: random.Random, living: list[Known]) -> None:
        """Cancel one that others of its key wait for, and have it tried again: what it has freed
        goes first."""
        rows = [row for row in self.disk.ask(WAITED_FOR) if self.may_be_tried(row[1])]
        if rows:
            delivery, number = rng.choice(rows)
            await self.cancel_until_answered([DeliveryId(delivery)])
            await self.ask_by_hand(delivery, number)

    async def ask_by_hand(self, delivery: int, number: int) -> None:
        """Have a delivery tried again, if its webhook is active."""
        record = self.webhooks.by_number(number)
        if record is None or record.webhook.status is not WebhookStatus.ACTIVE:
            return
        await self.parts.delivery.manual_retries.ask(ORG, DeliveryId(delivery), number)

    def may_be_tried(self, number: int) -> bool:
        """Whether a delivery of a webhook may be tried by hand: it has not been deleted."""
        return any(
            known.number == number and known.id and known.ending_s == float("inf")
            for known in self.known.values()
        )

    async def move_a_job(self, rng: random.Random, _: list[Known]) -> None:
        rows = self.disk.ask("SELECT number FROM replay WHERE closed = 0")
        if not rows:
            return
        number = rng.choice(rows)[0]
        what = rng.choice(
            (ReplayTransition.PAUSE, ReplayTransition.RESUME, ReplayTransition.CANCEL)
        )
        with contextlib.suppress(NotNow):
            await self.replays.move(ORG, number, what)

    async def throw_the_switch(self, rng: random.Random, _: list[Known]) -> None:
        org = rng.choice((EVERYTHING, ORG))
        await self.stops.stop(org, "sim")
        self.stopped_s = self.loop.time()
        await asyncio.sleep(rng.random())
        self.stopped_s = float("inf")
        await self.go_on()

    async def go_on(self) -> None:
        """Every switch is thrown back."""
        for org in (EVERYTHING, ORG):
            await self.stops.start(org)

    async def resume_jobs(self) -> None:
        """What was paused goes on."""
        for (number,) in self.disk.ask("SELECT number FROM replay WHERE state = 'paused'"):
            await self.replays.move(ORG, number, ReplayTransition.RESUME)

    # -- invariants -------------------------------------------------------------------------------

    def check_send(self, request: Request) -> None:
        super().check_send(request)
        assert self.loop.time() <= self.stopped_s, "36 nothing starts after an answered stop"

    def check_jobs(self) -> None:
        for number, state, closed, made in self.disk.ask(
            "SELECT number, state, closed, made FROM replay WHERE kind = 'replay'"
        ):
            twice = self.disk.ask(
                "SELECT event FROM delivery_replay WHERE replay = ? GROUP BY event"
                " HAVING count(*) > 1",
                number,
            )
            assert not twice, ("44 nothing twice within a job", number, twice)
            [(count,)] = self.disk.ask(
                "SELECT count(*) FROM delivery_replay WHERE replay = ?", number
            )
            assert count == made, "44 what a job says it has made"
            if closed:
                assert JobState(state).final
                self.check_closed(number, state)

    def check_closed(self, number: int, state: str) -> None:
        [job] = [disk_job for disk_job in self.disk_jobs() if disk_job.number == number]
        by_state = dict(  # a job keeps what it has told: a try by hand after its end is not its own
            self.disk.ask(
                "SELECT coalesce(r.state, d.state), count(*) FROM delivery_replay r JOIN delivery d"
                " ON d.id = r.delivery WHERE r.replay = ? GROUP BY 1",
                number,
            )
        )
        counted = {
            State.DELIVERED: job.delivered,
            State.FAILED: job.failed,
            State.PARKED: job.parked,
            State.CANCELLED: job.cancelled,
        }
        assert by_state == {state: count for state, count in counted.items() if count}, (
            "44 its counts"
        )
        for delivery, kept, now in self.disk.ask(
            "SELECT d.id, r.state, d.state FROM delivery_replay r JOIN delivery d"
            " ON d.id = r.delivery WHERE r.replay = ? AND r.state <> d.state",
            number,
        ):
            states = [revived.state for revived in self.disk.revivals.get(delivery, ())]
            assert kept in states, ("44 its counts, as they were before a try by hand", kept, now)
        if state == JobState.FINISHED and job.spec.unmatched:
            marks = ",".join("?" * len(job.spec.names))
            left = self.disk.ask(
                f"SELECT e.id FROM event e WHERE e.seq <= ? AND e.name IN ({marks})"
                " AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.seq"
                " AND d.webhook IN (?, ?)) AND EXISTS (SELECT 1 FROM body b WHERE b.seq = e.seq)",
                job.spec.upto,
                *job.spec.names,
                job.spec.target,
                job.spec.source,
            )
            filtered = {known.number for known in self.known.values() if known.keys is not None}
            assert job.spec.target in filtered or not left, ("44 nothing is skipped", number, left)

    def disk_jobs(self) -> Sequence[port.ReplayJob]:
        """Every job as it is stored."""
        from tidings.store.sql.replay.replays import ReplayQueries  # noqa: PLC0415

        return ReplayQueries(self.disk.half.connection).newest(ORG, 1 << 62, 1000)
