"""In each table that many fill, whoever fills most loses its own; see decision record 18."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.destinations.messages import hook
from tests.engine.types_by import TypesBy
from tidings.catalogue import load
from tidings.core.access.forwarded import block_of
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.delivery.outcome import Failed
from tidings.core.events.own_types import Declaration
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.webhooks.webhook_types import PULL
from tidings.egress import resolve
from tidings.egress.resolve import CaresResolver, NameAddresses
from tidings.engine.access import links
from tidings.engine.access.guards import key_guard, sign_in_guard, till_guard
from tidings.engine.access.guards.key_guard import KeyGuard
from tidings.engine.access.guards.sign_in_guard import SignInGuard
from tidings.engine.access.guards.till_guard import TillGuard
from tidings.engine.access.links import Links
from tidings.engine.actions import needs
from tidings.engine.actions.needs import Needs
from tidings.engine.delivery import failure_runs
from tidings.engine.delivery.failure_runs import FailureRuns
from tidings.engine.delivery.lanes import channels
from tidings.engine.delivery.lanes.channels import Channels
from tidings.engine.delivery.retries import manual_retries, open_drains
from tidings.engine.delivery.retries.manual_retries import PromisedRetries
from tidings.engine.delivery.retries.open_drains import Drain, OpenDrains
from tidings.engine.listeners import Listeners
from tidings.engine.shaping import cuts, enricher
from tidings.engine.shaping.cuts import PersonalCuts
from tidings.engine.shaping.enricher import Enricher
from tidings.errors import Unauthenticated
from tidings.store import port
from tidings.transform import renderer, sandbox, worker
from tidings.transform.port import CheckBy
from tidings.transform.renderer import ProcessRenderer
from tidings.transform.sandbox import Sandbox
from tidings.transform.worker import Checks

MANY = 500
QUIET, GREEDY = 1, 2  # an org, or a network


class Case(NamedTuple):
    """A table: who puts entries in, by owner and number, and what is there of an owner's."""

    put: Callable[[int, int], Any]
    has: Callable[[int, int], bool]


def address(owner: int, number: int) -> str:
    return f"10.{owner}.0.{number % 250}" if owner == QUIET else f"2001:db8:{number:x}::1"


def key_guard_case() -> Case:
    guard = KeyGuard()
    denied = Unauthenticated.because("a", "b.")
    return Case(
        lambda owner, number: guard.wrong(denied, address(owner, number), 0.0),
        lambda owner, number: block_of(address(owner, number)) in guard._places,
    )


def sign_in_case() -> Case:
    guard = SignInGuard()
    return Case(
        lambda owner, number: guard.enter(address(owner, number), f"{owner} {number}", 0.0),
        lambda owner, number: (
            f"account {owner} {number}" in guard._by_account
            and block_of(address(owner, number)) in guard._by_address
        ),
    )


def sign_in_known_case() -> Case:
    guard = SignInGuard()
    return Case(
        lambda owner, number: guard.know(address(owner, number), f"{owner} {number}"),
        lambda owner, number: f"{owner} {number}" in guard._known,
    )


def till_case() -> Case:
    guard = TillGuard()
    return Case(
        lambda owner, number: guard.was_wrong("a till", address(owner, number), 0.0),
        lambda owner, number: ("a till", block_of(address(owner, number))) in guard._tries,
    )


def links_case() -> Case:
    clock: Any = type("Clock", (), {"now_ms": lambda self: 0})()
    held = Links(Any, clock)  # type: ignore[arg-type]

    def digest(owner: int, number: int) -> bytes:
        return b"%d %d" % (owner, number)

    return Case(
        lambda owner, number: held._hold(
            port.OneTimeLink(digest(owner, number), "portal", "", OrgId(owner), "", 1000)
        ),
        lambda owner, number: digest(owner, number) in held._in_memory,
    )


def needs_case() -> Case:
    waiting = Needs(Any, lambda org, name: None, Listeners("a retry is due"))  # type: ignore[arg-type]
    return Case(
        lambda owner, number: waiting._note(
            OrgId(owner),
            DeliveryId(owner * 1000 + number),
            needs._WaitingDelivery(DeliveryId(1), 1),
        ),
        lambda owner, number: DeliveryId(owner * 1000 + number) in waiting._waiters,
    )


def retries_case() -> Case:
    promised = PromisedRetries()
    return Case(
        lambda owner, number: promised.make(OrgId(owner), DeliveryId(owner * 1000 + number), 1),
        lambda owner, number: owner * 1000 + number in promised._due_ms,
    )


def drains_case() -> Case:
    nobody: Any = SimpleNamespace(now_ms=lambda: 1)
    drains = OpenDrains(nobody)

    def end(owner: int, number: int) -> None:
        webhook = owner * 1000 + number
        drain = Drain(webhook=webhook, org=OrgId(owner), by="me", begun_ms=1)
        drains.begin(drain)
        drains.end(drain)

    return Case(end, lambda owner, number: drains.of(owner * 1000 + number) is not None)


def runs_case() -> Case:
    runs = FailureRuns(SimpleNamespace(now_ms=lambda: 1), SimpleNamespace(of=lambda _: None))  # type: ignore[arg-type]

    def fail(owner: int, number: int) -> None:
        webhook = hook("https://a.example", org=OrgId(owner), number=owner * 1000 + number)
        job: Any = SimpleNamespace(delivery=DeliveryId(1), attempt=1)
        runs.hear(webhook, job, ReceiverAnswer(503, (), b"", False, 1.0), Failed(exhausted=False))

    return Case(fail, lambda owner, number: runs.of(owner * 1000 + number) is not None)


def channels_case() -> Case:
    closed: list[Any] = []
    nobody: Any = None
    lanes: Any = SimpleNamespace(spawn=closed.append)
    kept = Channels(destination=nobody, lanes=lanes, errors=nobody)

    def put(owner: int, number: int) -> None:
        channel = type("Channel", (), {"close": lambda self: None})()
        webhook = msgspec.structs.replace(
            hook("pull:"), kind=PULL, number=owner * 1000 + number, org=OrgId(owner)
        )
        runner: Any = type("Runner", (), {"webhook": webhook, "channel": channel, "slots": set()})
        kept.keep_warm(runner)

    return Case(put, lambda owner, number: owner * 1000 + number in kept._warm)


def cuts_case() -> Case:
    catalogue = load()
    [kind] = (kind for kind in catalogue.kinds() if kind.label == "pointsIssued")
    kinds: dict[tuple[int, int], Any] = {}
    made = PersonalCuts(TypesBy(lambda org, event: kinds[org, int(event["eventName"])]))

    def put(owner: int, number: int) -> None:
        kinds[owner, number] = msgspec.structs.replace(kind, family="own")
        made.of(OrgId(owner), b'{"eventName":"%d"}' % number)

    return Case(put, lambda owner, number: id(kinds[owner, number]) in made._kept)


def plans_case() -> Case:
    [kind] = (kind for kind in load().kinds() if kind.label == "pointsIssued")
    store: Any = type("Reference", (), {"recall": None})()
    made = Enricher(types=TypesBy(lambda org, event: kind), reference=store)

    def webhook(owner: int, number: int) -> Any:
        return msgspec.structs.replace(
            hook("pull:"), number=owner * 1000 + number, org=OrgId(owner)
        )

    def has(owner: int, number: int) -> bool:
        return any(key[0] == owner * 1000 + number for key in made._plans)

    return Case(lambda owner, number: made._plan(webhook(owner, number), OrgId(owner), {}), has)


def resolver_case() -> Case:
    names = CaresResolver()

    def name(owner: int, number: int) -> str:
        return f"{number}.of.owner{owner}.example"

    return Case(
        lambda owner, number: names._keep(name(owner, number), NameAddresses((), 0.0), 0.0),
        lambda owner, number: name(owner, number) in names._known,
    )


def resting_case() -> Case:
    made = ProcessRenderer()

    def key(owner: int, number: int) -> bytes:
        return b"%d %d" % (owner, number)

    def put(owner: int, number: int) -> None:
        cause: Any = type("Cause", (), {"org": owner, "key": key(owner, number)})()
        made._killed(cause)

    return Case(put, lambda owner, number: key(owner, number) in made._resting)


def templates_case() -> Case:
    made = Sandbox()
    return Case(
        lambda owner, number: made.check(f"{{{{ {owner}{number:03} }}}}", owner),
        lambda owner, number: any(f"{owner}{number:03}" in key[1] for key in made._kept),
    )


def worker_types_case() -> Case:
    made = Checks()

    def described(owner: int, number: int) -> str:
        declared = msgspec.to_builtins(Declaration(f"Of {owner}, {number}.", {"type": "object"}))
        return msgspec.json.encode(CheckBy("orderPacked", 1, declared)).decode()

    return Case(
        lambda owner, number: made.check(described(owner, number), b"{}", owner),
        lambda owner, number: described(owner, number) in made._kept,
    )


TABLES: dict[str, tuple[Any, str, int, Callable[[], Case]]] = {
    "wrong keys": (key_guard, "KEPT_MAX", 40, key_guard_case),
    "tries to sign in": (sign_in_guard, "KEPT_MAX", 80, sign_in_case),
    "known places": (sign_in_guard, "KEPT_MAX", 40, sign_in_known_case),
    "wrong passwords of tills": (till_guard, "WATCHED_MAX", 40, till_case),
    "links": (links, "IN_MEMORY_MAX", 40, links_case),
    "needs": (needs, "NEEDED_MAX", 40, needs_case),
    "promised retries": (manual_retries, "PROMISED_MAX", 40, retries_case),
    "drains that are over": (open_drains, "KEPT_MAX", 40, drains_case),
    "runs of failures": (failure_runs, "KEPT_MAX", 40, runs_case),
    "kept connections": (channels, "OPEN_MAX", 40, channels_case),
    "cuts": (cuts, "PLACES_MAX", 6_000, cuts_case),
    "plans": (enricher, "PLANS_MAX", 40, plans_case),
    "names": (resolve, "NAMES_MAX", 40, resolver_case),
    "resting templates": (renderer, "RESTING_MAX", 40, resting_case),
    "compiled templates": (sandbox, "KEPT_CHARACTERS_MAX", 40 * 4096, templates_case),
    "types in the worker": (worker, "TYPES_BYTES_MAX", 40 * 9_000, worker_types_case),
}


@pytest.mark.parametrize("table", TABLES)
async def test_whoever_fills_most_loses_its_own_and_nobody_elses(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, bound, most, make = TABLES[table]
    monkeypatch.setattr(module, bound, most)
    case = make()
    for number in range(5):
        case.put(QUIET, number)
    for number in range(MANY):
        case.put(GREEDY, number)
    await asyncio.sleep(0)
    assert [number for number in range(5) if not case.has(QUIET, number)] == []
    kept = [number for number in range(MANY) if case.has(GREEDY, number)]
    assert 1 < len(kept) < 60 and kept[-1] == MANY - 1, "the newest of its own stay"
