"""Runs replays and cancels: each job is a task that counts, makes slices, and tells how it goes.

A slice goes in with the group commit (`commit_commands.py`), paced by the job's rate and by the
room that the webhook's lane has: live traffic first. What a stop or a crash interrupts is taken up
at the next start, at the cursor that the store has.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, assert_never

import msgspec
import structlog

from tidings.core.audit.audit_actions import (
    CANCEL_BEGUN,
    DELIVERIES_CANCELLED,
    REPLAY_CANCELLED,
    REPLAY_CREATED,
    REPLAY_PAUSED,
    REPLAY_RESUMED,
)
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId, show
from tidings.core.notices.operational_events import REPLAY_FINISHED
from tidings.core.replay import (
    COUNT_MAX,
    OPEN_JOBS_MAX,
    SLICE_MAX,
    JobState,
    ReplayKind,
    ReplayTransition,
    after,
    before,
)
from tidings.core.running.service_part import ServicePart
from tidings.core.times import iso
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.delivery.stops import Stops
from tidings.engine.events.commit_queue import CommitQueue
from tidings.engine.events.event_types import EventTypeSource
from tidings.engine.heartbeats import Heart
from tidings.engine.listeners import Listeners, OrgNotices
from tidings.engine.outage import Outage
from tidings.engine.replay.plan import OrderingKeys, Planner
from tidings.engine.replay.refusals import NotNow, TooMany, UnknownReplay
from tidings.engine.replay.replay_run import NO_ROOM_S, TALLY_S, WAITING_S, ReplayRun
from tidings.engine.running.supervisor import SupervisedTask, Supervisor
from tidings.shared_places import SharedPlaces
from tidings.store import port

PART = ServicePart("replays", "a replay or a cancel makes no progress", work_s=25.0)
CANCEL_EVENTS = 200
CANCEL_PAUSE_S = 0.005
RECORDED_MAX = 20  # ids in an entry of the audit log
WAITING_S_MAX = 60.0
TALLY_S_MAX = 30.0
TALLY_MAX = 500
TALLIES_AT_ONCE = 20
STANDS_STILL_S = 60.0
NO_ROOM_PATIENCE = 50
COUNT_NOTED_S = 1.0
DOWN_S = 0.5
SLICES_AT_ONCE = 2
LISTED_AT_ONCE = 1_000

_ACTIONS = {
    ReplayTransition.PAUSE: REPLAY_PAUSED,
    ReplayTransition.RESUME: REPLAY_RESUMED,
    ReplayTransition.CANCEL: REPLAY_CANCELLED,
}
CROWDED = "The webhook's own traffic comes first, or its receiver does not keep up."

log = structlog.get_logger(__name__)


class LaneLoad(Protocol):
    """Knows how busy a webhook is."""

    def replay_room(self, webhook: Webhook) -> int:
        """Return how many deliveries of replays its lane has room for now."""

    def read_again(self, webhook: Webhook) -> None:
        """Read a webhook's deliveries in the store again, where there may be some that nobody was
        told of."""


class Replays:
    """The jobs of every org."""

    def __init__(
        self,
        *,
        store: port.ReplayStore,
        audit: AuditLog,
        registry: Registry,
        commits: CommitQueue,
        lanes: LaneLoad,
        stops: Stops,
        ordering_keys: OrderingKeys,
        types: EventTypeSource,
        notices: OrgNotices,
        changed: Listeners[Webhook],
        switched: Listeners[()],
        supervisor: Supervisor,
    ) -> None:
        """Listen to `changed` webhooks and thrown stop switches: jobs that wait for those go on."""
        self._store = store
        self._audit = audit
        self._registry = registry
        self._commits = commits
        self._lanes = lanes
        self._stops = stops
        self._planner = Planner(registry, ordering_keys, types)
        self._notices = notices
        self._runs: dict[int, ReplayRun] = {}
        self._supervisor = supervisor
        self._tasks: dict[int, SupervisedTask] = {}
        self._slots: SharedPlaces[OrgId] = SharedPlaces(SLICES_AT_ONCE)
        self._loop = asyncio.get_running_loop()
        self._outage = Outage("replays and cancels")
        changed.add(lambda _: self.nudge())
        switched.add(self.nudge)

    async def start(self) -> None:
        """Take up what is unfinished."""
        for job in await self._store.open_replays():
            self._begin(job)

    async def stop(self) -> None:
        """Let go of the jobs; the next start goes on with them."""
        tasks = list(self._tasks.values())
        await asyncio.gather(*(task.stop() for task in tasks))

    @property
    def open(self) -> int:
        """Count the jobs that are not finished."""
        return len(self._runs)

    # -- what people do ---------------------------------------------------------------------------

    async def count(
        self, spec: port.ReplaySpec, listed: Sequence[port.ReplayEntry], for_s: float
    ) -> port.ReplayCount:
        """Estimate how many it would be, within `for_s` seconds; `ended` says whether that is
        all."""
        until_s = self._loop.time() + for_s
        parts = [listed[at : at + LISTED_AT_ONCE] for at in range(0, len(listed), LISTED_AT_ONCE)]
        count = skipped = 0
        cursor = spec.after
        while spec.listed and parts or not spec.listed:
            part = parts.pop(0) if spec.listed else ()
            found = await self._store.count_replay(0, spec, cursor, part)
            cursor, count, skipped = found.cursor, count + found.count, skipped + found.skipped
            ended = not parts if spec.listed else found.ended
            if ended:
                break
            if count >= COUNT_MAX or self._loop.time() > until_s:
                return port.ReplayCount(cursor, count, skipped, ended=False)
        return port.ReplayCount(cursor, count, skipped, ended=True)

    async def create(
        self, job: port.ReplayJob, listed: Sequence[port.ReplayEntry]
    ) -> port.ReplayJob:
        """Store a job and begin it. TooMany where the org has enough of them."""
        mine = sum(
            1 for run in self._runs.values()
            if run.job.org == job.org and not JobState(run.job.state).final
        )  # fmt: skip
        if mine >= OPEN_JOBS_MAX:
            raise TooMany
        action = CANCEL_BEGUN if job.kind == ReplayKind.CANCEL else REPLAY_CREATED
        with self._audit.recording(action, job.org, None, None, self._recorded(job, len(listed))):
            stored = await self._store.put_replay(job, listed)
        self._begin(stored)
        return stored

    async def move(self, org: OrgId, number: int, what: ReplayTransition) -> port.ReplayJob:
        """Pause, resume or cancel. UnknownReplay, or NotNow with the state that it is in."""
        job = await self._store.replay(org, number)
        if job is None:
            raise UnknownReplay
        with self._audit.recording(
            _ACTIONS[what],
            org,
            show("rpl", number),
            {"state": job.state},
            {"state": after(what)},
            if_changed=True,
        ):
            moved = await self._store.move_replay(number, before(what), after(what), "")
        if moved is None:
            job = await self._store.replay(org, number) or job
            raise NotNow(what, job.state)
        run = self._runs.get(number)
        if run is not None:
            run.job = moved
            run.visited = False  # a slice may be under way: the store's cursor is asked again
            run.wake.set()
        return moved

    def nudge(self) -> None:
        """Wake the jobs that wait for a webhook or a switch: one has changed."""
        for run in self._runs.values():
            if run.waiting:
                run.waits_s = WAITING_S
                run.wake.set()

    def waiting(self, number: int) -> str:
        """Say why a job makes nothing at the moment; empty where it does."""
        run = self._runs.get(number)
        return "" if run is None or run.job.state != JobState.RUNNING else run.waiting

    def rate(self, number: int) -> float:
        """Return how many deliveries a job makes a second now."""
        run = self._runs.get(number)
        return 0.0 if run is None else run.rate(self._loop.time())

    async def cancel(
        self, org: OrgId, deliveries: Sequence[DeliveryId], by: str
    ) -> list[tuple[int, DeliveryId]]:
        """Cancel single deliveries of the org, one at least: webhook and delivery of those that
        were unfinished."""
        ids = [show("dlv", delivery) for delivery in deliveries]
        after = None if len(ids) == 1 else {"count": len(ids), "deliveries": ids[:RECORDED_MAX]}
        with self._audit.recording(DELIVERIES_CANCELLED, org, ids[0], None, after, if_changed=True):
            done = await self._commits.cancel(port.CancelSlice(deliveries, by), org)
        return list(done.deliveries)

    def _recorded(self, job: port.ReplayJob, listed: int) -> dict[str, Any]:
        """Return what the audit log keeps of a job: which deliveries it is about."""
        spec = job.spec
        source, target = (
            None if number is None else self._registry.get(number)
            for number in (spec.source, spec.target)
        )
        return {
            "webHookId": None if source is None else source.id,
            "toWebHookId": None if target is None else target.id,
            "eventNames": list(spec.names),
            "from": iso(spec.from_ms),
            "to": iso(spec.to_ms),
            "states": [State(state).word for state in spec.states],
            "unmatched": spec.unmatched,
            "again": spec.again,
            "listed": listed if spec.listed else None,
            "ratePerSecond": job.rate,
            "start": not job.hold,
        }

    # -- one job ----------------------------------------------------------------------------------

    def _begin(self, job: port.ReplayJob) -> None:
        run = self._runs[job.number] = ReplayRun(job, self._loop.time())
        task = self._supervisor.start(PART, lambda heart: self._drive(run, heart), again=False)
        self._tasks[job.number] = task
        task.ended.add_done_callback(lambda _: self._tasks.pop(job.number, None))

    async def _drive(self, run: ReplayRun, heart: Heart) -> None:
        number = run.job.number
        run.doubted = run.doubted or run.driven  # begun anew, nobody knows what a step has done
        run.driven = True
        while number in self._runs:
            run.wake.clear()
            wait_s = DOWN_S
            with self._outage:
                try:
                    if run.doubted:  # what the store has, and not what is thought of it
                        await self._reload(run)
                        run.doubted = False
                    wait_s = await self._step(run)
                except port.StoreDown:
                    run.doubted = True
                    raise
                except Exception as error:
                    # A fault of ours in one job: the others go on, and this one says so.
                    log.error("a replay has failed", replay=show("rpl", number), error=repr(error))
                    run.doubted = True
                    await self._move(
                        run, ReplayTransition.FAIL, "It met a fault of Tidings; see its log."
                    )
            if wait_s:
                await heart.wait(run.wake, wait_s)
            heart.beat()

    async def _step(self, run: ReplayRun) -> float:
        """Do one bounded piece of work; return the seconds until the next one."""
        state = JobState(run.job.state)
        match state:
            case JobState.COUNTING:
                return await self._count(run)
            case JobState.RUNNING:
                return await self._advance(run)
            case JobState.READY if not run.job.hold:  # held up between counted and started
                await self._move(run, ReplayTransition.START)
                return 0.0
            case JobState.READY | JobState.PAUSED:
                await self._tally(run)  # also what is tried again by hand
                return run.quiet_s if run.unfinished else STANDS_STILL_S
            case JobState.CANCELLED:
                return await self._clear(run)
            case JobState.FINISHED | JobState.FAILED:
                await self._tally(run)
                if not run.unfinished:
                    await self._close(run)
                return run.quiet_s
            case _:
                assert_never(state)

    async def _count(self, run: ReplayRun) -> float:
        job, now_s = run.job, self._loop.time()
        found = await self._store.count_replay(job.number, job.spec, run.count_cursor, ())
        stands = found.cursor == run.count_cursor  # the next event's deliveries are being made
        run.count_cursor, run.count_since = found.cursor, run.count_since + found.count
        if stands and not found.ended:
            return NO_ROOM_S
        if not found.ended and now_s - run.noted_s < COUNT_NOTED_S:
            return 0.0
        count, run.count_since, run.noted_s = run.count_since, 0, now_s
        noted = await self._store.note_counted(job.number, found.cursor, count, found.ended)
        if noted is None:
            await self._reload(run)
        elif found.ended:
            await self._move(run, ReplayTransition.COUNTED)
        return 0.0

    async def _advance(self, run: ReplayRun) -> float:
        if not run.visited:
            if run.job.kind == ReplayKind.CANCEL:
                wait_s = await self._cancel_slice(run)
            else:
                wait_s = await self._make_slice(run)
            await self._tally(run, every_s=TALLY_S)
            return wait_s
        await self._tally(run)
        if run.unfinished:
            return run.quiet_s
        await self._move(run, ReplayTransition.DONE)  # what is final is closed by the next step
        return 0.0

    async def _make_slice(self, run: ReplayRun) -> float:
        job = run.job
        assert job.spec.target is not None
        webhook = self._registry.get(job.spec.target)
        if webhook is None:
            await self._move(run, ReplayTransition.FAIL, "Its webhook was deleted.")
            return 0.0
        room, run.waiting = self._room(webhook)
        if not room:
            if not run.waiting:
                run.without_room += 1
                run.waiting = CROWDED if run.without_room > NO_ROOM_PATIENCE else ""
                return WAITING_S if run.waiting else NO_ROOM_S
            run.waits_s = min(WAITING_S_MAX, run.waits_s * 2)  # `nudge` comes first
            return run.waits_s
        run.without_room, run.waits_s = 0, WAITING_S
        most = run.pace.allow(self._loop.time(), min(room, SLICE_MAX))
        if not most:
            return max(0.001, run.pace.wait_s(self._loop.time()))
        bodies = self._planner.needs_bodies(webhook, job.spec)
        found = await self._store.candidates(job.number, job.spec, run.scan, most, bodies)
        if not found.found:
            return run.go_on(found)
        planned = self._planner.plan(job, webhook, found)
        try:
            async with self._slots.hold(job.org):
                done = await self._commits.slice(planned, job.org)
        except port.StoreDown:
            self._lanes.read_again(webhook)  # it may be written all the same
            raise
        run.pace.used(done.made)
        run.unfinished = run.unfinished or done.made > 0
        await self._applied(run, done.applied, found, done.made)
        return 0.0 if done.applied else NO_ROOM_S

    def _room(self, webhook: Webhook) -> tuple[int, str]:
        if not webhook.has_target:
            return 0, "The webhook's type makes no call; the job goes on when it is HTTP."
        if not webhook.sends:
            return 0, f"The webhook is {webhook.status}; the job goes on when it is active."
        if self._stops.is_stopped(webhook.org):
            return 0, "Sending is stopped; the job goes on when it is started again."
        return self._lanes.replay_room(webhook), ""

    async def _cancel_slice(self, run: ReplayRun) -> float:
        job = run.job
        found = await self._store.candidates(job.number, job.spec, run.scan, CANCEL_EVENTS, False)
        if not found.found:
            return run.go_on(found)
        deliveries = [delivery for candidate in found.found for delivery in candidate.deliveries]
        slice = port.CancelSlice(deliveries, job.by, job.number, after=job.cursor, to=found.cursor)
        async with self._slots.hold(job.org):
            done = await self._commits.cancel(slice, job.org)
        await self._applied(run, done.applied, found, len(done.deliveries))
        return CANCEL_PAUSE_S

    async def _applied(
        self, run: ReplayRun, applied: bool, found: port.ReplayCandidates, made: int
    ) -> None:
        if not applied:  # a pause came first, or this slice once before: where is the cursor?
            await self._reload(run)
            return
        run.made.append((self._loop.time(), made))
        run.job = msgspec.structs.replace(run.job, cursor=found.cursor)
        run.scan, run.visited = found.cursor, found.ended

    async def _clear(self, run: ReplayRun) -> float:
        """Cancel what a cancelled job has made and is unfinished."""
        job = run.job
        if job.kind == ReplayKind.REPLAY:
            left = await self._store.unfinished_of(job.number, CANCEL_EVENTS)
            if left:
                await self._commits.cancel(port.CancelSlice(left, job.by, job.number), job.org)
                return CANCEL_PAUSE_S
        await self._tally(run)
        if not run.unfinished:
            await self._close(run)
        return 0.0

    async def _tally(self, run: ReplayRun, every_s: float = 0.0) -> None:
        now_s = self._loop.time()
        if now_s - run.tallied_s < every_s:
            return
        run.tallied_s = now_s
        if run.job.kind == ReplayKind.CANCEL:
            run.unfinished = False
            return
        final = 0
        for _ in range(TALLIES_AT_ONCE):
            tally = await self._store.tally_replay(run.job.number, run.tally_after, TALLY_MAX)
            run.tally_after, run.unfinished, final = tally.after, tally.open, final + tally.final
            if not tally.after:
                break
        run.quiet_s = TALLY_S if final else min(TALLY_S_MAX, run.quiet_s * 2)

    async def _close(self, run: ReplayRun) -> None:
        number = run.job.number
        job = await self._store.replay(run.job.org, number) or run.job
        if not run.notified:
            run.notified = True
            self._notices.tell(REPLAY_FINISHED, job.org, fact_of(job))
        await self._store.close_replay(number)
        self._runs.pop(number, None)

    async def _move(self, run: ReplayRun, what: ReplayTransition, reason: str = "") -> bool:
        moved = await self._store.move_replay(run.job.number, before(what), after(what), reason)
        if moved is None:
            await self._reload(run)
            return False
        run.job = moved
        return True

    async def _reload(self, run: ReplayRun) -> None:
        job = await self._store.replay(run.job.org, run.job.number)
        if job is not None:
            run.job = job
            run.scan = job.cursor
            if job.state == JobState.COUNTING:
                run.count_cursor, run.count_since = job.counted_to, 0


def fact_of(job: port.ReplayJob) -> dict[str, Any]:
    """Build the notice of a job that has ended."""
    return {
        "replayId": show("rpl", job.number),
        "kind": job.kind,
        "state": job.state,
        "reason": job.reason or None,
        "matched": job.total,
        "made": job.made,
        "skipped": job.under_way + job.had + job.no_body,
        "delivered": job.delivered,
        "failed": job.failed,
        "parked": job.parked,
        "cancelled": job.cancelled,
    }
