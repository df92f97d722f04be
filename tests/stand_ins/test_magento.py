"""The shop holds its callers to docs/contract/magento.md."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.stand_ins.caller import Said, bearer, call
from tests.stand_ins.parties.magento import PASSWORD, TOKEN, USER, Magento

ASHA = {"id": 7, "email": "asha@example.test", "firstname": "Asha", "lastname": "Rao",
        "website_id": 1, "store_id": 1, "group_id": 2}  # fmt: skip
GOLD = {"attribute_code": "loyalty_tier", "value": "Gold"}


def shop(**how: Any) -> Magento:
    stand_in = Magento(**how)
    held = {"loyalty_tier": "Silver", "loyalty_points": "120"}
    stand_in.add(7, "asha@example.test", group_id=2, attributes=held)
    stand_in.add(8, "ben@example.test", firstname="Ben", attributes={"loyalty_points": "30"})
    return stand_in


@pytest.fixture
def magento() -> Iterator[Magento]:
    with shop() as stand_in:
        yield stand_in


def get(magento: Magento, path: str, **query: str) -> Said:
    asked = f"?{urlencode(query)}" if query else ""
    return call(magento, "GET", f"/rest/V1/customers/{path}{asked}", bearer(TOKEN))


def put(magento: Magento, customer: Any, id: int | str = 7) -> Said:
    body = {"customer": customer}
    return call(magento, "PUT", f"/rest/V1/customers/{id}", bearer(TOKEN), json_=body)


def by(field: str, value: str, how: str = "eq", group: int = 0, at: int = 0) -> dict[str, str]:
    start = f"searchCriteria[filter_groups][{group}][filters][{at}]"
    return {f"{start}[field]": field, f"{start}[value]": value, f"{start}[condition_type]": how}


def found(magento: Magento, **query: str) -> list[int]:
    return [row["id"] for row in get(magento, "search", **query).json["items"]]


def test_without_a_token_that_is_good_nothing_is_told(magento: Magento) -> None:
    for headers in (bearer("other"), {"authorization": f"Basic {TOKEN}"}, None):
        said = call(magento, "GET", "/rest/V1/customers/7", headers)
        assert said.status == 401
        assert said.json == {
            "message": "The consumer isn't authorized to access %resources.",
            "parameters": {"resources": "Magento_Customer::customer"},
        }
    assert put(magento, ASHA).status == 200
    unknown = call(magento, "PUT", "/rest/V1/customers/7", json_={"customer": ASHA})
    assert unknown.json["parameters"] == {"resources": "Magento_Customer::manage"}


def test_the_token_of_a_user_lives_for_its_hours(magento: Magento) -> None:
    path = "/rest/V1/integration/admin/token"
    user = {"username": USER, "password": PASSWORD}
    token = call(magento, "POST", path, json_=user).json
    assert call(magento, "GET", "/rest/default/V1/customers/7", bearer(token)).status == 200
    magento.passes(4 * 3600 + 1)
    assert call(magento, "GET", "/rest/V1/customers/7", bearer(token)).status == 401
    assert call(magento, "POST", path, json_=user | {"password": "no"}).status == 401


def test_customers_are_found_by_groups_of_filters(magento: Magento) -> None:
    said = get(magento, "search", **by("email", "ASHA@example.test")).json
    assert said["total_count"] == 1 and said["items"][0]["id"] == 7
    assert said["items"][0]["custom_attributes"][0] == {
        "attribute_code": "loyalty_tier",
        "value": "Silver",
    }
    assert said["search_criteria"]["filter_groups"][0]["filters"][0]["field"] == "email"
    nobody = get(magento, "search", **by("email", "nobody@example.test"))
    assert (nobody.status, nobody.json["total_count"], nobody.json["items"]) == (200, 0, [])
    either = by("email", "asha%", "like") | by("firstname", "Ben", at=1)
    assert found(magento, **either) == [7, 8]
    both = by("email", "asha%", "like") | by("firstname", "Ben", group=1)
    assert found(magento, **both) == []
    assert found(magento, **by("entity_id", "8,9", "in")) == [8]
    assert found(magento, **by("loyalty_points", "100", "gteq")) == [7]
    assert found(magento, **by("loyalty_tier", "", "null")) == [8]
    camel = "searchCriteria[filterGroups][0][filters][0]"
    asked = {f"{camel}[field]": "firstname", f"{camel}[value]": "Ben"}
    assert found(magento, **asked, **{f"{camel}[conditionType]": "eq"}) == [8]


def test_criteria_must_be_there_and_name_fields_that_exist(magento: Magento) -> None:
    missing = get(magento, "search")
    assert (missing.status, missing.json["parameters"]) == (400, {"fieldName": "searchCriteria"})
    unknown = get(magento, "search", **by("id", "7"))
    text = 'The "%1" attribute name is invalid. Reset the name and try again.'
    assert (unknown.status, unknown.json) == (400, {"message": text, "parameters": ["id"]})
    size = "searchCriteria[pageSize]"
    assert found(magento, **{size: "1", "searchCriteria[currentPage]": "2"}) == [8]
    large = get(magento, "search", **{size: "301"})
    assert large.json["message"] == "Maximum SearchCriteria pageSize is %max"
    assert (large.status, large.json["parameters"]) == (400, {"max": 300})


def test_unknown_customers_and_paths_are_404_in_its_shape(magento: Magento) -> None:
    for said in (get(magento, "9"), put(magento, ASHA | {"id": 9}, 9)):
        assert said.status == 404
        assert said.json == {
            "message": "No such entity with %fieldName = %fieldValue",
            "parameters": {"fieldName": "customerId", "fieldValue": 9},
        }
    route = call(magento, "GET", "/rest/V1/nothing", bearer(TOKEN))
    assert (route.status, route.json["message"]) == (404, "Request does not match any route.")


def test_a_whole_customer_is_written_and_shown(magento: Magento) -> None:
    points = {"attribute_code": "loyalty_points", "value": 400}
    said = put(magento, ASHA | {"group_id": 3, "custom_attributes": [GOLD, points]})
    assert (said.status, said.json["group_id"]) == (200, 3)
    assert magento.attribute(7, "loyalty_tier") == "Gold"
    assert magento.attribute(7, "loyalty_points") == "400"
    customer = magento.customer(7)
    assert customer == get(magento, "7").json
    assert customer is not None and customer["updated_at"] > customer["created_at"]
    assert len(magento.updates(7)) == 1 and magento.updates(8) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email", "The customer email is missing. Enter and try again."),
        ("website_id", '"Associate to Website" is a required value.'),
        ("firstname", '"First Name" is a required value.'),
        ("lastname", '"Last Name" is a required value.'),
        (
            "id",
            "A customer with the same email address already exists in an associated website.",
        ),
    ],
)
def test_a_field_that_is_missing_is_refused(magento: Magento, name: str, text: str) -> None:
    said = put(magento, {field: value for field, value in ASHA.items() if field != name})
    assert (said.status, said.json["message"]) == (400, text)
    assert magento.updates() == []


def test_without_merging_the_id_of_the_body_decides(magento: Magento) -> None:
    said = put(magento, ASHA | {"custom_attributes": [GOLD]}, 8)
    assert (said.status, said.json["id"]) == (200, 7)
    assert magento.attribute(7, "loyalty_tier") == "Gold"
    assert magento.attribute(8, "loyalty_tier") is None


def test_without_merging_what_is_left_out_is_reset(magento: Magento) -> None:
    given = {name: value for name, value in ASHA.items() if name != "group_id"}
    assert put(magento, given | {"custom_attributes": [GOLD]}).json["group_id"] == 1
    assert magento.attribute(7, "loyalty_tier") == "Gold"
    assert magento.attribute(7, "loyalty_points") is None


def test_with_merging_what_is_left_out_stays_but_perhaps_other_attributes() -> None:
    with shop(merges=True) as magento:
        assert put(magento, {"firstname": "Asha B."}).json["email"] == "asha@example.test"
        assert magento.attribute(7, "loyalty_points") == "120"
        assert put(magento, {"custom_attributes": [GOLD]}).json["group_id"] == 2
        assert magento.attribute(7, "loyalty_points") is None
    with shop(merges=True, resets_attributes=False) as magento:
        put(magento, {"custom_attributes": [GOLD]})
        assert magento.attribute(7, "loyalty_tier") == "Gold"
        assert magento.attribute(7, "loyalty_points") == "120"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"group_id": 99}, "The specified customer group id does not exist."),
        ({"group_id": "gold"}, 'The "gold" value\'s type is invalid.'),
        ({"email": "asha"}, 'Invalid value of "%value" provided for the %fieldName field.'),
        ({"email": "BEN@example.test"}, "A customer with the same email address already exists"),
        ({"firstname": 7}, 'Error occurred during "firstname" processing.'),
        ({"tier": "Gold"}, 'Property "Tier" does not have accessor method "getTier"'),
        ({"custom_attributes": [GOLD | {"value": None}]}, 'Error occurred during "custom_attrib'),
        ({"custom_attributes": {"loyalty_tier": "Gold"}}, 'Error occurred during "custom_attrib'),
    ],
)
def test_a_value_that_does_not_fit_is_refused(
    magento: Magento, given: dict[str, Any], text: str
) -> None:
    said = put(magento, ASHA | given)
    assert said.status == 400 and said.json["message"].startswith(text)
    assert magento.attribute(7, "loyalty_tier") == "Silver"


def test_an_attribute_that_the_shop_does_not_have_is_dropped(magento: Magento) -> None:
    other = {"attribute_code": "tier", "value": "Gold"}
    assert put(magento, ASHA | {"custom_attributes": [other]}).status == 200
    assert magento.attribute(7, "tier") is None


def test_the_body_must_be_json_with_a_customer(magento: Magento) -> None:
    path, headers = "/rest/V1/customers/7", bearer(TOKEN)
    empty = call(magento, "PUT", path, headers, body=b"{}")
    assert (empty.status, empty.json["message"]) == (400, "Content-Type header is empty.")
    form = call(magento, "PUT", path, headers, form={"customer": "7"})
    assert form.status == 400 and "cannot understand Content-Type" in form.json["message"]
    broken = call(magento, "PUT", path, headers | {"content-type": "application/json"}, body=b"{")
    assert broken.json["message"] == "Decoding error: Syntax error."
    assert call(magento, "PUT", path, headers, json_=ASHA).json["parameters"] == {
        "fieldName": "customer"
    }


def test_the_last_write_wins(magento: Magento) -> None:
    newer = ASHA | {"custom_attributes": [GOLD]}
    older = ASHA | {"custom_attributes": [GOLD | {"value": "Silver"}]}
    assert [put(magento, row).status for row in (newer, older)] == [200, 200]
    assert magento.attribute(7, "loyalty_tier") == "Silver"


def test_limits_and_failures_have_the_shapes_of_the_cloud_and_the_shop(magento: Magento) -> None:
    magento.limits(1, window_s=60)
    assert get(magento, "7").status == 200
    many = get(magento, "7")
    assert (many.status, many.headers["content-type"]) == (429, "text/html")
    assert "retry-after" not in many.headers
    magento.limits(None)
    magento.fails(status=500)
    assert get(magento, "7").json["message"].startswith("Internal Error.")


def test_what_is_left_out_of_addresses_is_lost_where_nothing_is_merged() -> None:
    address = {"id": 31, "city": "Pune", "region": {"region_id": 0, "region": None}}
    for merges, billing in ((False, None), (True, "31")):
        with Magento(merges=merges) as at:
            at.add(7, "asha@example.test", addresses=[address], default_billing="31")
            whole = at.customer(7)
            assert whole is not None and whole["addresses"] == [address]
            assert put(at, whole).status == 200
            again = at.customer(7) or {}
            assert again == whole | {"updated_at": again["updated_at"]}
            less = {name: row for name, row in whole.items() if name != "default_billing"}
            assert put(at, less | {"addresses": []}).status == 200
            left = at.customer(7) or {}
            assert (left["addresses"], left.get("default_billing")) == ([], billing)
