"""A shop that has each customer's tier and points as the loyalty platform has them."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.until import until
from tests.stand_ins.apart import Apart
from tests.stand_ins.parties.loyalty_platform import LoyaltyPlatform
from tests.stand_ins.parties.magento import TOKEN, Magento

from .begun import (
    PLATFORM,
    Recipe,
    disordered,
    done,
    event_of,
    hurried,
    replayed,
    runs,
    sends,
    why,
)

SHOP = "https://shop.example"
TIERS = ("Bronze", "Silver", "Gold")
TYPES = ("pointsIssued", "pointsRedeemed", "customerUpdated", "tierUpgraded", "tierDowngraded")
PUT, SEARCH = r"customers/\d+$", "customers/search"
CUSTOMERS = range(1, 7)
OF_SHOP: dict[str, Any] = {  # what else a shop has of a customer
    "addresses": [
        {
            "id": 31, "customer_id": 7, "country_id": "DE", "street": ["Gasse 1 \"b\"", "🏠"],
            "region": {"region_code": None, "region": None, "region_id": 0}, "postcode": "01099",
            "default_billing": True,
        },
    ],
    "default_billing": "31",
    "gender": 0,
    "extension_attributes": {"is_subscribed": False},
}  # fmt: skip
ACTION = "shop-customer"
pytestmark = [pytest.mark.systems, pytest.mark.timeout(300)]  # it takes half a minute


@pytest.fixture
def platform() -> Iterator[Apart]:
    with Apart(LoyaltyPlatform) as made:
        yield made
        told = str(made.calls())
        assert "@" not in told and "%40" not in told, "it is asked by its own numbers alone"


@pytest.fixture
def shop() -> Iterator[Apart]:
    with Apart(Magento, attributes=["loyalty_tier", "loyalty_points", "size"]) as made:
        yield made


@pytest.fixture
def recipe(
    own_service: NewService,
    platform: Apart,
    shop: Apart,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Recipe:
    addresses = {PLATFORM: platform.url(), SHOP: shop.url()}
    made = Recipe("magento", tmp_path, own_service, addresses, monkeypatch, {"SHOP_TOKEN": TOKEN})
    lines = [f"{customer},{email_of(customer)}\n" for customer in CUSTOMERS]
    (tmp_path / "contacts.csv").write_text("customer_id,email\n" + "".join(lines))
    for customer in CUSTOMERS:
        platform.add(customer, tier="Bronze", points="10")
        shop.add(
            shop_id(customer),
            email_of(customer),
            group_id=2,
            attributes={"size": f"S{customer}"},
            **OF_SHOP,
        )
    return made


def email_of(customer: int) -> str:
    return f"customer+{customer}@brand.example"


def shop_id(customer: int) -> int:
    return 700 + customer


def change(platform: Apart, customer: int, tier: str, points: str) -> None:
    platform.set_tier(customer, tier)
    platform.set_points(customer, points)


def state(shop: Apart, customer: int) -> tuple[str | None, str | None]:
    id = shop_id(customer)
    return shop.attribute(id, "loyalty_tier"), shop.attribute(id, "loyalty_points")


def follows(platform: Apart, shop: Apart, points: dict[int, str]) -> None:
    """The shop has what the platform has, and has lost nothing of its own."""
    for customer in CUSTOMERS:
        assert state(shop, customer) == (platform.tier(customer), points[customer]), customer
        held = shop.customer(shop_id(customer))
        assert (held["email"], held["group_id"]) == (email_of(customer), 2)
        assert shop.attribute(shop_id(customer), "size") == f"S{customer}"
        assert OF_SHOP.items() <= held.items()


def test_the_shop_has_tier_and_points_and_keeps_whatever_else_it_has(
    recipe: Recipe, platform: Apart, shop: Apart
) -> None:
    change(platform, 1, "Gold", "8500.250")
    before = shop.customer(shop_id(1))
    with recipe.start() as api:
        sends(api, event_of("tierUpgraded", 1))
        until(lambda: state(shop, 1) == ("Gold", "8500.250"), "the state of the shop")
        [given] = shop.updates(shop_id(1))
        after = shop.customer(shop_id(1))
        for held in (before, after):
            held.pop("updated_at")
            held.pop("custom_attributes", None)
        assert after == before and given["custom_attributes"] == [
            {"attribute_code": "size", "value": "S1"},
            {"attribute_code": "loyalty_tier", "value": "Gold"},
            {"attribute_code": "loyalty_points", "value": "8500.250"},
        ]
        change(platform, 1, "Silver", "0")  # the second time they are replaced
        sends(api, event_of("pointsRedeemed", 1))
        until(lambda: state(shop, 1) == ("Silver", "0"), "the state of the shop")
        assert len(shop.updates(shop_id(1))[-1]["custom_attributes"]) == 3
        assert TOKEN not in str(runs(api, ACTION))


def test_whatever_goes_wrong_the_state_is_right_in_the_end(
    recipe: Recipe, platform: Apart, shop: Apart
) -> None:
    troubles: list[Callable[[], Any]] = [
        lambda: shop.fails(1, status=503, path=PUT),
        lambda: shop.resets(1, done=True, path=PUT),  # done, and its answer lost
        lambda: shop.fails(1, status=429, path=SEARCH),  # HTML, and no Retry-After
        lambda: shop.fails(1, status=401, path=PUT),
        lambda: platform.revoke_tokens(),
        lambda: platform.fails(1, status=521, path="tierDetails"),
    ]
    with recipe.start() as api:
        sends(api, event_of("pointsIssued", 1))
        done(api)  # a token is at hand
        again = []
        for customer, trouble in zip(CUSTOMERS, troubles, strict=True):
            change(platform, customer, "Gold", str(customer))
            trouble()
            id = sends(api, event_of("pointsIssued", customer))
            api.settled(id, states=("retrying", "delivered"))
            hurried(api)
            again.append(len(api.delivery_of(id)["attemptList"]) > 1)
        follows(platform, shop, {customer: str(customer) for customer in CUSTOMERS})
        assert again == [True, True, True, True, False, True]  # a token is asked for at once
        assert platform.tokens_issued() == 2


def test_what_the_shop_has_changed_meanwhile_is_not_undone_by_a_late_attempt(
    recipe: Recipe, platform: Apart, shop: Apart
) -> None:
    shop.fails(1, status=503, path=PUT)
    with recipe.start() as api:
        id = sends(api, event_of("pointsIssued", 1))
        until(lambda: api.delivery_of(id)["state"] == "retrying", "a second attempt")
        shop.add(shop_id(1), email_of(1), group_id=3, firstname="Mei", attributes={"size": "XL"})
        done(api)
        held = shop.customer(shop_id(1))
        assert (held["firstname"], held["group_id"]) == ("Mei", 3)
        assert shop.attribute(shop_id(1), "size") == "XL" and state(shop, 1) == ("Bronze", "10")
        [run] = runs(api, ACTION)
        assert '"firstname":"Mei"' in str(run["attemptList"][-1]["request"]["body"]).replace(
            "'", '"'
        ).replace(": ", ":")


def test_a_customer_whom_the_shop_does_not_have_is_passed_over_and_found_by_a_replay(
    recipe: Recipe, platform: Apart, shop: Apart, tmp_path: Path
) -> None:
    with (tmp_path / "contacts.csv").open("a") as contacts:
        contacts.write(f"90,{email_of(90)}\n")
    platform.add(90, tier="Gold", points="5")
    with recipe.start() as api:
        sends(api, event_of("tierUpgraded", 90))
        sends(api, event_of("tierUpgraded", 91))  # whom nobody knows
        done(api)
        found = {(run["state"], why(run)) for run in runs(api, ACTION)}
        said = "The look-up {} has no record for this event, so there is nothing to do."
        assert found == {
            ("cancelled", said.format("shop")),
            ("cancelled", said.format("contact")),
        }
        shop.add(shop_id(90), email_of(90))
        replayed(api, ACTION, states=["cancelled"])
        assert state(shop, 90) == ("Gold", "5")


def test_of_two_customers_with_one_address_that_of_the_website_is_written(
    recipe: Recipe, platform: Apart, shop: Apart, tmp_path: Path
) -> None:
    for id, site in ((790, 2), (791, 1), (792, 3)):
        shop.add(id, email_of(90), website_id=site, store_id=10 + site)
    others = shop.customer(790), shop.customer(792)
    with (tmp_path / "contacts.csv").open("a") as contacts:
        contacts.write(f"90,{email_of(90).upper()}\n")
    platform.add(90, tier="Gold", points="5")
    with recipe.start() as api:
        sends(api, event_of("tierUpgraded", 90))
        done(api)
        assert shop.attribute(791, "loyalty_tier") == "Gold"
        assert shop.attribute(791, "loyalty_points") == "5"
        assert (shop.customer(790), shop.customer(792)) == others
        assert shop.customer(791)["email"] == email_of(90), "as the shop writes it"


def test_a_customer_with_very_many_addresses_is_written_whole(
    recipe: Recipe, platform: Apart, shop: Apart
) -> None:
    [address] = OF_SHOP["addresses"]
    many = [address | {"id": number} for number in range(300)]
    shop.add(shop_id(1), email_of(1), group_id=2, addresses=many)
    with recipe.start() as api:
        sends(api, event_of("tierUpgraded", 1))
        done(api)
        assert state(shop, 1) == ("Bronze", "10")
        assert shop.customer(shop_id(1))["addresses"] == many


@pytest.mark.parametrize("seed", [1, 2])
def test_events_in_any_order_among_changes_and_kills_end_with_the_platforms_state(
    recipe: Recipe, platform: Apart, shop: Apart, seed: int
) -> None:
    rng = random.Random(seed)
    points = {customer: "10" for customer in CUSTOMERS}
    api = recipe.start()
    late = [event_of("customerUpdated", customer) for customer in CUSTOMERS]
    for turn in range(12):
        for number in rng.sample(CUSTOMERS, 3):
            points[number] = str(rng.randrange(1000))
            change(platform, number, rng.choice(TIERS), points[number])
            late.append(event_of(rng.choice(TYPES), number))
        if turn % 3 == 1:
            shop.fails(1, status=rng.choice((429, 503)), path=rng.choice((PUT, SEARCH)))
            shop.resets(1, done=rng.random() < 0.5, path=PUT)
        sent = disordered(rng, late)[: len(late) // 2 + 1]
        for event in sent:
            sends(api, event)
        late = [event for event in late if event not in sent]
        if turn % 4 == 3:
            api.close()
            api = recipe.dies_and_comes_back()
    for event in disordered(rng, late):
        sends(api, event)
    hurried(api)
    assert api.counts()["failed"] == 0
    follows(platform, shop, points)
    api.close()
