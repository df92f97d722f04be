"""Events that are checked apart: what they become, and where nobody can say."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.engine.audit.kept_log import UnkeptLog
from tidings.catalogue import SchemaViolation, envelope, load
from tidings.core.events.call_items import RejectedEvent, UncheckedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.events.own_schema import SchemaRefused, read_schema
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.changes import Changes
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.intake import Draft, Overloaded
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.store.port import StoredType
from tidings.transform.port import CheckBy, RenderLater, RenderRefused

ORG = OrgId(7)

SCHEMA: dict[str, Any] = {"additionalProperties": {"anyOf": [{"enum": [1.5] * 20}] * 2}}
EVENT = msgspec.json.encode({"eventName": "orderPacked", "data": {"a": "x" * 20_000}})


class Checker:
    """Says what it is told to say."""

    def __init__(self, answer: Sequence[SchemaViolation] | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[CheckBy, bytes, int]] = []

    async def check_event(self, kind: CheckBy, event: bytes, org: int) -> Sequence[SchemaViolation]:
        self.asked.append((kind, event, org))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(**rules: Any) -> Any:
    made = OwnType("orderPacked", 1, Declaration("Packed.", SCHEMA), envelope())
    reader = CallReader(
        Draft, load(), lambda org: IntakeRules(**rules), lambda: "id-1", DEFAULT_LIMITS,
        lambda org, name: {1: made},
    )  # fmt: skip
    return reader.read(b"application/json", {}, EVENT, AuthenticatedCaller(ORG), None, 5)


async def conclude(
    answer: Sequence[SchemaViolation] | Exception, **rules: Any
) -> Draft | RejectedEvent:
    items = read(**rules)
    assert isinstance(items[0], UncheckedEvent)
    checker = Checker(answer)
    (item,) = await concluded(items, LateChecks(checker))
    assert checker.asked == [
        (CheckBy("orderPacked", 1, {"description": "Packed.", "schema": SCHEMA}), EVENT, 7)
    ]
    return item


async def test_what_fits_becomes_what_it_would_have_become_at_once() -> None:
    item = await conclude([])
    assert isinstance(item, Draft)
    assert (item.org, item.name, item.event_id, item.warning) == (7, "orderPacked", "id-1", None)
    assert msgspec.json.decode(item.body) == msgspec.json.decode(EVENT) | {
        "eventId": "id-1", "orgId": 7, "createdAt": 5,
    }  # fmt: skip
    assert item.original == EVENT and item.event["orgId"] == 7


async def test_what_misfits_is_refused_or_kept_with_a_warning() -> None:
    wrong = [SchemaViolation("data.a", "less", "more", "data.a must be less; got more.")]
    refused = await conclude(wrong)
    assert isinstance(refused, RejectedEvent)
    assert (refused.code, refused.path) == ("schema", "data.a")
    kept = await conclude(wrong, validation="lenient")
    assert isinstance(kept, Draft) and kept.warning is not None
    assert kept.warning.startswith("data.a must be less;")


async def test_what_takes_too_much_is_answered_in_the_same_way() -> None:
    refused = await conclude(RenderRefused("It takes too much."))
    assert isinstance(refused, RejectedEvent) and refused.message.startswith("It takes too much.")
    assert isinstance(await conclude(RenderRefused("Too much."), validation="lenient"), Draft)


async def test_where_nobody_can_say_nothing_is_promised() -> None:
    with pytest.raises(Overloaded):
        await conclude(RenderLater("It has ended.", 5.0))
    with pytest.raises(Overloaded):
        await concluded(read(), None)


def test_an_org_that_does_not_check_waits_for_nobody() -> None:
    (item,) = read(validation="off")
    assert isinstance(item, Draft)


def stored(schema: dict[str, Any]) -> StoredType:
    return StoredType(ORG, "orderPacked", 1, msgspec.json.encode(Declaration("Packed.", schema)))


@pytest.mark.parametrize(
    ("schema", "passes"),
    [
        ({"properties": {"a": {"anyOf": [{"pattern": "(x{200}){90}"}] * 16}}}, False),
        ({"properties": {f"f{i}": {"x-search": True} for i in range(300)}}, True),
        ({"$ref": "#/$defs/gone"}, True),
    ],
)
def test_a_start_takes_schemas_that_would_not_be_saved_today(
    schema: dict[str, Any], passes: bool
) -> None:
    """None of their events is lost: checked here, checked apart, or let through."""
    with pytest.raises(SchemaRefused):
        read_schema(schema)
    store: Any = None
    types = EventTypes(
        catalogue=load(), envelope=envelope(), store=store, changes=Changes(store, Registry()),
        audit=UnkeptLog(), below=lambda org: [], users=lambda org, name: [],
    )  # fmt: skip
    types.load([stored(schema)])
    versions = types.own(ORG, "orderPacked")
    assert versions is not None and types.names(ORG)["orderPacked"] == 1
    raw = msgspec.json.encode({"eventName": "orderPacked", "data": {"a": "y"}})
    assert versions[1].fits_loop(raw) is passes
    if passes:
        assert versions[1].check(msgspec.json.decode(raw)) == []


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
async def test_where_a_schema_cannot_be_compiled_events_are_checked_apart(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(made: OwnType) -> Any:
        raise error

    monkeypatch.setattr(OwnType, "compile", fail)
    monkeypatch.setattr(OwnType, "is_cold", property(lambda made: True))
    checker = Checker([])
    made = OwnType("orderPacked", 1, Declaration("Packed.", SCHEMA), envelope())
    late = LateChecks(checker)
    found = await asyncio.gather(*(late.problems(ORG, made, EVENT) for _ in range(3)))
    assert found == [[], [], []] and len(checker.asked) == 3
