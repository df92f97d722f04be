"""What a webhook says of a source of identifiers holds for every spelling of it."""

import json
from typing import Any

import pytest

from tidings.catalogue import load
from tidings.core.event_path import read_path
from tidings.core.events.personal import PersonalData
from tidings.core.exact_json import read_exactly, write_exactly
from tidings.core.shaping.enrichment import EnrichmentSettings
from tidings.core.shaping.enrichment_plan import Plan
from tidings.core.shaping.filters.compiler import compile_filter, explain
from tidings.core.shaping.record import EnrichmentRecord
from tidings.core.shaping.shape import Fields, shape_of
from tidings.core.webhooks.known_paths import has_path

SPELT = ["instore", "Instore", "INSTORE", "InStore"]
RULES = ["instore", "Instore"]
SECRET = {"mobile": "15550100", "email": "a@example.test"}
PATH = "data.customerIdentifiers"
KIND: Any = load().get("pointsRedeemed")


def event(name: str, **more: Any) -> Any:
    return {"data": {"customerIdentifiers": {"customerId": 41, name: SECRET, **more}, "n": 1}}


def shaped(
    given: Any, keep: tuple[str, ...] = (), drop: tuple[str, ...] = (), /, **names: str
) -> Any:
    fields = Fields(keep, drop) if keep or drop else None
    shape = shape_of(fields, {f"{PATH}.{path}": name for path, name in names.items()})
    assert shape is not None
    made = shape.apply(read_exactly(json.dumps(given)))
    return json.loads(write_exactly(made))["data"].get("customerIdentifiers")


@pytest.mark.parametrize("name", SPELT)
@pytest.mark.parametrize("rule", RULES)
class TestFields:
    def test_what_is_dropped_goes_in_every_spelling(self, rule: str, name: str) -> None:
        assert shaped(event(name), (), (f"{PATH}.{rule}",)) == {"customerId": 41}
        below = shaped(event(name), (), (f"{PATH}.{rule}.mobile",))
        assert below == {"customerId": 41, name: {"email": "a@example.test"}}

    def test_what_is_kept_is_kept_in_every_spelling_and_nothing_else(
        self, rule: str, name: str
    ) -> None:
        kept = shaped(event(name, WeChat={"accounts": []}), (f"{PATH}.{rule}.email",))
        assert kept == {name: {"email": "a@example.test"}}

    def test_what_is_renamed_gets_its_new_name_from_every_spelling(
        self, rule: str, name: str
    ) -> None:
        assert shaped(event(name), **{rule: "shop"}) == {"customerId": 41, "shop": SECRET}
        below = shaped(event(name), **{f"{rule}.mobile": "phone"})
        assert below[name] == {"phone": "15550100", "email": "a@example.test"}

    def test_a_filter_sees_every_spelling(self, rule: str, name: str) -> None:
        tests: list[dict[str, Any]] = [
            {"path": f"{PATH}.{rule}.mobile", "eq": "15550100"},
            {"path": f"{PATH}.{rule}.mobile", "matches": "^1555"},
            {"path": f"{PATH}.{rule}", "exists": True},
            {"not": {"path": f"{PATH}.{rule}.email", "exists": False}},
        ]
        for test in tests:
            assert compile_filter(test).accepts(event(name)), test
            assert not compile_filter(test).accepts(event("other")), test
        many = {"data": {"coupons": [event("wechat")["data"], event(name)["data"]]}}
        path = f"data.coupons[*].customerIdentifiers.{rule}.mobile"
        assert compile_filter({"path": path, "eq": "15550100"}).accepts(many)
        told = explain(compile_filter({"path": f"{PATH}.{rule}.mobile", "eq": "9"}), event(name))
        assert '"15550100"' in told.said


def test_two_spellings_in_one_event_both_go() -> None:
    both = event("instore", Instore={"mobile": "2"})
    for rule in RULES:
        assert shaped(both, (), (f"{PATH}.{rule}",)) == {"customerId": 41}
        assert shaped(both, **{rule: "shop"}) == {
            "customerId": 41,
            "shop": both["data"]["customerIdentifiers"][rule],
        }


def test_two_rules_in_two_spellings_both_hold() -> None:
    drop = (f"{PATH}.Instore.mobile", f"{PATH}.instore.email", f"{PATH}.WECHAT")
    for name in SPELT:
        assert shaped(event(name, wechat={}), (), drop) == {"customerId": 41, name: {}}
    names = {"instore": "one", "Instore": "two"}
    assert shaped(event("Instore"), **names) == {"customerId": 41, "two": SECRET}
    assert shaped(event("INSTORE"), **names) == {"customerId": 41, "one": SECRET}


def test_elsewhere_a_name_is_only_itself() -> None:
    shape = shape_of(Fields(drop=("data.instore", "data.items[*].line")), {})
    assert shape is not None
    given = {"data": {"Instore": 1, "instore": 2, "items": [{"Line": 1, "line": 2}]}}
    assert shape.apply(given) == {"data": {"Instore": 1, "items": [{"Line": 1}]}}


@pytest.mark.parametrize("odd", [None, 5, "instore", [], [1]], ids=str)
def test_what_is_no_block_of_identifiers_is_no_fault(odd: Any) -> None:
    given = {"data": {"customerIdentifiers": odd}}
    assert shaped(given, (), (f"{PATH}.instore",)) == odd
    test = {"path": f"{PATH}.instore.mobile", "exists": False}
    assert compile_filter(test).accepts(given)


@pytest.mark.parametrize("name", ["Instore", "INSTORE"])
@pytest.mark.parametrize("held", [{}, {"mobile": "2"}, None], ids=str)
def test_a_block_is_filled_under_its_spelling_and_there_is_no_second_one(
    name: str, held: Any
) -> None:
    record = {"mobile": "1", "externalId": "E", "cardNumbers": ["6"],
              "sources": {"wechat": {"accounts": [1]}}}  # fmt: skip
    wanted = EnrichmentSettings(sources=("instore", "wechat"), cards=True)
    given = {"data": {"customerIdentifiers": {"customerId": 41, name: held, "WeChat": {"a": 1}}}}
    before = json.dumps(given)
    made = Plan(KIND.enrichment, wanted).fill(
        given, lambda kind, id: EnrichmentRecord(json.dumps(record).encode())
    )
    block = json.loads(write_exactly(made))["data"]["customerIdentifiers"]
    full = {"mobile": "1", "externalId": "E", "cardNumbers": ["6"]}
    assert block == {"customerId": 41, name: full | (held or {}), "WeChat": {"a": 1}}
    assert json.dumps(given) == before


@pytest.mark.parametrize("type_", ["pointsRedeemed", "transactionAdded", "requestUpdated"])
def test_an_actor_under_its_older_name_gets_till_and_store(type_: str) -> None:
    kind: Any = load().get(type_)
    records = {("tills", "5"): {"code": "t", "storeId": 9}, ("stores", "9"): {"code": "s"}}
    plan = Plan(kind.enrichment, EnrichmentSettings(till=True, store=True))
    older = {"enteredBy": "enteredAt", "updatedBy": "createdBy"}
    for path in kind.enrichment.till_store:
        *way, name = path.split(".")
        given: Any = {older[name]: {"id": 5}}
        for step in reversed(way):
            given = {step: given}
        made: Any = json.loads(
            write_exactly(
                plan.fill(
                    given,
                    lambda kind, id: EnrichmentRecord(json.dumps(records[(kind, id)]).encode()),
                )
            )
        )
        for step in way:
            made = made[step]
        actor = made[older[name]]
        assert (actor["till"]["code"], actor["store"]["code"]) == ("t", "s")
    time = {"data": {"enteredAt": 1693333333}}
    assert plan.fill(time, lambda kind, id: None) is time


def test_a_path_in_another_spelling_is_known() -> None:
    for path in ("Instore.mobile", "WeChat.accounts[*].accountId"):
        assert has_path(KIND, read_path(f"{PATH}.{path}") or ())
    assert not has_path(KIND, read_path(f"{PATH}.Instore.moblie") or ())
    assert not has_path(KIND, read_path("data.Instore.mobile") or ())


def test_personal_data_is_hidden_in_every_spelling() -> None:
    instore = {"properties": {"mobile": {"x-pii": "mobile", "type": "string"}}}
    block = {"properties": {"instore": instore}, "additionalProperties": {"type": "object"}}
    personal = PersonalData(
        {"properties": {"data": {"properties": {"customerIdentifiers": block}}}}
    )
    for name in SPELT:
        assert personal.hides(("data", "customerIdentifiers", name, "mobile"))
        assert personal.hides(("data", "customerIdentifiers", name))
    assert not personal.hides(("data", "customerIdentifiers", "other", "mobile"))
