"""What the simulated engine is given instead of a disk, a network, a clock and a catalogue."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from tests.ports import TestAddresses
from tests.simulation.loop import ends_run
from tests.store.in_process import WRITES, operations
from tidings.catalogue import Catalogue, load
from tidings.core.delivery.exchange import Ending, FaultKind, ReceiverAnswer, TransportFault
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import MOVES, State
from tidings.core.ids import read_delivery
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves, ReceiverAddress
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.store import port
from tidings.store.sqlite.halves import WritingHalf

EPOCH_MS = 1_800_000_000_000
REST_SLICE_S = 3600.0  # days pass here, and nobody looks at signs of life
LEGAL = {(int(old), int(new)) for (old, _), new in MOVES.items() if not old.final}
ASKED = {(int(old), int(new)) for (old, _), new in MOVES.items() if old.final}


# Of another try: all that it may change comes first, and all that it may not behind that.
ROW = (
    "SELECT state, due_ms, attempts, event, webhook, version, key, status FROM delivery"
    " WHERE id = ?"
)
UNDER_WAY = (
    "SELECT p.id FROM delivery d JOIN delivery p ON p.webhook = d.webhook AND p.key = d.key"
    " WHERE d.id = ? AND p.id <> d.id AND p.state IN (0, 2, 7)"
)
OWED = "SELECT first, count FROM fan_out"
UNDELIVERED = {old for old, _ in ASKED}


class Revival(NamedTuple):
    """One more try, asked for by a person, of a delivery that had ended undelivered."""

    state: State  # in which it had ended
    ahead: frozenset[int]  # of its key, under way then
    owed: Sequence[range]  # numbers of deliveries that events were owed then


class SimulatedClock:
    """The wall clock, driven by the loop; `skew_ms` makes it jump."""

    def __init__(self) -> None:
        self.skew_ms = 0

    def now_ms(self) -> int:
        return EPOCH_MS + round(asyncio.get_running_loop().time() * 1000) + self.skew_ms


def catalogue_of(*names: str) -> Catalogue:
    """Types whose events have their key, and what they are found by, at `data.key`."""
    like = load().get("pointsIssued")
    assert like is not None
    plain = {"key_else": (), "aliases": (), "wire_names": (), "owner": None}
    paths = {"key": "data.key", "search_paths": ("data.key",)}
    return Catalogue([replace(like, name=name, **plain, **paths) for name in names])


class SimulatedAddresses(TestAddresses):
    """Receivers are paths of one host."""

    def target(self, url: str) -> ReceiverAddress:
        return ReceiverAddress("https", "sim.example", 443, "/" + url.rsplit("/", 1)[1])


class Faults:
    """How bad the world is at the moment."""

    def __init__(self) -> None:
        self.store_down = 0.0  # the share of commits that the disk refuses
        self.reply_lost = 0.0  # the share of answers that never come back although 2xx was said
        self.failing = 0.0  # the share of attempts that fail
        self.ours = 0.0  # the share of shapings that fail by a fault of our own
        self.slow_s = 0.01

    def heal(self) -> None:
        self.store_down = self.reply_lost = self.failing = self.ours = 0.0


class Disk:
    """The database that outlives every engine, and what it has seen happen to deliveries."""

    def __init__(self, clock: SimulatedClock, passed_s: Callable[[], float] | None = None) -> None:
        self.half = WritingHalf(":memory:", clock.now_ms, passed_s=passed_s)
        self.operations = operations(self.half)
        run = self.half.connection.execute
        # By functions, not into tables: what a trigger changes would count as the statement's.
        self.unanswered: list[asyncio.Future[None]] = []  # who waits is ended in order
        self._moved: list[tuple[int, int, int]] = []
        self.revivals: dict[int, list[Revival]] = {}  # by delivery, the first one first
        self.on_revival: Callable[[int], None] = lambda _: None
        self._asked: int | None = None  # the delivery for which a person asks another try just now
        self._dropped: list[tuple[int]] = []
        self._owed: list[tuple[int]] = []  # deliveries that went while they were unfinished
        self._taken: list[tuple[int, int]] = []
        for name, seen in (
            ("moved", self._moved),
            ("dropped", self._dropped),
            ("owed", self._owed),
            ("taken", self._taken),
        ):
            self.half.connection.create_scalar_function(
                name, lambda *fact, seen=seen: seen.append(fact)
            )
        run(
            "CREATE TEMP TRIGGER moves AFTER UPDATE OF state ON delivery"
            " WHEN old.state <> new.state"
            " BEGIN SELECT moved(old.id, old.state, new.state); END"
        )
        self._now_ms = self.half.clock_ms
        for table in ("body", "event"):
            run(
                f"CREATE TEMP TRIGGER drops_{table} AFTER DELETE ON {table}"
                " BEGIN SELECT dropped(old.seq); END"
            )
        run(
            "CREATE TEMP TRIGGER drops_delivery AFTER DELETE ON delivery"
            " WHEN old.state NOT IN (3, 4, 5, 6)"
            " BEGIN SELECT owed(old.id); END"
        )
        run(
            "CREATE TEMP TRIGGER takes AFTER UPDATE OF due_ms ON delivery"
            " WHEN old.due_ms NOT NULL AND new.due_ms IS NULL AND new.state IN (2, 7)"
            " BEGIN SELECT taken(old.id, old.due_ms); END"
        )

    def ask(self, query: str, *binding: Any) -> list[tuple[Any, ...]]:
        return self.half.connection.execute(query, binding).fetchall()

    def check_moves(self) -> None:
        """Invariant 7: states move along the written graph only; a final one only in the call by
        which a person asks for another try of that very delivery."""
        for delivery, old, new in _emptied(self._moved):
            asked = delivery == self._asked and (old, new) in ASKED
            legal = asked or (old, new) in LEGAL
            assert legal, ("7 written moves", delivery, State(old), State(new))

    def retry_now(self, delivery: int) -> port.ManualRetry:
        """Ask for another try, and look at all that it changes: of one delivery that has ended
        undelivered, that it is due now or goes next of its key; of one that waits, its time."""
        self.check_moves()
        before = self.ask(ROW, delivery)
        ahead = frozenset(id for (id,) in self.ask(UNDER_WAY, delivery))
        owed = [range(first, first + count) for first, count in self.ask(OWED)]
        self._asked = delivery
        try:
            asked: port.ManualRetry = self.operations["retry_now"](delivery)
            after, moved = self.ask(ROW, delivery), self._moved[:]
            self.check_moves()
        finally:
            self._asked = None
        assert {id for id, _, _ in moved} <= {delivery}, "7 another try moves one delivery"
        for (old, *was), (new, *now) in zip(before, after, strict=True):
            if old == State.DELIVERED:
                assert asked.outcome == "delivered", "7 what was delivered is not tried again"
            assert was[1:] == now[1:], "7 another try changes state and time alone"
            if (old, was) != (new, now):
                revived = old in UNDELIVERED and asked.outcome in ("due", "next")
                assert revived or (old == new and old in (State.RETRYING, State.WAITING)), (
                    "7 another try",
                    old,
                    new,
                )
            if old != new:
                held = new == State.HELD
                assert held or not ahead, ("32 another try goes beside one of its key", delivery)
                assert not held or ahead or owed, ("32 another try waits for nothing", delivery)
                revival = Revival(State(old), ahead, owed)
                self.revivals.setdefault(delivery, []).append(revival)
                self.on_revival(delivery)
        return asked

    def may_go_first(self, delivery: int, other: int) -> bool:
        """Whether one of its key was under way, or owed, when a person had a delivery tried again:
        such ones, and no others, go before it, whatever their numbers."""
        revival = self.revivals.get(delivery, [None])[-1]
        if revival is None:
            return False
        return other in revival.ahead or any(other in owed for owed in revival.owed)

    def check_takes(self) -> None:
        """Invariant 20: no retry is taken before it is due."""
        for delivery, due_ms in _emptied(self._taken):
            assert due_ms <= self._now_ms(), ("20 not before due", delivery)

    def check_kept(self) -> None:
        """Invariant 45: what is dropped is of no delivery that is not final, or that is owed."""
        assert not self._owed, ("45 retention drops no unfinished delivery", self._owed)
        for event in {event for (event,) in _emptied(self._dropped)}:
            unfinished = self.ask(
                "SELECT d.id FROM delivery d WHERE d.event = ? AND d.state NOT IN (3, 4, 5, 6)"
                " UNION ALL SELECT f.first FROM fan_out f WHERE f.event = ?",
                event,
                event,
            )
            assert not unfinished, ("45 retention drops no unfinished payload", unfinished)

    def check_attempt_numbers(self) -> None:
        """Invariant 8: the attempts of a delivery are 1, 2, 3 …, none above its count."""
        wrong = self.ask(
            "SELECT a.delivery FROM attempt a JOIN delivery d ON d.id = a.delivery"
            " WHERE a.number > d.attempts OR a.number < 1"
        )
        assert not wrong, wrong

    def check_owners(self) -> None:
        """Every unfinished delivery has a due time, a live owner, or a held predecessor."""
        orphans = self.ask(
            "SELECT d.id FROM delivery d WHERE d.state = 1 AND NOT EXISTS (SELECT 1 FROM delivery p"
            " WHERE p.webhook = d.webhook AND p.key = d.key"
            " AND p.state NOT IN (3, 4, 5, 6) AND p.id < d.id)"
            " AND NOT EXISTS (SELECT 1 FROM fan_out f WHERE f.first < d.id)"
        )
        for (delivery,) in orphans:  # those that a person has tried again: who goes first is kept
            under_way = {id for (id,) in self.ask(UNDER_WAY, delivery)}
            first = [other for other in under_way if self.may_go_first(delivery, other)]
            assert first and len(first) == len(under_way), ("an owner", delivery, under_way)
        beside = self.ask(
            "SELECT webhook, key, count(*) FROM delivery WHERE key NOT NULL AND state IN (0, 2, 7)"
            " GROUP BY webhook, key HAVING count(*) > 1"
        )
        assert not beside, ("32 one of a key at a time", beside)


def _emptied(facts: list[Any]) -> list[Any]:
    """What has been seen since the last time."""
    if not facts:
        return facts
    seen = facts[:]
    facts.clear()
    return seen


class Stopwatch:
    """What the store looks at to give way in time: by the seed, and not by the machine, some
    milliseconds pass from one look to the next."""

    LOOK_S = 0.008  # at most
    CLOCKS = ("monotonic", "perf_counter")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._at_s = 0.0

    def __enter__(self) -> None:
        self._real = {name: getattr(time, name) for name in (*self.CLOCKS, "perf_counter_ns")}
        for name in self.CLOCKS:
            setattr(time, name, self._look)
        time.perf_counter_ns = lambda: int(self._look() * 1e9)

    def __exit__(self, *_: object) -> None:
        for name, clock in self._real.items():
            setattr(time, name, clock)

    def _look(self) -> float:
        self._at_s += self._rng.random() * self.LOOK_S
        return self._at_s


NEVER_REFUSED = frozenset({"retire"})  # it has its own cases: test_disabler.py


class SimulatedStore:
    """`port.Store` of one engine's life over the disk: in order, late, refusing, and mortal."""

    def __init__(self, disk: Disk, faults: Faults, rng: random.Random) -> None:
        self._disk = disk
        self._faults = faults
        self._rng = rng
        self._line = asyncio.Lock()
        self._stopwatch = Stopwatch(random.Random(rng.random()))
        self.dead = False
        # Whether a commit that was written is answered as if it was not.
        self.unsaid: Callable[[port.Batch, port.Receipt], bool] = lambda *_: False

    async def _do(self, work: Callable[[], Any], *, write: bool = False) -> Any:
        async with self._line:  # requests are served one by one, in order
            await asyncio.sleep(self._rng.random() * 0.004)
            if self.dead:
                never = asyncio.get_running_loop().create_future()  # nobody answers any more
                self._disk.unanswered.append(never)
                await never
            if write and self._rng.random() < self._faults.store_down:
                raise port.StoreDown("the simulated disk is full")
            result = self._checked(work)
        await asyncio.sleep(self._rng.random() * 0.002)  # the answer may be overtaken
        return result

    @ends_run
    def _checked(self, work: Callable[[], Any]) -> Any:
        with self._stopwatch:
            result = work()
        self._disk.check_moves()
        self._disk.check_takes()
        self._disk.check_kept()
        return result

    def commit(self, batch: port.Batch) -> Coroutine[Any, Any, port.Receipt]:
        def write() -> port.Receipt:
            receipt = self._disk.half.commit(batch)
            if self._rng.random() < self._faults.store_down or self.unsaid(batch, receipt):
                raise port.StoreDown("written, but the simulated disk has not said so")
            return receipt

        return self._do(write, write=True)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = self._disk.operations[name]  # KeyError: the port has no such method
        if name == "retry_now":
            function = self._disk.retry_now
        refused = name in WRITES and name not in NEVER_REFUSED

        def ask(*given: Any) -> Coroutine[Any, Any, Any]:
            audit = port.take_audit() if name in WRITES else None
            if audit is None:
                return self._do(lambda: function(*given), write=refused)
            half = self._disk.half
            return self._do(lambda: half.record(audit, lambda: function(*given)), write=refused)

        return ask


class Noted:
    """What had left when a process was killed; gone with the machine now and then."""

    def __init__(self) -> None:
        self._left: set[tuple[int, int]] | None = set()

    def lose(self) -> None:
        """The machine is gone, not only the process."""
        self._left = None

    def left(self) -> list[tuple[int, int]] | None:
        return None if self._left is None else sorted(self._left)

    def begin(self) -> None:
        self._left = set()

    def note(self, delivery: int, attempt: int) -> None:
        assert self._left is not None
        self._left.add((delivery, attempt))

    def forget(self, delivery: int, attempt: int) -> None:
        assert self._left is not None
        self._left.discard((delivery, attempt))


class SimulatedShaper:
    """Makes other bytes at each asking, late, and sometimes none."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self._faults = faults
        self._rng = rng
        self._made = 0

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        rng, failing = self._rng, self._faults.failing
        if rng.random() < 0.5:
            await asyncio.sleep(rng.random() * self._faults.slow_s)
        if rng.random() < max(failing / 3, self._faults.ours):
            raise ShapeLater("The platform did not answer.", rng.random() * 20)
        if rng.random() < failing / 10:
            raise ShapeRefused("It takes too many steps.")
        self._made += 1
        return job.body[:-1] + b',"made":%d}' % self._made


class Request:
    """What the network saw."""

    def __init__(self, webhook: int, headers: dict[str, str], body: bytes, at_s: float) -> None:
        self.webhook = webhook
        self.delivery = read_delivery(headers["tidings-delivery"]) or 0
        self.attempt = int(headers["tidings-attempt"])
        self.message_id = headers["webhook-id"]
        self.headers = headers
        self.body = body
        self.at_s = at_s
        self.said: int | None = None  # the status that the receiver gave, even if it got lost


class ReceiverLimit:
    """So many requests in each second, by a receiver's own clock."""

    def __init__(self, per_s: int) -> None:
        self.per_s = per_s
        self._second = 0
        self._admitted = 0

    def admits(self, now_s: float) -> bool:
        """Count a request, if there is room for it in this second."""
        if int(now_s) != self._second:
            self._second, self._admitted = int(now_s), 0
        self._admitted += 1
        return self._admitted <= self.per_s


SLOW_TO_CONNECT = 0.2  # of all requests


class Network:
    """Receivers that answer, fail, hang and lose answers; every request is kept and checked."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self._faults = faults
        self._rng = rng
        self.requests: list[Request] = []
        self.parallel: Counter[int] = Counter()
        self.org_of: Callable[[int], int] = lambda _: 0
        self.most: Counter[int] = Counter()
        self.said_2xx: defaultdict[int, list[Request]] = defaultdict(list)
        self.gone: set[int] = set()  # webhooks whose receiver says 410
        self.broken: set[int] = set()  # webhooks whose receiver never succeeds
        self.limits: dict[int, ReceiverLimit] = {}  # of webhooks whose receiver has one
        self.process_cap = 0
        self.peak = 0
        self.before_send: Callable[[Request], None] = lambda _: None

    def faults_of(self, webhook: int) -> Faults:
        """How bad the world is for this webhook."""
        return self._faults

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool
    ) -> "SimulatedOutlet":
        return SimulatedOutlet(self, int(target.path[1:]))

    async def connect(self, webhook: int) -> None:
        """Some connections take as long as answers do, and what is decided meanwhile must hold."""
        if self._rng.random() < SLOW_TO_CONNECT:
            await asyncio.sleep(self._rng.random() * self.faults_of(webhook).slow_s)

    async def exchange(self, request: Request, started: float, deadline_s: float) -> Ending:
        webhook, rng, faults = request.webhook, self._rng, self.faults_of(request.webhook)
        self.before_send(request)
        self.requests.append(request)
        self.parallel[webhook] += 1
        self.most[webhook] = max(self.most[webhook], self.parallel[webhook])
        self.check_caps(webhook)
        try:
            left_s = max(0.0, deadline_s - self._since(started) / 1000)  # connecting took some
            slow_s = rng.random() * faults.slow_s
            await asyncio.sleep(min(slow_s, left_s))
            if slow_s > left_s:
                return TransportFault(FaultKind.TIMEOUT, True, "silent", self._since(started))
            limit = self.limits.get(webhook)
            if webhook in self.gone:
                request.said = 410
            elif webhook in self.broken:
                return TransportFault(FaultKind.REFUSED, False, "refused", self._since(started))
            elif limit is not None and not limit.admits(asyncio.get_running_loop().time()):
                request.said = 429
            elif rng.random() < faults.failing:
                return await self._fail(request, deadline_s, started)
            else:
                request.said = rng.choice((200, 200, 201, 204))
                self.said_2xx[request.delivery].append(request)
                if rng.random() < faults.reply_lost:
                    return TransportFault(FaultKind.RESET, True, "reset", self._since(started))
            return ReceiverAnswer(request.said, (), b"", False, self._since(started))
        finally:
            self.parallel[webhook] -= 1
            self.check_slot(started, deadline_s)

    @ends_run
    def check_slot(self, started: float, deadline_s: float) -> None:
        """Invariant 29: no attempt takes longer than its deadline."""
        took_s = asyncio.get_running_loop().time() - started
        assert took_s <= deadline_s + 0.001, "29 a slot is held no longer than its deadline"

    @ends_run
    def check_caps(self, webhook: int) -> None:
        """Invariant 28, of the process and of the org; the webhook's is checked at the end."""
        self.peak = max(self.peak, self.parallel.total())
        assert self.peak <= self.process_cap, "28 the process's cap"
        org = self.org_of(webhook)
        theirs = sum(n for number, n in self.parallel.items() if self.org_of(number) == org)
        assert theirs <= max(1, self.process_cap // 2), "28 an org's cap: half of the process's"

    async def _fail(self, request: Request, deadline_s: float, started: float) -> Ending:
        how = self._rng.randrange(7)
        if how == 0:
            await asyncio.sleep(max(0.0, deadline_s - self._since(started) / 1000))
            return TransportFault(FaultKind.TIMEOUT, True, "silent", self._since(started))
        if how == 1:
            return TransportFault(FaultKind.REFUSED, False, "refused", self._since(started))
        if how == 2:
            return TransportFault(FaultKind.STALE, False, "stale", self._since(started))
        if how == 3:
            request.said = 400
        else:
            request.said = self._rng.choice((429, 500, 503, 302, 404))
        after = (("retry-after", str(self._rng.randrange(90))),) if how == 6 else ()
        return ReceiverAnswer(request.said, after, b"no", False, self._since(started))

    def _since(self, started: float) -> float:
        return (asyncio.get_running_loop().time() - started) * 1000


class SimulatedOutlet:
    """One webhook's way into the network."""

    def __init__(self, network: Network, webhook: int) -> None:
        self._network = network
        self._webhook = webhook

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        started = asyncio.get_running_loop().time()
        await self._network.connect(self._webhook)
        headers = leaves()
        if headers is None:
            return None
        now = asyncio.get_running_loop().time()
        return await self._network.exchange(
            Request(self._webhook, dict(headers), body, now), started, deadline_s
        )

    async def close(self) -> None:
        pass
