"""One run: producers, owners who change webhooks, crashes and faults, then eight healed days.

The invariants are those of the delivery core, by number and name, each asserted at one place:

1 accepted is readable · 2 no phantom · 3 bytes as accepted · 4 one event per id · 5/6 deliveries =
what matched · 7 written moves only · 8 attempt numbers · 9 intent first · 11 delivered means a 2xx
· 12 none after a settled 2xx · 13 duplicates are explained · 14 a refusing store sends nothing · 20
not before due · 21 not after the window · 24 durations · 25 every delivery ends · 26 with healthy
receivers everything arrives · 28 caps · 32 order per key · 36 nothing starts after an answered end
· 37 signatures · 38 one webhook-id · 47 a stop ends in time
· 48 retries send the same bytes, first attempts and replays what the webhook asks for
· 49 possibly sent is only what was sent
· 50 a settled 410 disables

Others are with their witnesses; the table of all is in the package's docstring.
"""

import asyncio
import json
import random
from collections import Counter
from typing import Any

from tests.core.shaping.signatures.signing import default_signer
from tests.ports import Unhashed, at_once, ports
from tests.simulation.loop import ends_run, fail
from tests.simulation.parts import (
    EPOCH_MS,
    REST_SLICE_S,
    Disk,
    Faults,
    Network,
    Noted,
    Request,
    SimulatedAddresses,
    SimulatedClock,
    SimulatedShaper,
    SimulatedStore,
    catalogue_of,
)
from tests.simulation.witness import REFUSALS, Witness
from tidings.compose import App, build
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId, message_id, replayed_id
from tidings.engine.engine import Engine, EngineLimits
from tidings.engine.events.intake import Draft, Overloaded
from tidings.engine.options import EngineOptions
from tidings.engine.webhooks.webhooks import UnknownWebhook, Webhooks
from tidings.ports import Ports
from tidings.store.port import StoreDown
from tidings.store.sql.delivery.recovery import AT_REST
from tidings.store.sql.facts.leaps import LATER

ORG = OrgId(7)
DEADLINE_S = 5
DRAIN_S = 8.0
LATE_S = 900  # the longest pause of a breaker, and a while to work off what has waited
SHAPED = {"key": "k"}
NAMES = catalogue_of("a", "b")
# What was sent is let go with a success, also where that came after the end of its delivery: if it
# is asked for again, it is made anew.
RECORDED = (
    "SELECT number FROM attempt WHERE delivery = ?"
    " AND (status NOT BETWEEN 200 AND 299 OR kind NOT IN ('lost', 'ours', 'transform'))"
)


class Known:
    """A webhook as the world has made it."""

    def __init__(self, receiver: int, ordering: str, cap: int) -> None:
        self.receiver = receiver
        self.org = ORG
        self.ordering = ordering
        self.cap = cap
        self.id = WebhookId("")
        self.number = 0
        self.secret = b""
        self.since_s = float("inf")  # when its creation was answered
        self.ending_s = float("inf")  # when its end was asked for
        self.ended_s = float("inf")  # when its end was answered
        self.idle_from_s = float("inf")  # set inactive at some time: events may not match
        self.enabled_again = False  # by its owner, after it was disabled
        self.keys: set[str] | None = None  # of the events that its filter lets through


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop) -> None:
        self.rng = random.Random(seed)
        self.loop = loop
        self.clock = SimulatedClock()
        self.faults = Faults()
        self.disk = Disk(self.clock)
        self.noted = Noted()
        self.guessed: set[tuple[int, int]] = set()  # attempts marked when the notes were gone too
        # Of deliveries that were not, because their webhooks were at rest: how often.
        self.unmarked: Counter[int] = Counter()
        self.network = Network(self.faults, random.Random(seed + 1))
        self.network.before_send = ends_run(self.check_send)
        self.network.org_of = lambda receiver: self.known[receiver].org
        self.known: dict[int, Known] = {}
        self.accepted: dict[str, tuple[bytes, float, float]] = {}  # id: bytes, asked, answered
        self.submitted: dict[str, set[bytes]] = {}
        self.ever_gone: set[int] = set()  # receivers that have said 410 at some time
        self.crashes = 0
        self.slots = 0  # of the process; 0: drawn at each start
        self.taken_back: dict[int, float] = {}  # deliveries that a person cancels: when answered
        self.arrived_before: Counter[int] = Counter()  # tries by hand of what had arrived already
        self.disk.on_revival = self.revived
        self.parts: App
        self.engine: Engine
        self.webhooks: Webhooks
        self.store: SimulatedStore
        self.own: set[asyncio.Task[Any]] = set()
        self.per_event_max: int | None = None  # of the engine; drawn at each start where not set

    # -- lives of the engine ----------------------------------------------------------------------

    def dates(self) -> Any:
        """The clock of one life of the engine."""
        return self.clock

    def given(self, ports: Ports) -> Ports:
        """What one life of the engine works over."""
        return ports

    async def start(self) -> None:
        rng = self.rng
        self.network.peak = 0
        self.network.process_cap = self.slots or rng.choice((5, 50, 1000))
        self.store = SimulatedStore(self.disk, self.faults, random.Random(rng.random()))
        given = ports(
            store=self.store,
            clock=self.dates(),
            sender=self.network,
            catalogue=NAMES,
            rng=random.Random(rng.random()),
            random_bytes=rng.randbytes,
            passwords=Unhashed(),
            passed_s=self.loop.time,
            addresses=SimulatedAddresses(),
            shaping=SimulatedShaper(self.faults, random.Random(rng.random())),
            in_flight=self.noted,
        )
        self.parts = build(
            self.given(given),
            EngineOptions(
                limits=EngineLimits(
                    window_bytes_max=rng.choice((400, 4_000, 1 << 20)),
                    in_flight_max=self.network.process_cap,
                    drain_s=DRAIN_S,
                    deliveries_max=rng.choice((2, 5, 10_000)),
                    per_event_max=rng.choice((0, 1, 2, 250))
                    if self.per_event_max is None
                    else self.per_event_max,
                    fan_out_rows=rng.choice((1, 3, 250)),
                ),
                rest_slice_s=REST_SLICE_S,
            ),
        )
        self.parts.notices.notices.tell = self.tell  # type: ignore[method-assign]
        self.engine, self.webhooks = self.parts.delivery.engine, self.parts.webhooks
        errors = self.parts.delivery.destination._errors  # those of the whole engine
        errors.note = self.unforeseen  # type: ignore[method-assign]
        self.witness = Witness(self.engine, self.disk.ask, self.clock.now_ms)
        await self.parts.load(at_once)
        await self.parts.delivery.stops.load()
        await self.loaded()
        await self.disable_owed()
        self.check_gone()
        known, guesses = self.lost(), self.noted.left() is None
        if guesses:
            at_rest = {number for (number,) in self.disk.ask(AT_REST)}
            deliveries = self.disk.ask("SELECT id, webhook FROM delivery")
            self.unmarked.update(id for id, webhook in deliveries if webhook in at_rest)
        await self.engine.start()
        if guesses:
            self.guessed |= self.lost() - known
        self.webhooks.resume()

    def unforeseen(self, error: BaseException, step: object, kind: str = "") -> None:
        """An error that a guard of the engine has caught: in this world nothing makes any."""
        fail(error)

    async def loaded(self) -> None:
        """What is stored has been taken up, and nothing works yet."""

    def tell(self, kind: str, org: int, fact: Any, done: Any = None) -> None:
        """What orgs are told of themselves is no part of this world."""

    async def disable_owed(self) -> None:
        """As a start does that is tried again until the disk takes it."""
        while True:
            try:
                return await self.webhooks.disable_owed()
            except StoreDown:
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """The process is gone at once: no task of it runs on, and its store hears nothing more."""
        self.crashes += 1
        self.store.dead = True
        if self.rng.random() < 0.2:
            self.noted.lose()
        self.engine.dispatcher.stopping = True
        await self.end_process()

    async def end_process(self) -> None:
        """End all tasks that the process has, and what would begin them anew a second later."""
        for part in list(self.parts.base.supervisor._tasks):
            part.cancel()
        while theirs := asyncio.all_tasks() - self.own - {asyncio.current_task()}:
            in_order = sorted(theirs, key=hash)  # see `SimulatedTask`
            for task in in_order:
                task.cancel()
            await asyncio.gather(*in_order, return_exceptions=True)

    async def stop(self) -> None:
        began = self.loop.time()
        written = await self.engine.stop()
        await self.webhooks.close()
        took = self.loop.time() - began
        assert took <= DRAIN_S + 6, ("47 a stop ends in time", took)
        assert not self.network.parallel.total(), "47 a stop leaves no attempt behind"
        if written:
            self.disk.half.recovery.stopped_cleanly()
        self.store.dead = True

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task = self.loop.create_task(work)
        self.own.add(task)
        task.add_done_callback(self.own.discard)
        return task

    # -- what people do ---------------------------------------------------------------------------

    async def create_webhook(
        self, org: int = ORG, ordering: str | None = None, *, may_filter: bool = True
    ) -> None:
        rng = self.rng
        receiver = len(self.known)
        drawn = rng.choice(("none", "none", "key", "strict"))
        known = Known(receiver, ordering or drawn, rng.choice((1, 3)))
        known.org = OrgId(org)
        self.known[receiver] = known
        body = {
            "name": f"hook {receiver}",
            "active": True,
            "eventNames": rng.choice((["a"], ["a", "b"])),
            "webHookType": "HTTP",
            "webHookUrl": f"https://sim.example/{receiver}",
            "methodType": "POST",
            "webHookHeaders": {},
            "maxAllowedConnections": known.cap,
            "ordering": known.ordering,
            "deadlineInSeconds": DEADLINE_S,
            "rename": rng.choice((SHAPED, {})),
        }
        if rng.random() < 0.3 and may_filter:
            known.keys = {"k0", "k2"}
            body["filter"] = {"path": "data.key", "in": sorted(known.keys)}
        try:
            record, secret, _ = await self.webhooks.create(OrgId(org), body, "sim")
        except StoreDown:
            del self.known[receiver]
            return
        known.id, known.number, known.secret = record.webhook.id, record.webhook.number, secret
        known.event_names = record.webhook.event_names  # type: ignore[attr-defined]
        known.since_s = self.loop.time()

    async def end_webhook(self, known: Known) -> None:
        if not known.id or known.ending_s < float("inf"):
            return
        known.ending_s = self.loop.time()
        try:
            await self.webhooks.delete(ORG, known.id, "sim")
            known.ended_s = self.loop.time()
        except (StoreDown, UnknownWebhook):
            pass

    async def reshape_webhook(self, known: Known) -> None:
        """What is sent first from now on is shaped, or is not; retries stay as they were."""
        try:
            rename = self.rng.choice((SHAPED, {}))
            await self.webhooks.replace(ORG, known.id, {"rename": rename}, "sim")
        except (StoreDown, UnknownWebhook):
            pass

    async def pause_webhook(self, known: Known) -> None:
        """Inactive for a while: what waits is kept, and nothing new matches meanwhile."""
        if not known.id or known.ending_s < float("inf"):
            return
        known.idle_from_s = min(known.idle_from_s, self.loop.time())
        record = self.webhooks.get(ORG, known.id)
        try:
            await self.webhooks.set_status(record.webhook.number, WebhookStatus.PAUSED, "sim")
            await asyncio.sleep(self.rng.random() * 3)
            await self.webhooks.set_status(record.webhook.number, WebhookStatus.ACTIVE, None)
        except (StoreDown, UnknownWebhook):
            pass

    async def resume_paused(self) -> None:
        """What a crash has left paused goes on."""
        for record in self.webhooks.list(ORG):
            if record.webhook.status is WebhookStatus.PAUSED:
                await self.webhooks.set_status(record.webhook.number, WebhookStatus.ACTIVE, None)

    async def produce(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(self.rng.random() * 0.02)
            await self.post([self.draft() for _ in range(self.rng.choice((1, 1, 1, 4)))])

    def draft(self) -> Draft:
        rng = self.rng
        again = self.submitted and rng.random() < 0.1
        known = self.repeatable() if again else []
        event_id = rng.choice(known) if known else f"ev-{len(self.submitted)}"
        key = f"k{rng.randrange(4)}"
        name = rng.choice("ab")
        data = f'"data":{{"key":"{key}"}}'
        body = f'{{"id":"{event_id}","key":"{key}",{data},"n":{rng.randrange(2)}}}'.encode()
        self.submitted.setdefault(event_id, set()).add(body)
        return Draft(ORG, name, event_id, body, {"data": {"key": key}, "eventName": name})

    def repeatable(self) -> list[str]:
        """Ids that a producer may give again."""
        return sorted(self.submitted)

    async def post(self, drafts: list[Draft]) -> None:
        asked = self.loop.time()
        try:
            verdicts = await self.parts.events.acceptor.accept(drafts)
        except (StoreDown, Overloaded):
            return
        for draft, verdict in zip(drafts, verdicts, strict=True):
            if verdict.status == "accepted":
                assert draft.event_id not in self.accepted, "4 one event per id"
                self.accepted[draft.event_id] = (draft.body, asked, self.loop.time())
                self.check_readable(draft)
            else:
                assert self.stored(draft.event_id), "4 a duplicate names a stored event"

    # -- invariants while it runs -----------------------------------------------------------------

    def lost(self) -> set[tuple[int, int]]:
        """Attempts of which it is said that they were possibly sent."""
        rows = self.disk.ask("SELECT delivery, number FROM attempt WHERE kind = 'lost'")
        return {(delivery, number) for delivery, number in rows}

    def stored(self, event_id: str) -> list[tuple[Any, ...]]:
        return self.disk.ask(
            "SELECT b.bytes, e.seq FROM event e LEFT JOIN body b ON b.seq = e.seq WHERE e.id = ?",
            event_id,
        )

    def check_readable(self, draft: Draft) -> None:
        [(body, _)] = self.stored(draft.event_id)
        assert body == draft.body, "1, 3 accepted is readable, bytes as accepted"

    def revived(self, delivery: int) -> None:
        """A person has another try made of what had ended: whoever cancelled it is overruled."""
        self.taken_back.pop(delivery, None)
        self.witness.promised.pop(delivery, None)  # it had ended: no automatic try is due
        self.arrived_before[delivery] += bool(self.network.said_2xx[delivery])

    def check_send(self, request: Request) -> None:
        """Called by the network before a request is on the wire."""
        now_ms = self.clock.now_ms()
        assert not self.engine.commits.halted, "14 a refusing store sends nothing"
        row = self.disk.ask(
            f"SELECT d.state, d.attempts, d.webhook, d.key, coalesce(r.at_ms, e.at_ms) + {LATER},"
            " e.org, e.id,"
            " CASE WHEN r.again THEN r.replay END, d.due_ms"
            " FROM delivery d JOIN event e ON e.seq = d.event"
            " LEFT JOIN delivery_replay r ON r.delivery = d.id WHERE d.id = ?",
            request.delivery,
        )
        assert row, "9 intent first: the delivery is stored before it is sent"
        state, attempts, webhook, key, at_ms, org, event_id, again, due_ms = row[0]
        known = self.known[request.webhook]
        if state in (State.PENDING, State.WAITING):
            assert request.attempt == attempts + 1, "8 attempt numbers"
            assert state == State.PENDING or due_ms is None, "20 what waits is taken when it is due"
        elif state == State.RETRYING:
            assert request.attempt == attempts, "9 intent first: the retry is written down"
            assert due_ms is None, "20 a retry is sent once it has been taken, and not before"
        else:
            late = known.ending_s < float("inf") or request.webhook in self.ever_gone
            late = late or bool(
                self.disk.ask("SELECT 1 FROM delivery_cancel WHERE delivery = ?", request.delivery)
            )
            assert late, ("12 none after a final state", State(state))
            ended_s = min(known.ended_s, self.taken_back.get(request.delivery, float("inf")))
            assert self.loop.time() <= ended_s, "36 nothing starts after an answered end"
        self.check_shaped(request, event_id, attempts)
        assert now_ms <= at_ms + (WINDOW_S + DEADLINE_S) * 1000, "21 not after the window"
        id = message_id(org, event_id)
        id = id if again is None else replayed_id(id, again)
        assert request.message_id == id, "38 one webhook-id"
        if known.secret:
            made = default_signer((known.secret,)).sign(
                request.message_id, int(request.headers["webhook-timestamp"]), request.body
            )
            assert made == request.headers["webhook-signature"], "37 signatures"
        if key is not None and state in (State.PENDING, State.RETRYING, State.WAITING):
            self.check_order(request.delivery, webhook, key)

    def check_order(self, delivery: int, webhook: int, key: int) -> None:
        """32: those of its key that came first have ended, but for one that a person had tried
        again while this one was under way."""
        before = self.disk.ask(
            "SELECT id, state FROM delivery WHERE webhook = ? AND key = ? AND id < ?"
            " AND state NOT IN (3, 4, 5, 6)",
            webhook,
            key,
            delivery,
        )
        may = self.disk.may_go_first
        first = [id for id, at in before if at != State.HELD or not may(id, delivery)]
        assert not first, ("32 order per key", delivery, first)

    def check_shaped(self, request: Request, event_id: str, attempts: int) -> None:
        """48: what nothing was sent of before is sent as its webhook asks now; a replay, too."""
        if attempts and self.disk.ask(RECORDED, request.delivery):
            return  # it sends what they have sent: `check_bytes`
        record = self.webhooks.by_number(self.known[request.webhook].number)
        if record is None:
            return
        [(accepted, _)] = self.stored(event_id)
        assert accepted is not None, ("45 the payload of what is sent is kept", request.delivery)
        made = request.body.startswith(accepted[:-1] + b',"made":')
        assert made or record.webhook.plain, ("48 shaped as its webhook asks", request.delivery)
        assert made or request.body == accepted, "3, 48 bytes as accepted"

    # -- invariants at the end --------------------------------------------------------------------

    def check_events(self) -> None:
        for event_id, (body, _, _) in self.accepted.items():
            [(stored, _)] = self.stored(event_id)
            assert stored == body, "1 accepted is readable"
        for event_id, body in self.disk.ask(
            "SELECT e.id, b.bytes FROM event e JOIN body b ON b.seq = e.seq"
        ):
            assert body in self.submitted[event_id], "2 no phantom, 3 bytes as accepted"

    def check_matching(self) -> None:
        assert not self.disk.ask("SELECT 1 FROM fan_out"), "5 nothing stays owed"
        for event_id, (body, asked, answered) in self.accepted.items():
            key = json.loads(body)["data"]["key"]
            [(name,)] = self.disk.ask("SELECT name FROM event WHERE id = ?", event_id)
            found = [
                number
                for (number,) in self.disk.ask(
                    "SELECT d.webhook FROM delivery d JOIN event e ON e.seq = d.event"
                    " WHERE e.id = ? AND d.id NOT IN (SELECT delivery FROM delivery_replay)",
                    event_id,
                )
            ]
            assert len(found) == len(set(found)), "6 each webhook once"
            [(matched,)] = self.disk.ask("SELECT deliveries FROM event WHERE id = ?", event_id)
            assert len(found) == matched, "5, 6 as many as were recorded with it"
            for known in self.known.values():
                if not known.id:
                    continue
                wants = name in known.event_names  # type: ignore[attr-defined]
                wants = wants and (known.keys is None or key in known.keys)
                if not wants or known.ended_s < asked:
                    assert known.number not in found, "6 only what matched"
                elif known.since_s < asked and answered < known.ending_s:
                    assert known.number in found, "5, 6 what matched has a delivery"

    def check_gone(self) -> None:
        """50: no kill and no refused write forgets what an answer 410 has decided."""
        for (number,) in self.disk.ask(
            "SELECT DISTINCT webhook FROM delivery WHERE state = ? AND status = 410", State.FAILED
        ):
            [known] = [known for known in self.known.values() if known.number == number]
            record = self.webhooks.by_number(number)
            assert record is not None
            ended = record.webhook.status in (WebhookStatus.DISABLED, WebhookStatus.DELETED)
            held = known.idle_from_s < float("inf")  # paused by its owner: the next 410 disables
            assert ended or held or known.enabled_again, ("50 a settled 410 disables", number)

    def check_deliveries(self) -> None:
        ended = {
            known.number
            for known in self.known.values()
            if known.ending_s < float("inf") or known.receiver in self.ever_gone
        }
        for delivery, webhook, state, attempts in self.charged():
            assert State(state).final, ("25 every delivery ends", delivery, State(state))
            said = self.network.said_2xx[delivery]
            if state == State.DELIVERED:
                assert said, "11 delivered means a 2xx"
                assert any(request.attempt <= attempts for request in said)
            elif state in (State.PARKED, State.CANCELLED):
                if self.disk.ask("SELECT 1 FROM delivery_cancel WHERE delivery = ?", delivery):
                    continue  # by a named actor
                assert webhook in ended, ("25 parked or cancelled by its webhook's end", webhook)
        assert not self.disk.ask("SELECT 1 FROM delivery WHERE duration_ms < 0"), "24 durations"

    def charged(self) -> list[tuple[Any, ...]]:
        """Every delivery: its number, webhook, state and attempts."""
        return self.disk.ask("SELECT id, webhook, state, attempts FROM delivery")

    def sent(self) -> list[Request]:
        """All that has left."""
        return self.network.requests

    def check_bytes(self, delivery: int, requests: list[Request]) -> None:
        """48: from the first recorded attempt on, every attempt sends the same bytes."""
        recorded = {number for (number,) in self.disk.ask(RECORDED, delivery)}
        first = next((i for i, request in enumerate(requests) if request.attempt in recorded), None)
        if first is not None:
            assert len({request.body for request in requests[first:]}) == 1, "48 the same bytes"
        [(state, kept)] = self.disk.ask(
            "SELECT d.state, s.bytes FROM delivery d LEFT JOIN sent s ON s.delivery = d.id"
            " WHERE d.id = ?",
            delivery,
        )
        assert kept is None or state != State.DELIVERED, "48 delivered: what was sent is let go"
        if kept is not None:
            assert kept in {request.body for request in requests}, "48 what is kept was sent"

    def check_requests(self) -> None:
        by_delivery: dict[int, list[Request]] = {}
        for request in self.network.requests:
            by_delivery.setdefault(request.delivery, []).append(request)
        lost = dict(
            self.disk.ask("SELECT delivery, count(*) FROM attempt WHERE kind = 'lost' GROUP BY 1")
        )
        for delivery, requests in by_delivery.items():
            numbers = [request.attempt for request in requests]
            # What was under way when its webhook came to rest is not marked where the machine was
            # lost then, and has its number again.
            repeated = len(numbers) - len({*numbers})
            rise = numbers == sorted(numbers) and repeated <= self.unmarked[delivery]
            assert rise, ("8 attempt numbers rise", delivery, numbers)
            answered = [request for request in self.network.said_2xx[delivery]]
            excess = len(answered) - 1
            resets = self.disk.ask(
                "SELECT count(*) FROM attempt WHERE delivery = ? AND kind = 'reset'", delivery
            )[0][0]
            again = self.arrived_before[delivery]  # though it was cancelled or parked meanwhile
            explained = excess <= lost.get(delivery, 0) + resets + again + self.unmarked[delivery]
            assert explained, ("13 duplicates are explained", delivery)
            self.check_bytes(delivery, requests)
        sent = {(request.delivery, request.attempt) for request in self.sent()}
        never = self.lost() - self.guessed - sent
        assert not never, ("49 possibly sent is only what was sent", never)
        for receiver, most in self.network.most.items():
            assert most <= self.known[receiver].cap, "28 the webhook's cap"

    def check_healed(self) -> None:
        """After healing: nothing waits that was due long ago, and no slot is held by nobody."""
        late_ms = self.clock.now_ms() - LATE_S * 1000
        living = [known.number for known in self.known.values() if known.ending_s == float("inf")]
        marks = ",".join("?" * len(living))
        late = self.disk.ask(
            f"SELECT id FROM delivery WHERE webhook IN ({marks})"
            " AND (state = 0 OR state = 2 AND coalesce(due_ms, 0) < ?)",
            *living,
            late_ms,
        )
        assert not late, ("27 the oldest due age is small again", late)
        assert not self.engine.dispatcher.attempts_running, "29 no slot is held without an attempt"

    def check_arrived(self, unfinished: set[int]) -> None:
        """26: what was unfinished when everything was healed has been delivered."""
        ended = {
            known.number
            for known in self.known.values()
            if known.ending_s < float("inf") or known.receiver in self.ever_gone
        }
        for delivery in unfinished:
            [(webhook, state)] = self.disk.ask(
                "SELECT webhook, state FROM delivery WHERE id = ?", delivery
            )
            taken_back = self.disk.ask("SELECT 1 FROM delivery_cancel WHERE delivery = ?", delivery)
            arrived = state == State.DELIVERED or taken_back or webhook in ended
            assert arrived, ("26 with healthy receivers everything arrives", delivery, State(state))

    def unfinished(self) -> set[int]:
        """Deliveries that are not final. One whose receiver has refused it for good is, although
        its answer may still be on the way to the store."""
        refused = {request.delivery for request in self.sent() if request.said in REFUSALS}
        not_final = self.disk.ask("SELECT id FROM delivery WHERE state NOT IN (3, 4, 5, 6)")
        return {int(id) for (id,) in not_final} - refused


__all__ = ["EPOCH_MS", "World"]
