"""Actions in a world that breaks: what they wait for, need and may do, stated once more.

54 an act is done once for each delivery, unless an attempt may have been it · 55 not before it is
due, not in quiet hours, and no more often than its cap says · 56 what is not to be done is
cancelled, for the reason that is stated, and only then.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.simulation.loop import ends_run
from tests.simulation.parts import EPOCH_MS, Faults, Request
from tidings.core.actions.action import (
    Action,
    ActionLookup,
    Cap,
    CsvLookup,
    HttpCall,
    PathValue,
    Quiet,
    Unless,
)
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import (
    AttemptResult,
    Ending,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.states import State
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.webhooks.webhook import Ordering, Webhook
from tidings.destinations.http.verdicts import judge
from tidings.destinations.port import Headers, Message, MessagePreview
from tidings.lookups.port import LookupDown
from tidings.store import port

HOUR_S, DAY_S = 3600.0, 86_400.0
CUSTOMER = "event.data.key"
ZONES = {"k0": "UTC", "k1": "Asia/Kolkata", "k2": "America/New_York", "k3": "Pacific/Auckland"}
OPENS, CLOSES = 8 * 60, 21 * 60  # minutes of a customer's day in which acts may be done
AFTER_S = 2 * HOUR_S
SLACK_S = 10.0  # from when an act is judged until it is done
OUT = "The customer has opted out."
MAIL, SURVEY = "mail", "survey"
UNDELIVERED = (State.FAILED, State.PARKED, State.CANCELLED)
CAPS = {MAIL: Cap(2, DAY_S, CUSTOMER), SURVEY: Cap(1, 3 * DAY_S, CUSTOMER)}


def _actions() -> dict[str, Action]:
    act = {"": HttpCall("POST", "https://sim.example/act", {}, json=PathValue("event.data"))}
    rules: dict[str, Any] = {
        "lookups": (ActionLookup("contact", CsvLookup("/contacts.csv", "id", CUSTOMER)),),
        "unless": (Unless(compile_filter({"path": "contact.out", "eq": "yes"}), OUT),),
        "quiet": Quiet(CLOSES, OPENS, "contact.zone", "UTC"),
    }
    mail = Action(MAIL, ("a", "b"), act, cap=CAPS[MAIL], ordering=Ordering.KEY, **rules)
    survey = Action(SURVEY, ("a", "b"), act, needs=MAIL, after_s=AFTER_S, cap=CAPS[SURVEY], **rules)
    return {MAIL: mail, SURVEY: survey}


ACTIONS = _actions()


def is_open(customer: str, at_s: float) -> bool:
    """Whether a customer may be disturbed then, by the clock on the customer's wall."""
    zone = ZoneInfo(ZONES[customer])
    there = datetime.fromtimestamp(EPOCH_MS / 1000 + at_s, UTC).astimezone(zone)
    return OPENS <= there.hour * 60 + there.minute < CLOSES


class Contacts:
    """`lookups.port.Source`: what is known of customers; now and then it is down."""

    def __init__(self, faults: Faults, rng: random.Random, now_s: Callable[[], float]) -> None:
        self._faults = faults
        self._rng = rng
        self._now_s = now_s
        self.out_s: dict[str, float] = {}  # since when customers have opted out

    def opt_out(self, customer: str) -> None:
        """From now on nothing is done for the customer."""
        self.out_s.setdefault(customer, self._now_s())

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        await asyncio.sleep(self._rng.random() * 0.01)
        if self._rng.random() < self._faults.failing / 3:
            raise LookupDown("The contacts must answer; they do not. Look at them.")
        customer = str(values["by"])
        return {"zone": ZONES[customer], "out": "yes" if customer in self.out_s else "no"}

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        pass


class Done(NamedTuple):
    """An act that was done."""

    action: str
    delivery: int
    event: int
    customer: str
    at_s: float


Ask = Callable[..., list[tuple[Any, ...]]]
_DELIVERY = (
    "SELECT d.state, d.event, d.key, d.webhook, w.name, d.id IN (SELECT delivery FROM"
    " delivery_replay) FROM delivery d JOIN webhook w ON w.number = d.webhook WHERE d.id = ?"
)
_OF_EVENT = (
    "SELECT d.id, d.state FROM delivery d JOIN webhook w ON w.number = d.webhook"
    " WHERE d.event = ? AND w.name = ?"
)


class Doer:
    """`destinations.port.Driver` of actions: does them, fails, or loses the answer."""

    def __init__(
        self, faults: Faults, rng: random.Random, ask: Ask, said_2xx: dict[int, list[Request]]
    ) -> None:
        self.faults, self.rng, self.ask = faults, rng, ask
        self.contacts = Contacts(faults, rng, lambda: asyncio.get_running_loop().time())
        self.said_2xx = said_2xx
        self.requests: list[Request] = []
        self.done: list[Done] = []
        self.before_send: Callable[[Request], None] = lambda _: None
        self.check_order: Callable[[int, int, int], None] = lambda *_: None
        self.is_overruled: Callable[[int], bool] = lambda _: False  # revived after it had ended

    def open(self, webhook: Webhook, connection: Connection | None) -> "Doing":
        return Doing(self, webhook)

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return MessagePreview("DO", headers, body)

    # -- invariants -------------------------------------------------------------------------------

    @ends_run
    def check_act(self, request: Request, name: str) -> Done:
        """Each rule of the file, in the moment in which the act is done."""
        now_s = asyncio.get_running_loop().time()
        [(state, event, key, webhook, stored, replayed)] = self.ask(_DELIVERY, request.delivery)
        assert stored == name, "54 by its own action"
        if key is not None and state in (State.PENDING, State.RETRYING, State.WAITING):
            self.check_order(request.delivery, webhook, key)
        customer = self.customer_of(event)
        assert any(is_open(customer, now_s - earlier_s) for earlier_s in (0.0, SLACK_S)), (
            "55 not in quiet hours",
            customer,
            now_s,
        )
        out_s = self.contacts.out_s.get(customer, now_s)
        assert now_s <= out_s + SLACK_S, "56 nothing is done for who has opted out"
        if name == SURVEY:
            mailed_s = [
                done.at_s for done in self.done if (done.action, done.event) == (MAIL, event)
            ]
            assert mailed_s, "56 what it needs was done"
            due_s = min(mailed_s) + (0 if replayed else AFTER_S)
            assert now_s >= due_s - SLACK_S, ("55 not before it is due", now_s, due_s)
        cap = CAPS[name]
        others = {
            done.delivery
            for done in self.done
            if (done.action, done.customer) == (name, customer)
            and done.delivery != request.delivery
            and now_s - done.at_s < cap.within_s - SLACK_S
            and self.counts(done.delivery)
        }
        assert len(others) < cap.most, ("55 no more often than its cap says", name, others)
        return Done(name, request.delivery, event, customer, now_s)

    def counts(self, delivery: int) -> bool:
        """Whether what a delivery has done is counted: not where a person took it back."""
        rows = self.ask("SELECT state FROM delivery WHERE id = ?", delivery)
        return not self.is_overruled(delivery) and bool(rows) and rows[0][0] not in UNDELIVERED

    def customer_of(self, event: int) -> str:
        """For whom an event is."""
        [(customer,)] = self.ask(
            "SELECT json_extract(CAST(bytes AS TEXT), '$.data.key') FROM body WHERE seq = ?", event
        )
        return str(customer)

    def check_settled(self, settled: port.Settlement) -> None:
        """56: an act is cancelled for what is so."""
        evidence = settled.evidence
        if settled.state != State.CANCELLED or evidence is None:
            return
        [(_, event, _, _, name, _)] = self.ask(_DELIVERY, settled.delivery)
        why, customer = evidence.detail, self.customer_of(event)
        if why == OUT:
            assert customer in self.contacts.out_s, "56 who has not opted out is told"
        elif why.startswith(f"It needs {MAIL}, which"):
            mails: dict[int, int] = dict(self.ask(_OF_EVENT, event, MAIL))
            ended = not mails or State(mails[max(mails)]) in UNDELIVERED
            again = any(map(self.is_overruled, mails))  # between the look and this
            assert ended or again, ("56 what it needs", mails)
        else:
            assert "within the time of its cap" in why, ("56 a reason that is stated", why)
            unfinished = self.ask(
                "SELECT d.id FROM delivery d JOIN webhook w ON w.number = d.webhook"
                " JOIN body b ON b.seq = d.event WHERE w.name = ? AND d.state NOT IN (3, 4, 5, 6)"
                " AND json_extract(CAST(b.bytes AS TEXT), '$.data.key') = ?",
                *(name, customer),
            )
            done = [act for act in self.done if (act.action, act.customer) == (name, customer)]
            others = {id for (id,) in unfinished} | {act.delivery for act in done}
            others -= {settled.delivery}
            assert len(others) >= CAPS[name].most, ("56 its cap is used up", name, others)

    def check_end(self, lost: dict[int, int], again: Mapping[int, int]) -> None:
        """54, when everything has ended. `lost`: attempts that may have been it; `again`: tries
        that a person has made of what was done already."""
        for delivery, name, state in self.ask(
            "SELECT d.id, w.name, d.state FROM delivery d JOIN webhook w ON w.number = d.webhook"
            " WHERE w.name IN (?, ?)",
            *(MAIL, SURVEY),
        ):
            assert State(state).final, ("25 every act comes to its end", delivery, State(state))
            times = sum(done.delivery == delivery for done in self.done)
            if state == State.DELIVERED:
                assert times, ("54 what was done was done", delivery)
            may = 1 + lost.get(delivery, 0) + again[delivery]
            assert times <= may, ("54 an act is done once", name, delivery, times)


class Doing:
    """`destinations.port.Channel`."""

    def __init__(self, doer: Doer, webhook: Webhook) -> None:
        self._doer, self._webhook = doer, webhook

    async def send(self, message: Message) -> AttemptResult | None:
        doer, rng, loop = self._doer, self._doer.rng, asyncio.get_running_loop()
        await asyncio.sleep(rng.random() * 0.02)
        headers = message.headers_if_current([])
        if headers is None:
            return None
        started = loop.time()
        request = Request(-1, dict(headers), message.body, started)
        done = doer.check_act(request, self._webhook.name)
        doer.before_send(request)
        doer.requests.append(request)
        await asyncio.sleep(rng.random() * 0.02)
        took_ms = (loop.time() - started) * 1000
        ending: Ending
        if rng.random() < doer.faults.failing:
            status = rng.choice((429, 500, 503, 400))
            ending = ReceiverAnswer(status, (), b"no", False, took_ms)
        else:
            doer.done.append(done)
            request.said = 200
            doer.said_2xx[request.delivery].append(request)
            ending = ReceiverAnswer(200, (), b"", False, took_ms)
            if rng.random() < doer.faults.reply_lost:
                ending = TransportFault(FaultKind.RESET, True, "reset", took_ms)
        return judge(ending, self._webhook.retry, lambda: 0.0)

    def follow(self, webhook: Webhook) -> bool:
        self._webhook = webhook
        return True

    async def close(self) -> None:
        pass
