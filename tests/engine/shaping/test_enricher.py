"""The enricher: reference data first, then the platform; thin or waiting where it is down."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.api.control_client import Clock
from tests.engine.reference_parts import (
    CountingStore,
    FakeOrigin,
    a_job,
    a_webhook,
    keep,
    ok,
    reference_over,
)
from tests.engine.types_by import TypesBy
from tidings.catalogue import load
from tidings.core.budget import MEMORY_BYTES
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault
from tidings.core.exact_json import write_exactly
from tidings.core.ids import OrgId
from tidings.core.shaping.left_out_words import code_of, describe_left_out
from tidings.core.shaping.platform_rules import ASKED
from tidings.core.shaping.reference_rules import RecordKind
from tidings.core.shaping.shape import Fields, shape_of
from tidings.engine.shaping.enricher import Enricher
from tidings.engine.shaping.faults import ShapeLater
from tidings.engine.shaping.platform import Platform, PlatformOptions
from tidings.engine.shaping.shaper import Shaper

CATALOGUE = load()
DOWN = TransportFault(kind=FaultKind.REFUSED, sent=False, detail="Nobody listens.", duration_ms=1)
NONE = ReceiverAnswer(404, (), b"", False, 1.0)
EVERYTHING: dict[str, Any] = {
    "till": True,
    "store": True,
    "sources": ("instore",),
    "cards": True,
    "balance": True,
    "awards": True,
}


def kind_of(org: int, event: dict[str, Any]) -> Any:
    return CATALOGUE.get(event.get("eventName", ""))


def thin(customer: int = 7) -> dict[str, Any]:
    return {
        "eventName": "pointsIssued",
        "loyaltyEventId": "L-1",
        "data": {
            "customerIdentifiers": {"customerId": customer},
            "triggeringActivity": {"enteredBy": {"id": 5031}},
            "regularPointsBreakup": [{"points": 1}],
        },
    }


class Scene:
    """An enricher over a real store, with a platform where answers are given."""

    def __init__(self, *answers: Any, kinds: tuple[str, ...] = ASKED) -> None:
        self.store = CountingStore()
        self.clock = Clock()
        self.reference = reference_over(self.store)
        self.origin = FakeOrigin(*answers)
        platform = None
        if answers:
            options = PlatformOptions(paths={kind: f"/{kind}/{{id}}" for kind in kinds})
            platform = Platform(self.origin, options, self.clock)
        self.job = a_job()  # of the message that was made last
        self.enricher = Enricher(
            types=TypesBy(kind_of), reference=self.reference, platform=platform
        )

    async def fill(self) -> None:
        await keep(self.reference, RecordKind.TILLS, "5031", code="till.01", storeId="9")
        await keep(self.reference, RecordKind.STORES, "9", code="store.01")
        await keep(
            self.reference,
            RecordKind.CUSTOMERS,
            "7",
            mobile="1",
            cardNumbers=["6"],
            pointsBalance=410,
        )

    async def made(self, org: int = 1, event: Any = None, **wishes: Any) -> Any:
        webhook = a_webhook(**(wishes or EVERYTHING))
        self.job = a_job(self.clock.ms, org)
        event = thin() if event is None else event
        made = await self.enricher.enrich(webhook, self.job, event)
        return event if made is event else msgspec.json.decode(write_exactly(made))


async def test_reference_data_alone_fills_everything_that_it_holds() -> None:
    scene = Scene()
    await scene.fill()
    data = (await scene.made())["data"]
    assert data["customerIdentifiers"]["instore"] == {"mobile": "1", "cardNumbers": ["6"]}
    actor = data["triggeringActivity"]["enteredBy"]
    assert actor["till"]["code"] == "till.01" and actor["store"]["code"] == "store.01"
    assert data["AvailablePointsBalance"] == 410
    assert len(scene.store.questions) <= 4


async def test_a_warm_cache_asks_nobody_and_does_not_even_wait() -> None:
    scene = Scene()
    await scene.fill()
    first = await scene.made()
    queries = len(scene.store.questions)
    with pytest.raises(StopIteration) as ended:
        scene.made().send(None)
    assert ended.value.value == first
    assert len(scene.store.questions) == queries


async def test_another_orgs_records_are_not_there() -> None:
    scene = Scene()
    await scene.fill()
    event = thin()
    assert await scene.made(org=2, event=event) is event


async def test_what_is_missing_is_delivered_thin() -> None:
    event = thin(customer=404)
    assert await Scene().made(event=event) is event
    assert await Scene(NONE).made(event=event) is event


async def test_the_platform_is_asked_for_what_the_reference_lacks() -> None:
    scene = Scene(ok(email="pulled@example.test"), kinds=("customers",))
    await scene.fill()
    wishes: dict[str, Any] = {"sources": ("instore",)}
    known = await scene.made(**wishes)
    assert known["data"]["customerIdentifiers"]["instore"] == {"mobile": "1"}
    assert scene.origin.asked == []
    pulled = await scene.made(event=thin(8), **wishes)
    instore = pulled["data"]["customerIdentifiers"]["instore"]
    assert instore == {"email": "pulled@example.test"}
    assert [path for path, _ in scene.origin.asked] == ["/customers/8"]
    with pytest.raises(StopIteration):
        scene.made(event=thin(8), **wishes).send(None)


async def test_a_pulled_till_leads_to_its_store() -> None:
    scene = Scene(ok(code="t", storeId=9), ok(name="Harbour"))
    made = await scene.made(store=True, till=True)
    actor = made["data"]["triggeringActivity"]["enteredBy"]
    assert (actor["till"]["code"], actor["store"]["name"]) == ("t", "Harbour")
    assert [path for path, _ in scene.origin.asked] == ["/tills/5031", "/stores/9"]


async def test_awards_come_from_the_platform() -> None:
    scene = Scene(ok(awardedReferenceIds={"regularPointsBreakup": ["A-1"]}))
    made = await scene.made(awards=True)
    assert made["data"]["regularPointsBreakup"][0]["awardedReferenceId"] == "A-1"
    assert scene.origin.asked[0][0] == "/awards/L-1"


async def test_a_platform_that_is_down_makes_it_thin_and_is_counted() -> None:
    scene = Scene(DOWN, kinds=("customers",))
    event = thin(8)
    assert await scene.made(event=event, sources=("instore",)) is event
    assert scene.enricher.thin == 1
    assert scene.job.left_out is not None
    assert scene.job.left_out.fields == ("customerIdentifiersToBeEnriched",)
    assert scene.job.left_out.why.startswith("The platform's API must answer within 2 s; got")


async def test_what_is_left_out_is_named_by_the_fields_that_asked_for_it() -> None:
    scene = Scene(DOWN)
    assert (await scene.made(event=(event := thin(8)))) is event
    assert scene.job.left_out is not None
    assert scene.job.left_out.fields == (
        "tillDetailsEnrichmentEnabled",
        "storeDetailsEnrichmentEnabled",
        "customerIdentifiersToBeEnriched",
        "cardNumberEnrichmentEnabled",
        "availablePointsBalanceEnrichmentEnabled",
        "awardedReferenceEnrichmentEnabled",
    )
    assert describe_left_out(scene.job.left_out) == (
        "It was sent without till details, store details, customer identifiers, card numbers, "
        f"the points balance and awarded references. {scene.job.left_out.why} Once the "
        "platform answers, replay it with again: true to send all of it. To have deliveries "
        "wait instead, set enrichmentWhenDown to wait."
    )


async def test_a_message_that_fails_to_be_filled_twice_is_one_and_says_both() -> None:
    """The customer is not known, and then the store that a known till names is not either."""
    scene = Scene(DOWN, kinds=("customers", "stores"))
    await keep(scene.reference, RecordKind.TILLS, "5031", code="till.01", storeId="9")
    await scene.made(event=thin(8), store=True, sources=("instore",))
    assert scene.enricher.thin == 1
    assert scene.job.left_out is not None
    assert scene.job.left_out.fields == (
        "customerIdentifiersToBeEnriched",
        "storeDetailsEnrichmentEnabled",
    )


async def test_what_nobody_has_is_no_warning() -> None:
    scene = Scene(NONE)
    await scene.made(event=thin(404))
    assert "/customers/404" in [path for path, _ in scene.origin.asked]
    assert scene.job.left_out is None and scene.enricher.thin == 0


async def test_a_webhook_that_waits_is_told_when_to_try_again() -> None:
    scene = Scene(DOWN, kinds=("customers",))
    with pytest.raises(ShapeLater) as later:
        await scene.made(event=thin(8), sources=("instore",), wait=True)
    assert 1.0 <= later.value.delay_s <= 60.0
    assert later.value.reason.endswith("The delivery waits for it.")
    assert scene.enricher.thin == 0
    await keep(scene.reference, RecordKind.CUSTOMERS, "8", mobile="now known")
    assert (await scene.made(event=thin(8), sources=("instore",), wait=True))["data"][
        "customerIdentifiers"
    ]["instore"] == {"mobile": "now known"}


async def test_a_fresh_balance_goes_before_a_loaded_one_and_a_loaded_one_before_none() -> None:
    for answer, balance in ((ok(pointsBalance=5), 5), (DOWN, 410)):
        scene = Scene(answer, kinds=("balances",))
        await scene.fill()
        assert (await scene.made(balance=True))["data"]["AvailablePointsBalance"] == balance
        assert (scene.job.left_out is not None) is (answer is DOWN)
    assert scene.job.left_out is not None and scene.job.left_out.fields == ()
    assert "with the points balance that was loaded earlier" in describe_left_out(
        scene.job.left_out
    )


async def test_a_store_that_cannot_be_read_makes_the_delivery_wait_whatever_it_wants() -> None:
    """Thin is for what nobody knows; a fault of ours must not lose what is known."""
    scene = Scene()
    await scene.fill()
    scene.store.down = True
    with pytest.raises(ShapeLater, match="could not be read"):
        await scene.made(till=True)


async def test_many_customers_of_one_event_take_few_queries() -> None:
    scene = Scene()
    records = {str(n): b'{"mobile":"%d"}' % n for n in range(900)}
    await scene.reference.put(OrgId(1), RecordKind.CUSTOMERS, records)
    coupons = [{"customerIdentifiers": {"customerId": n}} for n in range(900)]
    event = {"eventName": "IssueBulkCoupon", "data": {"coupons": coupons}}
    made = await scene.made(event=event, sources=("instore",))
    found = [c["customerIdentifiers"]["instore"]["mobile"] for c in made["data"]["coupons"]]
    assert found == [str(n) for n in range(900)]
    assert len(scene.store.questions) == 2


async def test_events_of_unknown_types_and_without_wishes_go_as_they_are() -> None:
    scene = Scene()
    assert not scene.enricher.needs(a_webhook())
    assert scene.enricher.needs(a_webhook(till=True))
    strange: list[dict[str, Any]] = [{"eventName": "unheardOf"}, {}, {"eventName": 1}]
    for event in strange:
        assert await scene.made(event=event) is event
    known = {"eventName": "cardUpdated", "data": {}}
    assert await scene.made(event=known) is known


async def test_many_at_once_share_what_is_asked() -> None:
    scene = Scene(ok(mobile="1"), kinds=("customers",))
    asked = [scene.made(event=thin(8), sources=("instore",)) for _ in range(50)]
    made = await asyncio.gather(*asked)
    assert all("instore" in row["data"]["customerIdentifiers"] for row in made)
    assert len(scene.origin.asked) == 1 and len(scene.store.questions) == 1


async def test_a_changed_record_fills_the_next_event_whatever_was_made_of_the_old_one() -> None:
    scene = Scene()
    await scene.fill()
    await scene.made()
    await keep(scene.reference, RecordKind.CUSTOMERS, "7", email="a@example.test", pointsBalance=5)
    await keep(scene.reference, RecordKind.TILLS, "5031", code="till.02")
    data = (await scene.made())["data"]
    assert data["customerIdentifiers"]["instore"] == {"email": "a@example.test"}
    assert data["triggeringActivity"]["enteredBy"]["till"] == {"code": "till.02", "name": ""}
    assert "store" not in data["triggeringActivity"]["enteredBy"]
    assert data["AvailablePointsBalance"] == 5


async def test_what_was_added_can_be_selected_and_renamed() -> None:
    scene = Scene()
    await scene.fill()
    webhook = msgspec.structs.replace(
        a_webhook(**EVERYTHING),
        shape=shape_of(
            Fields(keep=("data.customerIdentifiers.instore.mobile", "data.triggeringActivity")),
            {"data.triggeringActivity.enteredBy.till.code": "id"},
        ),
        plain=False,
    )
    job = msgspec.structs.replace(a_job(), body=msgspec.json.encode(thin()))
    assert await Shaper(enricher=scene.enricher).shape(webhook, job) == (
        b'{"eventName":"pointsIssued","data":{"customerIdentifiers":{"instore":{"mobile":"1"}},'
        b'"triggeringActivity":{"enteredBy":{"id":5031,"till":{"id":"till.01","name":""},'
        b'"store":{"code":"store.01","name":"","externalId":"","externalId1":"",'
        b'"externalId2":""}}}}}'
    )


async def test_an_event_cannot_name_so_many_records_that_its_message_takes_all_memory() -> None:
    """6,000 coupons of one customer whose record is of the greatest size: 90 MB before."""
    scene = Scene()
    named = [{"identifierType": "mobile", "identifierValue": "x" * 50} for _ in range(50)]
    line = {"accounts": [{"accountId": "1", "identifiers": named}] * 3}
    await keep(scene.reference, RecordKind.CUSTOMERS, "7", mobile="1", sources={"line": line})
    coupons = [{"customerIdentifiers": {"customerId": 7}} for _ in range(5_900)]
    event = {"eventName": "CouponIssue", "data": {"coupons": coupons}}
    webhook = a_webhook(sources=("instore", "line"))
    scene.job = a_job(scene.clock.ms, 1)
    scene.job.body = write_exactly(event)
    for _ in range(2):  # the second time all is in memory
        made = write_exactly(await scene.enricher.enrich(webhook, scene.job, event))
        assert len(made) < MEMORY_BYTES
        first, last = (msgspec.json.decode(made)["data"]["coupons"][at] for at in (0, -1))
        assert first["customerIdentifiers"]["instore"] == {"mobile": "1"}
        assert last == {"customerIdentifiers": {"customerId": 7}}, "it stays as it came"
        assert scene.job.left_out is not None
        assert describe_left_out(scene.job.left_out) == (
            "It was sent without customer identifiers. An event may name 5000 records, and 50 "
            "MB of them; this one names more. Send fewer customers in one event to have all "
            "of them filled in."
        )
    usual = {"eventName": "CouponIssue", "data": {"coupons": coupons[:500]}}
    scene.job = a_job(scene.clock.ms, 1)
    scene.job.body = write_exactly(usual) + b" " * 20_000
    made = write_exactly(await scene.enricher.enrich(webhook, scene.job, usual))
    assert made.count(b'"instore"') == 500 and scene.job.left_out is None


# -- a group's events -----------------------------------------------------------------------------

OF_GROUP = (
    "It was sent without customer identifiers, card numbers and the points balance: it belongs to "
    "a group, so there is no customer to look up. There is nothing to do."
)


def of_group(identifiers: Any = None, entity: str = "USERGROUP2") -> dict[str, Any]:
    event = thin()
    event["data"]["entityInformation"] = {"entityType": entity, "entityId": 7}
    event["data"]["customerIdentifiers"] = identifiers
    actor = event["data"]["triggeringActivity"]
    actor["entityInformation"] = {"entityType": "USER", "entityId": 7}
    return event


@pytest.mark.parametrize("identifiers", [None, {}, {"customerId": None}], ids=str)
@pytest.mark.parametrize("wait", [False, True])
async def test_a_groups_event_gets_till_and_store_and_nobody_is_asked_for_a_customer(
    wait: bool, identifiers: Any
) -> None:
    scene = Scene(DOWN, kinds=("customers", "balances"))
    await scene.fill()
    made = await scene.made(event=of_group(identifiers), **EVERYTHING, wait=wait)
    data = made["data"]
    actor = data["triggeringActivity"]["enteredBy"]
    assert actor["till"]["code"] == "till.01" and actor["store"]["code"] == "store.01"
    assert data["customerIdentifiers"] == identifiers
    assert "AvailablePointsBalance" not in data
    assert scene.origin.asked == []
    left_out = scene.job.left_out
    assert left_out is not None and describe_left_out(left_out) == OF_GROUP
    assert code_of(left_out) == "no_customer"
    assert scene.enricher.thin == 0, "the platform is not to blame"


async def test_a_group_and_a_platform_that_is_down_are_both_told() -> None:
    scene = Scene(DOWN)
    await scene.made(event=of_group())
    left_out = scene.job.left_out
    assert left_out is not None and code_of(left_out) == "sent_thin"
    assert describe_left_out(left_out) == (
        f"{OF_GROUP} It was sent without till details, store details and awarded references. "
        f"{left_out.why} Once the platform answers, replay it with again: true to send all of "
        "it. To have deliveries wait instead, set enrichmentWhenDown to wait."
    )
    assert scene.enricher.thin == 1


async def test_nothing_is_said_where_no_customer_is_wanted_or_there_is_one() -> None:
    other = Scene()
    await other.made(event=of_group(), till=True, store=True, awards=True)
    assert other.job.left_out is None
    scene = Scene()
    await scene.fill()
    made = await scene.made(event=of_group({"customerId": 7}))
    assert made["data"]["customerIdentifiers"]["instore"]["mobile"] == "1"
    assert scene.job.left_out is None, "a member is named: that one is filled in"
    for entity in ("USER", "CUSTOMER"):
        await scene.made(event=of_group(entity=entity))
        assert scene.job.left_out is None
