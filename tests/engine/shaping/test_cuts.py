"""The cut in the shape step: which one an event gets, and that all behind it sees no more."""

import json
from typing import Any

import msgspec
import pytest

from tests.engine.shaping.shaper_parts import Adding, Kept, Quoting, hook, job
from tidings.catalogue import EventType, envelope, load
from tidings.catalogue.versions import pick
from tidings.core.events.own_types import OwnType, ParsedTypeBody, read_own_type
from tidings.core.ids import OrgId
from tidings.core.shaping.shape import Fields, shape_of
from tidings.core.webhooks.targets.mailing import Mailing
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping import cuts as module
from tidings.engine.shaping.cuts import PersonalCuts
from tidings.engine.shaping.shaper import Shaper

ORG = OrgId(7)
TEXT, PII = {"type": "string"}, {"type": "string", "x-pii": "name"}
BODY = (
    b'{"eventName":"packed","eventId":"e-1","orgId":7,"data":{"sku":"A","price":1.10,'
    b'"name":"sec-1","note":"sec-2","customerIdentifiers":{"customerId":5,"email":"sec-3"}}}'
)


def own(version: int = 1, **fields: Any) -> OwnType:
    schema = {"type": "object", "properties": fields}
    reading = read_own_type("packed", {"description": "x", "schema": schema}, envelope())
    assert isinstance(reading, ParsedTypeBody)
    return OwnType("packed", version, reading.declaration, envelope())


class Types:
    """The own types of org 7, by version, and the catalogue's."""

    def __init__(self, *types: OwnType) -> None:
        self.of_org = {own_type.version: own_type for own_type in types}

    def event_type_of(self, org: OrgId, event: dict[str, Any]) -> EventType | None:
        if event.get("eventName") == "packed" and org == ORG:
            return pick(self.of_org, event).kind
        return load().get(str(event.get("eventName")))


PACKED = Types(own(sku=TEXT, price={"type": "number"}, name=PII))


def without(**fields: Any) -> Webhook:
    return hook(without_personal_data=True, **fields)


async def shaped(webhook: Webhook, body: bytes = BODY, **parts: Any) -> bytes:
    cuts = PersonalCuts(PACKED)
    return await Shaper(cuts=cuts, **parts).shape(webhook, job(body))


async def test_what_is_declared_and_not_marked_is_sent_with_its_characters() -> None:
    assert await shaped(without()) == (
        b'{"eventName":"packed","eventId":"e-1","orgId":7,"data":{"sku":"A","price":1.10,'
        b'"customerIdentifiers":{"customerId":5}}}'
    )
    assert b"sec-1" in await shaped(hook())


async def test_a_shaper_that_knows_no_types_sends_the_envelope() -> None:
    made = json.loads(await Shaper().shape(without(), job(BODY)))
    assert made["data"] == {"customerIdentifiers": {"customerId": 5}} and made["eventId"] == "e-1"


async def test_what_enrichment_adds_is_cut_too() -> None:
    """Its tier is not in the schema."""
    assert b"gold" in await shaped(hook(), enricher=Adding())
    assert b"gold" not in await shaped(without(), enricher=Adding())


async def test_selection_and_names_bring_nothing_back() -> None:
    fields = Fields(keep=("data.name", "data.note", "data.sku", "data.customerIdentifiers"))
    shape = shape_of(fields, {"data.note": "text", "data.sku": "name"})
    made = json.loads(await shaped(without(shape=shape)))
    assert made["data"] == {"name": "A", "customerIdentifiers": {"customerId": 5}}


async def test_a_transformation_sees_the_cut_event() -> None:
    webhook = without(transformation="crm")
    made = json.loads(await shaped(webhook, templates=Kept(), renderer=Quoting()))
    assert made["template"] == "T" and "sec-" not in json.dumps(made)
    assert made["event"]["data"]["sku"] == "A"


async def test_a_mail_and_its_recipients_are_made_of_the_cut_event() -> None:
    seen: list[bytes] = []

    class Mails(Quoting):
        async def render_texts(self, templates: Any, event: bytes, org: int) -> list[str]:
            seen.append(event)
            return ["asha@example.test"] * len(templates)

    mailing = Mailing(to=("{{ data.customerIdentifiers.email }}",), subject="{{ data.name }}")
    made = await shaped(without(email=mailing), renderer=Mails())
    assert len(seen) == 1 and b"sec-" not in seen[0] and b'"sku":"A"' in seen[0]
    assert b"sec-" not in made


async def test_a_large_message_is_cut_beside_the_loop() -> None:
    event = json.loads(BODY)
    event["data"]["sku"] = "A" * 100_000
    event["data"]["note"] = ["sec-4"] * 10_000
    made = await shaped(without(), msgspec.json.encode(event))
    assert b"sec-" not in made and len(made) > 100_000


def apply(cuts: PersonalCuts, body: bytes) -> Any:
    return cuts.of(ORG, body).apply(json.loads(body))["data"]


def test_an_event_is_cut_by_the_version_of_its_type() -> None:
    types = Types(own(sku=TEXT), own(2, sku=PII, name=TEXT))
    cuts = PersonalCuts(types)
    body = b'{"eventName":"packed"%s,"data":{"sku":"S","name":"N"}}'
    assert apply(cuts, body % b"") == {"sku": "S"}
    assert apply(cuts, body % b',"eventVersion":1') == {"sku": "S"}
    assert apply(cuts, body % b',"eventVersion":2') == {"name": "N"}
    assert apply(cuts, body % b',"eventVersion":"x"') == {"name": "N"}  # as the newest
    types.of_org[1] = own(name=TEXT)  # it was declared anew
    assert apply(cuts, body % b"") == {"name": "N"}


@pytest.mark.parametrize(
    "names",
    [b'"eventName":"packed","eventName":"gone"', rb'"eventName":"packed","event\u004eame":"gone"'],
)
def test_a_name_that_comes_twice_is_the_one_that_is_sent(names: bytes) -> None:
    body = b'{%s,"data":{"sku":"S"}}' % names
    assert json.loads(body)["eventName"] == "gone"
    assert apply(PersonalCuts(PACKED), body) == {}


@pytest.mark.parametrize("name", [b"null", b"7", b'["packed"]', b'"Packed"', b'"packed "'])
def test_what_is_no_name_of_a_type_keeps_the_envelope(name: bytes) -> None:
    body = b'{"eventName":%s,"eventId":"e-1","data":{"sku":"S"}}' % name
    made = PersonalCuts(PACKED).of(ORG, body).apply(json.loads(body))
    assert made["data"] == {} and made["eventId"] == "e-1"


def test_what_one_org_asks_for_drives_out_nothing_that_others_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PLACES_MAX", 1_000)
    cuts = PersonalCuts(PACKED)
    used = cuts.of(ORG, BODY)
    for kind in load().kinds():
        cuts.of(ORG, b'{"eventName":"%b"}' % kind.name.encode())
        assert cuts.of(ORG, BODY) is used


def test_what_is_kept_is_bounded_by_all_places_of_all_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PLACES_MAX", 600)
    cuts = PersonalCuts(PACKED)
    for kind in load().kinds():
        assert cuts.of(ORG, b'{"eventName":"%b"}' % kind.name.encode()).size > 10
        assert sum(cuts._kept[key][1].size for key in cuts._kept) <= 600
    assert cuts.of(ORG, BODY) is cuts.of(ORG, BODY)
