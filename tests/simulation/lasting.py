"""A receiver that is down for days, and what becomes of everything that it was owed.

Beside the invariants of the worlds below: 7 only a replay gives a parked delivery's event another
run · 25 what is parked is parked for a reason that a person can read · 26 with a replay of what was
missed everything arrives in the end · 44 nothing is skipped or made twice · 45 retention, which
keeps payloads for a day here, drops none of a delivery that is not final.
"""

import asyncio
import random
from typing import Any

from tests.simulation.replaying import ReplayWorld
from tests.simulation.world import ORG, Known
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.orgs.retention import RetentionDays
from tidings.core.replay import JobState, ReplayKind
from tidings.engine.retention import Retention
from tidings.store import port

PAYLOAD_DAYS = 1
DAY_MS = 86_400_000


class LastingWorld(ReplayWorld):
    """A world that lasts for more than a week."""

    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(seed, loop)
        self.retention: Retention
        self.dropped = 0

    async def start(self) -> None:
        await super().start()
        store: Any = self.store
        self.retention = Retention(
            store=store,
            clock=self.clock,
            retentions=lambda: {ORG: RetentionDays(PAYLOAD_DAYS, 1, 90)},
            every_s=3600.0,
        )
        self._keeping = asyncio.get_running_loop().create_task(self.retention.run())

    async def stop(self) -> None:
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        await super().stop()

    async def replay_missed(self, known: Known) -> None:
        """The owner enables it, and asks for everything that it missed."""
        record = self.webhooks.get(ORG, known.id)
        if record.webhook.status is WebhookStatus.DISABLED:
            known.enabled_again = True
            await self.webhooks.set_status(known.number, WebhookStatus.ACTIVE, None)
        spec = port.ReplaySpec(
            owner=ORG,
            source=known.number,
            target=known.number,
            orgs=[ORG],
            names=sorted(record.webhook.event_names),
            states=[State.FAILED, State.PARKED],
            unmatched=True,
        )
        job = port.ReplayJob(
            0, ORG, ReplayKind.REPLAY, JobState.COUNTING, spec, 5000.0, False, "its owner"
        )
        await self.replays.create(job, ())

    # -- invariants -------------------------------------------------------------------------------

    def check_events(self) -> None:
        """1, 3: payloads go with their retention, the events and what is unfinished stay."""
        old_ms = self.clock.now_ms() - PAYLOAD_DAYS * DAY_MS
        for event_id, (body, _, _) in self.accepted.items():
            [(seq, at_ms, stored)] = self.disk.ask(
                "SELECT e.seq, e.at_ms, b.bytes FROM event e LEFT JOIN body b ON b.seq = e.seq"
                " WHERE e.id = ?",
                event_id,
            )
            if stored is None:
                assert at_ms <= old_ms, ("45 a payload that is young is kept", seq)
                self.dropped += 1
            else:
                assert stored == body, "3 bytes as accepted"

    def check_end(self, broken: Known, gone: Known) -> None:
        """Of the webhook that was down for days, and of the one whose receiver said 410."""
        reasons: dict[State, int] = {}
        for known in (broken, gone):
            for delivery, state in self.disk.ask(
                "SELECT id, state FROM delivery WHERE webhook = ?", known.number
            ):
                assert State(state).final, ("25 every delivery ends", delivery)
                reasons[State(state)] = reasons.get(State(state), 0) + 1
        assert reasons.get(State.PARKED), "25 what was owed meanwhile was parked, not dropped"
        lost = self.disk.ask(
            "SELECT e.id FROM event e WHERE NOT EXISTS (SELECT 1 FROM delivery d"
            " WHERE d.event = e.seq AND d.webhook = ? AND d.state = ?)"
            " AND EXISTS (SELECT 1 FROM delivery d WHERE d.event = e.seq AND d.webhook = ?)"
            " AND EXISTS (SELECT 1 FROM body b WHERE b.seq = e.seq)",
            broken.number,
            State.DELIVERED,
            broken.number,
        )
        assert not lost, ("26 with a replay of what was missed everything arrives", lost)

    async def days(self, count: float, rng: random.Random) -> None:
        """Some events come in every now and then."""
        until_s = self.loop.time() + count * DAY_MS / 1000
        while self.loop.time() < until_s:
            await self.post([self.draft()])
            await asyncio.sleep(rng.random() * 4 * 3600)
            self.disk.check_owners()
