"""Group commit: one transaction at a time, with whatever waits when it begins.

Events, settlements, claims of due retries and refused events go into the same transaction
(`commit_queue.py`). While one is under way the next one gathers. Settlements alone wait a moment
for company, events never do. The batch is closed before the registry's version is read: matching
happens here, at the close, and a batch that the store finds outdated is matched again.

When the store refuses, callers are told (StoreDown), settlements are kept and tried again, and
nothing more is sent (`halted`) until a commit has succeeded. What was refused may have been written
all the same (a lost answer): after that commit the lanes look at the store again
(`second_look.py`), as they do when they could not be told of what is written. So it is while a
commit does not end: its callers are told after a while, and it is handed over whenever it ends.

While deliveries of accepted events are owed, each commit makes a slice of them.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from tidings.core.delivery.exchange import FaultKind
from tidings.core.running.histogram import Histogram
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.events.commit_queue import CommitContents, CommitQueue, QueuedCall, QueuedEvent
from tidings.engine.events.family_batches import FamilyBatches
from tidings.engine.events.intake import Acceptance
from tidings.engine.events.second_look import Onlooker, SecondLook
from tidings.engine.families import Families
from tidings.store import port

CROWD = 8  # events in a commit that say that many callers are there
GATHER_S = 0.002  # among many callers the next commit waits this long: fewer, larger ones
RETRY_STORE_S = 0.25
ANSWER_S = 10.0  # of a commit, after which nobody waits for it any longer
CHANGE_S = 0.001  # between looks at whether a change of the registry has arrived
DIFFERS = "The event id is known with other bytes; the first ones stay."

UNTOLD = "it is written, but an error of Tidings kept its answer back"
_UNKEPT = "What came of the attempt could not be kept. The server's log has the cause."

log = structlog.get_logger(__name__)


class CommitListener(Onlooker, Protocol):
    """Hears what was written: the lanes."""

    def handover(
        self,
        receipt: port.Receipt,
        events: list[QueuedEvent],
        matched: list[Sequence[port.NewDelivery]],
    ) -> None:
        """Hear that a transaction is on stable storage, before any of its callers is answered."""

    def settled(self, settled: Sequence[port.Settlement], receipt: port.Receipt) -> None:
        """Hear of the settlements of the same transaction, after `handover`."""

    def claims_left_out(self, webhooks: Iterable[int]) -> None:
        """Hear that nothing comes of claims, since the family of these webhooks is not here."""


class EventMatcher(Protocol):
    """Knows which webhooks want an event."""

    def match(self, event: QueuedEvent) -> Sequence[port.NewDelivery]:
        """List one for each webhook that wants it, as the registry is now."""


class Committer:
    """Owns the loop that writes what waits in the queue."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        queue: CommitQueue,
        matcher: EventMatcher,
        listener: CommitListener,
        families: Families,
        deliveries_max: int = port.DELIVERIES_MAX,
        per_event_max: int = port.PER_EVENT_MAX,
        fan_out_rows: int = port.FAN_OUT_ROWS,
        failed: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        """`failed` hears what a listener has raised, which is a fault of ours."""
        self._failed = failed
        self._store = store
        self._registry = registry
        self._queue = queue
        self._matcher = matcher
        self._listener = listener
        self._families = FamilyBatches(families, registry)
        self._deliveries_max = deliveries_max
        self._per_event_max = per_event_max
        self._fan_out_rows = fan_out_rows
        self.owed = 0  # deliveries of accepted events that are not made yet
        self._owing = True  # whether there may be some; a former owner may have left them
        self.fan_out_failure = ""
        self.commits = Histogram.named("commit_seconds")
        self.second_look = SecondLook(queue, listener, failed)
        self._held_back = False
        self._loop = asyncio.get_running_loop()
        self._busy_since_s: float | None = None
        self._taken = self._taken_before = 0  # batches; when `idle_s` was last asked
        self._left_since_s = self._loop.time()

    def stuck_s(self) -> float:
        """Return how long the commit under way has taken, in seconds; 0 when none is."""
        return 0.0 if self._busy_since_s is None else self._loop.time() - self._busy_since_s

    @property
    def is_busy(self) -> bool:
        """Return whether a batch is under way: what it has taken from the queue is nowhere else."""
        return self._busy_since_s is not None

    def idle_s(self) -> float:
        """Return how long work has waited that no commit has taken, in seconds; asked
        regularly."""
        if self.is_busy or not self._queue or self._taken != self._taken_before:
            self._taken_before, self._left_since_s = self._taken, self._loop.time()
        return self._loop.time() - self._left_since_s

    def silent_s(self) -> float:
        """Return how long work has made no progress, taken or not, in seconds; asked
        regularly."""
        return max(self.idle_s(), self.stuck_s())

    def look_for_owed(self) -> None:
        """Find out what is owed: a family that is here again may be owed something."""
        self._owing = True
        self._queue.wake()

    def leave_owed(self) -> None:
        """Make no more of what is owed: the next owner does."""
        self._held_back = True

    # -- the loop ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write until cancelled."""
        queue = self._queue
        queue.wake()  # to learn what a former owner has left owed
        while True:
            await queue.woken()
            while queue or self._slice_rows() or queue.halted:
                self._busy_since_s = self._loop.time()
                self._taken += 1
                events = await self._commit(queue.close())
                self._busy_since_s = None
                if events >= CROWD:
                    await asyncio.sleep(GATHER_S)
                if queue.halted:
                    await asyncio.sleep(RETRY_STORE_S)
            queue.rest()

    def _slice_rows(self) -> int:
        return self._fan_out_rows if self._owing and not self._held_back else 0

    async def _commit(self, batch: CommitContents) -> int:
        """Write a batch in one transaction and answer everyone who waits for it. Return how many
        events were written."""
        late = self._loop.call_later(ANSWER_S, self._give_up, batch)
        try:
            return await self._commit_whole(batch)
        finally:
            late.cancel()

    def _give_up(self, batch: CommitContents) -> None:
        """Answer who waits for a commit that does not end, as it does where the database waits for
        its standby. What it has written is handed over when it ends; lanes that could not start
        meanwhile look at the store then."""
        failure = f"a commit takes more than {ANSWER_S:.0f} s"
        for call in batch.calls:
            call.refuse(port.StoreDown(failure))
        batch.commands.refuse(port.StoreDown(failure))
        self._queue.give_up(failure)
        self.second_look.doubt({})

    async def _commit_whole(self, batch: CommitContents) -> int:
        commands = batch.commands
        claims = batch.claims
        self._families.leave_out(batch)
        try:
            events, matched, receipt = await self._write(batch)
        except port.NoNumbers as none_left:
            await self._commit_unnumbered(none_left, batch)
            return 0
        except port.StoreDown as down:
            self._doubt(batch)
            commands.refuse(down)
            self._refused(down, batch)
            return 0
        except Exception as error:
            self._doubt(batch)
            if self._slice_rows() and not await self._sliced():
                commands.refuse(port.StoreDown(f"not written: {error}"))
                self._queue.put_back(batch)
                return 0
            if commands:  # the others go on without them
                alone = not (batch.calls or batch.settled or batch.claims or batch.rejections)
                commands.refuse(error if alone else port.StoreDown(f"not written: {error}"))
                self._queue.put_back(batch)
                return 0
            # Not the disk: something in this batch. One bad row must not refuse the others.
            await self._commit_apart(error, batch)
            return 0
        self._queue.go_on()
        if len(batch.claims) < len(claims):
            self._listener.claims_left_out(claims.keys() - batch.claims.keys())
        self.owed = receipt.owed
        self._owing = receipt.owed > 0
        if not self._hand_over(receipt, events, matched, batch):
            self.second_look.miss(batch.claims)
        self.second_look.begin_if_due()
        return len(events)

    def _hand_over(
        self,
        receipt: port.Receipt,
        events: list[QueuedEvent],
        matched: list[Sequence[port.NewDelivery]],
        batch: CommitContents,
    ) -> bool:
        """Tell the lanes, then the callers. Whatever one of them raises, the transaction is on
        stable storage and the others are told. Return whether the lanes know all of it: if not,
        they have to look at the store."""
        known = True
        try:
            self._listener.handover(receipt, events, matched)
        except BaseException as error:
            known = self._note_untold(error)
        try:
            self._listener.settled(batch.settled, receipt)
        except BaseException as error:
            known = self._note_untold(error)
        try:
            batch.commands.answer(receipt)
        except BaseException as error:
            self._note_failure(error)
            batch.commands.refuse(port.StoreDown(UNTOLD))
        at, differing = 0, set(receipt.differing)
        for call in batch.calls:
            try:
                _answer(call, at, receipt.seqs, differing)
            except BaseException as error:
                self._note_failure(error)
                call.refuse(port.StoreDown(UNTOLD))
            at += len(call.events)
        return known

    def _note_untold(self, error: BaseException) -> bool:
        """Report what has kept the lanes from a receipt. Return False."""
        _must_not_interrupt(error)
        self.second_look.note(error)
        return False

    def _note_failure(self, error: BaseException) -> None:
        """Report what has kept a caller from its answer."""
        _must_not_interrupt(error)
        self._failed(error)

    async def _write(
        self, batch: CommitContents
    ) -> tuple[list[QueuedEvent], list[Sequence[port.NewDelivery]], port.Receipt]:
        match = self._matcher.match
        while True:
            events = batch.events
            matched = [match(event) for event in events]
            rows = [_row(event, found) for event, found in zip(events, matched, strict=True)]
            registry_version = self._registry.version
            replays, cancels = batch.commands.planned()
            writes = self._store.commit(
                port.Batch(
                    registry_version=registry_version,
                    events=rows,
                    settled=batch.settled,
                    claims=[port.RetryClaim(*claim) for claim in batch.claims.items()],
                    rejections=batch.rejections,
                    replays=replays,
                    cancels=cancels,
                    deliveries_max=self._deliveries_max,
                    per_event_max=self._per_event_max,
                    fan_out=self._slice_rows(),
                    audits=batch.audits,
                    families=self._families.judge(batch),
                )
            )
            since_s = self._loop.time()
            try:
                receipt = await writes
            finally:
                self.commits.observe(self._loop.time() - since_s)
            if receipt.away:
                self._families.leave_out_found(batch, receipt.away)
                continue
            if not receipt.moved:
                return events, matched, receipt
            # The change that outdated us was answered by the same store; let it be applied here.
            while self._registry.version == registry_version:
                await asyncio.sleep(CHANGE_S)

    def _doubt(self, batch: CommitContents) -> None:
        self.second_look.doubt(batch.claims)
        self._owing = True

    async def _sliced(self) -> bool:
        """Make a slice of what is owed by itself. False: that is what the store cannot write."""
        try:
            *_, receipt = await self._write(CommitContents())
        except port.StoreDown:
            return False  # met again by the next commit
        except Exception as error:
            self.fan_out_failure, self._held_back = str(error), True
            return False
        return self._hand_over(receipt, [], [], CommitContents()) or True

    def _refused(self, down: port.StoreDown, batch: CommitContents) -> None:
        self._queue.halt(str(down))
        for call in batch.calls:
            call.refuse(port.StoreDown(str(down)))
        self._queue.put_back(batch, calls=False)

    async def _commit_unnumbered(self, none_left: port.NoNumbers, batch: CommitContents) -> None:
        """Refuse what needs a number, as there is none, and write the rest at once: nothing of the
        batch was. What is sent goes on."""
        for call in batch.calls:
            call.refuse(none_left)
        batch.commands.refuse(none_left)
        rest = CommitContents(
            settled=batch.settled, claims=batch.claims, rejections=batch.rejections
        )
        if rest:
            await self._commit(rest)

    async def _commit_apart(self, error: Exception, batch: CommitContents) -> None:
        """Write a batch row by row, so that a row that cannot be written fails alone."""
        calls, settled, rejections = batch.calls, batch.settled, batch.rejections
        kinds = [bool(calls), bool(settled), bool(batch.claims), bool(rejections)]
        if kinds == [True, False, False, False] and len(calls) == 1:
            if not calls[0].answered.done():
                calls[0].answered.set_exception(port.NotKept(f"the event cannot be kept: {error}"))
            return
        if kinds == [False, True, False, False] and len(settled) == 1:
            bare = _without_evidence(settled[0])
            if bare == settled[0]:
                raise error  # what cannot be written is a fault of ours: stop loudly
            log.error("what came of an attempt cannot be kept", error=type(error).__name__)
            await self._commit(CommitContents(settled=[bare]))
            return
        if kinds == [False, False, False, True]:
            if len(rejections) == 1:  # nobody waits for it, and nothing was promised of it
                log.error("a refused event cannot be kept", reason=str(error))
                return
            half = len(rejections) // 2
            await self._commit(CommitContents(rejections=rejections[:half]))
            await self._commit(CommitContents(rejections=rejections[half:]))
            return
        for call in calls:
            await self._commit(CommitContents(calls=[call]))
        for settlement in settled:
            await self._commit(CommitContents(settled=[settlement]))
        if rejections:
            await self._commit(CommitContents(rejections=rejections))
        self._queue.put_back(CommitContents(claims=batch.claims))


def _must_not_interrupt(error: BaseException) -> None:
    """Raise an error that ends the process. Whatever else is raised in code that awaits nothing is
    a fault of ours, and can be no cancel of this task."""
    if isinstance(error, KeyboardInterrupt):
        raise error


def _without_evidence(settled: port.Settlement) -> port.Settlement:
    """Return the outcome alone, without what a receiver has answered and what was sent to it."""
    lost = port.Evidence(FaultKind.OURS, _UNKEPT, (), body=b"", truncated=False)
    return msgspec.structs.replace(
        settled,
        evidence=None if settled.evidence is None else lost,
        sent=None,
        left_out=None,
        cut=False,
    )


def _row(event: QueuedEvent, deliveries: Sequence[port.NewDelivery]) -> port.NewEvent:
    draft = event.draft
    return port.NewEvent(
        org=draft.org,
        name=event.name,
        id=draft.event_id,
        digest=event.digest,
        body=draft.body,
        terms=event.terms,
        warning=draft.warning,
        deliveries=deliveries,
        passage=event.passage,
    )


_ACCEPTED = Acceptance("accepted")
_DUPLICATE = Acceptance("duplicate")


def _answer(call: QueuedCall, at: int, seqs: Sequence[int], differing: set[int]) -> None:
    """Tell who has sent these events what became of each; the first of them is the one at `at` in
    the commit."""
    verdicts = []
    for event in call.events:
        if not seqs[at]:
            verdicts.append(Acceptance("duplicate", DIFFERS) if at in differing else _DUPLICATE)
        elif event.draft.warning is None:
            verdicts.append(_ACCEPTED)
        else:
            verdicts.append(Acceptance("accepted", event.draft.warning))
        at += 1
    if not call.answered.done():
        call.answered.set_result(verdicts)
