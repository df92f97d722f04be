"""The memory of own types: bounded for each org and for all, and what is compiled gives way."""

import asyncio
import gc
import tracemalloc
from typing import Any

import msgspec
import pytest

from tests.engine.audit.kept_log import UnkeptLog
from tidings.catalogue import SchemaViolation, envelope, load
from tidings.core.events import own_types
from tidings.core.events.own_schema import read_schema
from tidings.core.events.own_types import Declaration, OwnType
from tidings.core.events.own_validator import CompiledSchemas
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.changes import Changes
from tidings.engine.events import event_types as rules
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.late_checks import LateChecks
from tidings.errors import Invalid
from tidings.store.port import StoredType

A, B = OrgId(1), OrgId(2)
BIG: dict[str, Any] = {
    "type": "object",
    "properties": {f"field_{number:05}": {"maxLength": 20} for number in range(1500)},
}
SMALL: dict[str, Any] = {"properties": {"a": {"type": "string"}}}


class Store:
    """Keeps nothing."""

    async def put_type(self, stored: StoredType) -> tuple[StoredType, int]:
        return stored, 1

    async def delete_type(self, org: OrgId, name: str) -> int:
        return 1


class Checker:
    """Finds nothing wrong, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    async def check_event(self, kind: Any, event: bytes, org: int = 0) -> list[SchemaViolation]:
        self.asked += 1
        return []


def all_types() -> EventTypes:
    store: Any = Store()
    return EventTypes(
        catalogue=load(), envelope=envelope(), store=store, changes=Changes(store, Registry()),
        audit=UnkeptLog(), below=lambda org: [], users=lambda org, name: [],
    )  # fmt: skip


def body(schema: dict[str, Any] = BIG, **more: Any) -> dict[str, Any]:
    return {"description": "It happens.", "schema": schema} | more


def held(types: EventTypes, org: OrgId) -> int:
    return types._held.held_by(org)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a few types reach."""
    monkeypatch.setattr(rules, "ORG_BYTES_MAX", 4 << 20)
    monkeypatch.setattr(rules, "PROCESS_BYTES_MAX", 9 << 20)


@pytest.mark.parametrize("versions", [False, True], ids=["types", "versions"])
async def test_the_types_of_an_org_are_bounded_in_bytes(little: None, versions: bool) -> None:
    types = all_types()
    made = 0
    with pytest.raises(Invalid) as refused:
        for number in range(100):
            schema = {**BIG, "required": [f"field_{number:05}"]} if versions else BIG
            name = "big" if versions else f"big{number}"
            more = {"newVersion": True} if versions and number else {}
            await types.put(A, name, body(schema, **more))
            made += 1
    assert refused.value.refusals[0].code == "types_too_large"
    assert 2 <= made <= 8 and held(types, A) <= 4 << 20
    await types.put(A, "small", body(SMALL))
    await types.put(A, "big" if versions else "big1", body(SMALL, newVersion=True))
    await types.delete(A, "big" if versions else "big0")
    await types.put(A, "again", body(BIG))


async def test_what_an_org_declares_leaves_room_for_others(little: None) -> None:
    types = all_types()
    for org in (A, B, OrgId(3), OrgId(4)):
        await types.put(org, "first", body(BIG))
        with pytest.raises(Invalid):
            for number in range(100):
                await types.put(org, f"big{number}", body(BIG))
        await types.put(OrgId(100 + org), "small", body(SMALL))


async def test_what_was_stored_before_is_read_whatever_it_takes(little: None) -> None:
    types = all_types()
    stored = [
        StoredType(A, f"big{number}", 1, msgspec.json.encode(Declaration("It.", BIG)), 0, 0)
        for number in range(30)
    ]
    types.load(stored)
    assert len(types.records(A)) == 30 and held(types, A) > 4 << 20
    with pytest.raises(Invalid):
        await types.put(A, "more", body(BIG))
    types.load(stored[:1])
    assert len(types.records(A)) == 1 and held(types, A) < 2 << 20


def test_the_figure_is_no_less_than_what_a_type_keeps() -> None:
    for schema in (BIG, SMALL, LISTS, REFERENCES, PATTERNS, WORDS):
        raw = msgspec.json.encode(Declaration("It happens.", schema))
        gc.collect()
        tracemalloc.start()
        kept = []
        for _ in range(5):
            declaration = msgspec.json.decode(raw, type=Declaration)
            kept.append(
                OwnType(
                    "big",
                    1,
                    declaration,
                    envelope(),
                    read_schema(declaration.schema),
                )  # fmt: skip
            )
        gc.collect()
        each = tracemalloc.get_traced_memory()[0] / 5
        tracemalloc.stop()
        assert each <= kept[0].size.held_bytes <= 12 * each, (each, kept[0].size)


def compiled(kinds: list[OwnType]) -> list[OwnType]:
    return [kind for kind in kinds if kind._validator is not None]


def test_an_org_that_uses_many_schemas_gives_up_none_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_types, "_kept", CompiledSchemas(600_000))
    event = {"eventName": "orderPacked", "orgId": 1, "data": {"a": "x"}}

    def kinds(org: OrgId, count: int) -> list[OwnType]:
        of = Declaration("It happens.", SMALL)
        return [OwnType("orderPacked", 1, of, envelope(), None, org) for _ in range(count)]

    own, others = kinds(A, 3), kinds(B, 200)
    for kind in own:
        assert kind.check(event) == []
    for kind in others:
        assert kind.check(event) == []
    assert compiled(own) == own
    assert 3 < len(compiled(others)) < 60
    assert own_types._kept.bytes <= 600_000
    used = compiled(others)[0]
    for kind in others[:-1]:
        assert used.check(event) == [] and kind.check(event) == []
    assert used in compiled(others), "what is used stays"
    for kind in others:
        kind.forget()
    assert own_types._kept.bytes < 200_000


async def test_a_dear_schema_is_compiled_off_the_loop_once_a_second_for_an_org() -> None:
    checker: Any = Checker()
    late = LateChecks(checker)

    def cold(org: OrgId) -> OwnType:
        kind = OwnType("big", 1, Declaration("It happens.", BIG), envelope(), None, org)
        assert kind.is_cold and not kind.fits_loop(raw)
        return kind

    event = {"eventName": "big", "orgId": 1, "createdAt": 1, "eventId": "1", "data": {}}
    raw = msgspec.json.encode(event)
    wrong = msgspec.json.encode(event | {"data": {"field_00001": "x" * 30}})
    own, second, other = cold(A), cold(A), cold(B)
    found = await asyncio.gather(*(late.problems(A, own, body) for body in (raw, wrong, raw)))
    assert [len(problems) for problems in found] == [0, 1, 0] and checker.asked == 0
    assert not own.is_cold and own.fits_loop(raw) and own.light > 0
    assert await late.problems(A, second, raw) == [] and checker.asked == 1
    assert second.is_cold, "it is not this org's turn: its events are checked apart"
    assert await late.problems(B, other, raw) == [] and checker.asked == 1
    assert not other.is_cold
    own.forget()
    assert own.is_cold and own.light == -1 and not own.fits_loop(raw)


WORDS: dict[str, Any] = {
    "properties": {f"f{number}": {"description": "y" * 900} for number in range(60)}
}
LISTS: dict[str, Any] = {
    "properties": {
        f"f{number}": {"enum": [f"v{value}-{number}" for value in range(150)]}
        for number in range(40)
    }
}
PATTERNS: dict[str, Any] = {
    "properties": {f"field_{n}": {"pattern": f"^[a-z]{{1,20}}{n}$"} for n in range(150)}
}
REFERENCES: dict[str, Any] = {
    "$defs": {"a": {"properties": {f"p{n}": {"type": ["string", "null"]} for n in range(60)}}},
    "properties": {f"f{n}": {"$ref": "#/$defs/a"} for n in range(31)},
}
