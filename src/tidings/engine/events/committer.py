"""Group commit: one transaction at a time, with whatever waits when it begins.

Events, outcomes, requests for due retries and refused events go into the same transaction. While
one is under way the next one gathers. Outcomes alone wait a moment for company, events never do.
The batch is closed before the registry's version is read: matching happens here, at the close, and
a batch that the store finds outdated is matched again.

When the store refuses, callers are told (StoreDown), outcomes are kept and tried again, and nothing
more is sent (`halted`) until a commit has succeeded. What was refused may have been written all the
same (a lost answer): after that commit the lanes look at the store again (`look_again`).

While deliveries of accepted events are owed, each commit makes a slice of them.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import structlog

from tidings.core.webhooks.registry import Registry
from tidings.engine.events.commit_commands import CommitCommands, Plan
from tidings.engine.events.intake import Draft, Overloaded, Verdict
from tidings.store import port

BATCH_EVENTS_MAX = 1000
BATCH_BYTES_MAX = 8 << 20
SETTLE_COMPANY_S = 0.006
SETTLE_ALONE_AT = 128
CROWD = 8  # events in a commit that say that many callers are there
GATHER_S = 0.002  # among many callers the next commit waits this long: fewer, larger ones
REJECTIONS_MAX = 1000
RETRY_STORE_S = 0.25
CHANGE_S = 0.001  # between looks at whether a change of the registry has arrived

log = structlog.get_logger("tidings.committer")


class Prepared(msgspec.Struct):
    """A draft with what the commit adds to it."""

    draft: Draft
    digest: bytes
    terms: bytes
    key: int | None  # hash of the ordering key
    name: str  # as it is kept: with what else it is heard as


class Call(msgspec.Struct):
    """The events of one call, which are answered together."""

    events: list[Prepared]
    answered: asyncio.Future[list[Verdict]]
    since_s: float
    bytes: int


Handover = Callable[[port.Receipt, list[Prepared], list[Sequence[port.NewDelivery]]], None]
DIFFERS = "The event id is known with other bytes; the first ones stay."


class Committer:
    """Owns what waits for the store, and the loop that writes it."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        match: Callable[[Prepared], Sequence[port.NewDelivery]],
        handover: Handover,
        settled: Callable[[Sequence[port.Settled], port.Receipt], None],
        waiting_bytes_max: int,
        waiting_s_max: float,
        deliveries_max: int = port.DELIVERIES_MAX,
        per_event_max: int = port.PER_EVENT_MAX,
        fan_out_rows: int = port.FAN_OUT_ROWS,
    ) -> None:
        self._store = store
        self._registry = registry
        self._match = match
        self._handover = handover
        self._on_settled = settled
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting_s_max = waiting_s_max
        self._deliveries_max = deliveries_max
        self._per_event_max = per_event_max
        self._fan_out_rows = fan_out_rows
        self.owed = 0  # deliveries of accepted events that are not made yet
        self._owing = True  # whether there may be some; a former owner may have left them
        self.fan_out_failure = ""
        # Set once by whoever composes: some commit may have been written without a receipt. It is
        # told of which webhooks due retries were asked for.
        self.look_again: Callable[[set[int]], None] = lambda _: None
        self._doubted: set[int] | None = None
        self._held_back = False
        self._calls: list[Call] = []
        self._waiting_bytes = 0
        self._settled: list[port.Settled] = []
        self._takes: dict[int, int] = {}
        self._rejections: list[port.NewRejection] = []
        self._commands = CommitCommands()
        self._wake = asyncio.Event()
        self._company: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy_since_s: float | None = None
        self.halted = False
        self.failure = ""

    # -- what waits -------------------------------------------------------------------------------

    def add(self, events: list[Prepared]) -> asyncio.Future[list[Verdict]]:
        """Wait for a call's commit. Overloaded when too much waits, or for too long."""
        size = sum(len(event.draft.body) for event in events)
        now = self._loop.time()
        if self._waiting_bytes and self._waiting_bytes + size > self._waiting_bytes_max:
            raise Overloaded("too many bytes wait for their commit")
        if self._calls and now - self._calls[0].since_s > self._waiting_s_max:
            raise Overloaded("commits take too long")
        if self.halted:
            raise port.StoreDown(self.failure)
        answered: asyncio.Future[list[Verdict]] = self._loop.create_future()
        self._calls.append(Call(events, answered, now, size))
        self._waiting_bytes += size
        self._idle.clear()
        self._wake.set()
        return answered

    def settle(self, settled: port.Settled) -> None:
        """Write an outcome with the next commit; what frees the next of a key does not wait."""
        self._settled.append(settled)
        self._idle.clear()
        if settled.key is not None or len(self._settled) >= SETTLE_ALONE_AT:
            self._wake.set()
        elif self._company is None:
            self._company = self._loop.call_later(SETTLE_COMPANY_S, self._wake.set)

    def take(self, webhook: int, limit: int) -> None:
        """Ask for due retries with the next commit; the receipt brings them."""
        self._takes[webhook] = limit
        self._idle.clear()
        self._wake.set()

    def slice(self, plan: Plan) -> asyncio.Future[port.Replayed]:
        """Make a slice of a replay with the next commit. StoreDown: it was not made."""
        if self.halted:
            raise port.StoreDown(self.failure)
        self._idle.clear()
        self._wake.set()
        return self._commands.slice(plan)

    def cancel(self, slice: port.CancelSlice) -> asyncio.Future[port.Cancelled]:
        """Cancel deliveries with the next commit. StoreDown: they were not."""
        if self.halted:
            raise port.StoreDown(self.failure)
        self._idle.clear()
        self._wake.set()
        return self._commands.cancel(slice)

    def note_rejections(self, rejections: Sequence[port.NewRejection]) -> None:
        """Keep refused events with the next commit; beyond the bound the newest are let go."""
        self._rejections += rejections[: max(0, REJECTIONS_MAX - len(self._rejections))]
        self._idle.clear()
        self._wake.set()

    @property
    def unwritten(self) -> int:
        """Outcomes that are not on stable storage yet."""
        return len(self._settled)

    def stuck_s(self) -> float:
        """How long the commit under way has taken, in seconds; 0 when none is."""
        return 0.0 if self._busy_since_s is None else self._loop.time() - self._busy_since_s

    async def drained(self) -> None:
        """Until nothing waits."""
        await self._idle.wait()

    # -- the loop ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write until cancelled."""
        self._idle.clear()
        self._wake.set()  # to learn what a former owner has left owed
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._company is not None:
                self._company.cancel()
                self._company = None
            while self._has_work() or self.halted:
                self._busy_since_s = self._loop.time()
                events = await self._commit_once()
                self._busy_since_s = None
                if events >= CROWD:
                    await asyncio.sleep(GATHER_S)
                if self.halted:
                    await asyncio.sleep(RETRY_STORE_S)
            self._idle.set()

    def _has_work(self) -> bool:
        waiting = self._calls or self._settled or self._takes or self._rejections or self._commands
        return bool(waiting or self._slice_rows())

    def _slice_rows(self) -> int:
        return self._fan_out_rows if self._owing and not self._held_back else 0

    def leave_owed(self) -> None:
        """Make no more of what is owed: the next owner does."""
        self._held_back = True

    def _close_calls(self) -> list[Call]:
        events = size = at = 0
        for call in self._calls:
            at += 1
            events += len(call.events)
            size += call.bytes
            if events >= BATCH_EVENTS_MAX or size >= BATCH_BYTES_MAX:
                break
        calls, self._calls = self._calls[:at], self._calls[at:]
        self._waiting_bytes -= size
        return calls

    async def _commit_once(self) -> int:
        calls = self._close_calls()
        events = [event for call in calls for event in call.events]
        settled, self._settled = self._settled, []
        takes, self._takes = self._takes, {}
        rejections, self._rejections = self._rejections, []
        commands, self._commands = self._commands, CommitCommands()
        try:
            matched, receipt = await self._write(
                events, settled, [port.Take(*take) for take in takes.items()], rejections, commands
            )
        except port.StoreDown as down:
            self._doubt(takes)
            commands.refuse(down)
            self._refused(down, calls, settled, takes, rejections)
            return 0
        except Exception as error:
            self._doubt(takes)
            if self._slice_rows() and not await self._sliced():
                commands.refuse(port.StoreDown(f"not written: {error}"))
                self._put_back(calls, settled, takes, rejections)
                return 0
            if commands:  # the others go on without them
                alone = not (calls or settled or takes or rejections)
                commands.refuse(error if alone else port.StoreDown(f"not written: {error}"))
                self._put_back(calls, settled, takes, rejections)
                return 0
            # Not the disk: something in this batch. One bad row must not refuse the others.
            await self._commit_apart(error, calls, settled, takes, rejections)
            return 0
        self.halted = False
        self.owed = receipt.owed
        self._owing = receipt.owed > 0
        self._handover(receipt, events, matched)
        self._on_settled(settled, receipt)
        commands.answer(receipt)
        _answer(calls, receipt)
        if self._doubted is not None:
            doubted, self._doubted = self._doubted, None
            self.look_again(doubted)
        return len(events)

    async def _write(
        self,
        events: list[Prepared],
        settled: Sequence[port.Settled],
        takes: Sequence[port.Take],
        rejections: Sequence[port.NewRejection],
        commands: CommitCommands,
    ) -> tuple[list[Sequence[port.NewDelivery]], port.Receipt]:
        while True:
            matched = [self._match(event) for event in events]
            rows = [_row(event, found) for event, found in zip(events, matched, strict=True)]
            version = self._registry.version
            receipt = await self._store.commit(
                port.Batch(
                    version,
                    rows,
                    settled,
                    takes,
                    rejections,
                    *commands.planned(),
                    self._deliveries_max,
                    self._per_event_max,
                    self._slice_rows(),
                )
            )
            if not receipt.moved:
                return matched, receipt
            # The change that outdated us was answered by the same store; let it be applied here.
            while self._registry.version == version:
                await asyncio.sleep(CHANGE_S)

    def _doubt(self, takes: dict[int, int]) -> None:
        self._doubted = (self._doubted or set()) | takes.keys()
        self._owing = True

    async def _sliced(self) -> bool:
        """Make a slice of what is owed by itself. False: that is what the store cannot write."""
        try:
            _, receipt = await self._write([], (), (), (), CommitCommands())
        except port.StoreDown:
            return False  # met again by the next commit
        except Exception as error:
            self.fan_out_failure, self._held_back = str(error), True
            return False
        self._handover(receipt, [], [])
        return True

    def _refused(
        self,
        down: port.StoreDown,
        calls: list[Call],
        settled: list[port.Settled],
        takes: dict[int, int],
        rejections: list[port.NewRejection],
    ) -> None:
        self.halted, self.failure = True, str(down)
        for call in calls:
            if not call.answered.done():
                call.answered.set_exception(port.StoreDown(str(down)))
        self._put_back([], settled, takes, rejections)

    def _put_back(
        self,
        calls: list[Call],
        settled: list[port.Settled],
        takes: dict[int, int],
        rejections: list[port.NewRejection],
    ) -> None:
        self._calls = calls + self._calls
        self._waiting_bytes += sum(call.bytes for call in calls)
        self._settled = settled + self._settled
        self._takes = takes | self._takes
        self._rejections = (rejections + self._rejections)[:REJECTIONS_MAX]

    async def _commit_apart(
        self,
        error: Exception,
        calls: list[Call],
        settled: list[port.Settled],
        takes: dict[int, int],
        rejections: list[port.NewRejection],
    ) -> None:
        kinds = [bool(calls), bool(settled), bool(takes), bool(rejections)]
        if kinds == [True, False, False, False] and len(calls) == 1:
            if not calls[0].answered.done():
                calls[0].answered.set_exception(
                    port.StoreDown(f"the event cannot be kept: {error}")
                )
            return
        if kinds == [False, True, False, False] and len(settled) == 1:
            raise error  # an outcome that cannot be written is a fault of ours: stop loudly
        if kinds == [False, False, False, True]:
            if len(rejections) == 1:  # nobody waits for it, and nothing was promised of it
                log.error("a refused event cannot be kept", reason=str(error))
                return
            half = len(rejections) // 2
            await self._commit_alone([], [], rejections[:half])
            await self._commit_alone([], [], rejections[half:])
            return
        for call in calls:
            await self._commit_alone([call], [], [])
        for one in settled:
            await self._commit_alone([], [one], [])
        if rejections:
            await self._commit_alone([], [], rejections)
        self._takes = takes | self._takes

    async def _commit_alone(
        self,
        calls: list[Call],
        settled: list[port.Settled],
        rejections: list[port.NewRejection],
    ) -> None:
        """Commit these with nothing beside them that could fail for them."""
        held = self._calls, self._settled, self._takes, self._rejections
        self._calls, self._settled, self._takes, self._rejections = calls, settled, {}, rejections
        self._waiting_bytes += sum(call.bytes for call in calls)
        await self._commit_once()
        self._calls = self._calls + held[0]
        self._settled = held[1] + self._settled
        self._takes = held[2] | self._takes
        self._rejections = (held[3] + self._rejections)[:REJECTIONS_MAX]


def _row(event: Prepared, deliveries: Sequence[port.NewDelivery]) -> port.NewEvent:
    draft = event.draft
    return port.NewEvent(
        draft.org,
        event.name,
        draft.event_id,
        event.digest,
        draft.body,
        event.terms,
        draft.warning,
        deliveries,
    )


_ACCEPTED = Verdict("accepted")
_DUPLICATE = Verdict("duplicate")


def _answer(calls: list[Call], receipt: port.Receipt) -> None:
    at = 0
    seqs, differing = receipt.seqs, set(receipt.differing)
    for call in calls:
        verdicts = []
        for event in call.events:
            if not seqs[at]:
                verdicts.append(Verdict("duplicate", DIFFERS) if at in differing else _DUPLICATE)
            elif event.draft.warning is None:
                verdicts.append(_ACCEPTED)
            else:
                verdicts.append(Verdict("accepted", event.draft.warning))
            at += 1
        if not call.answered.done():
            call.answered.set_result(verdicts)
