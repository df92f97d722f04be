"""The forms of the benchmark: what is declared, and that each kind of them runs to its ledger."""

from pathlib import Path

import pytest

from bench.figures import throughput
from bench.forms import (
    FORMS,
    JUDGED,
    PAIRS,
    PAIRS_OF_CORNERS,
    REST_CALLS,
    SHARE,
    Form,
    Load,
    by_house,
    chosen,
)
from bench.layout import Hook, crowd
from bench.load import Plan
from bench.report import MISSED, VOID, Options
from bench.sinks.registry import SINKS
from tests.bench.measured import a_run
from tidings.core.webhooks.webhook_types import ACTION, HTTP, KINDS


def test_every_type_of_webhooks_has_a_form_and_a_place_where_its_deliveries_arrive() -> None:
    assert {form.destination for form in FORMS} == set(KINDS)
    assert set(SINKS) == set(KINDS) - {HTTP, ACTION}  # those call the receiver of all runs


def test_no_two_forms_are_called_alike_and_none_is_judged_that_there_is_not() -> None:
    names = [form.name for form in FORMS]
    assert len(set(names)) == len(names)
    assert set(JUDGED) <= set(names)


def test_calls_come_in_every_load_and_size_for_few_and_many_receivers() -> None:
    over_http = {(form.receiving, form.batch, form.load) for form in FORMS if form.beside_yardstick}
    assert over_http == {
        (receiving, batch, load)
        for receiving in (1, 20, 1_000)
        for batch in (1, 10, 100)
        for load in Load
    }


def test_forms_that_are_judged_are_measured_oftener() -> None:
    assert {form.pairs for form in FORMS if form.name in JUDGED} == {PAIRS_OF_CORNERS}
    assert {form.pairs for form in FORMS if form.name not in JUDGED} == {PAIRS}


def test_forms_are_chosen_by_patterns_in_the_order_of_the_table() -> None:
    assert [form.name for form in chosen(["pull", "http-1-0.*"])] == ["http-1-0.35", "pull"]
    assert chosen([]) == list(FORMS)
    with pytest.raises(ValueError, match="a pattern must fit a form; got htp"):
        chosen(["htp", "pull"])


def test_forms_of_one_service_share_it() -> None:
    houses = by_house(FORMS)
    assert sum(map(len, houses.values())) == len(FORMS)
    assert len(houses) < len(FORMS)
    for house, forms in houses.items():
        assert {form.house for form in forms} == {house}


@pytest.mark.parametrize("form", [form for form in FORMS if form.beside_yardstick], ids=str)
def test_both_sides_of_a_pair_are_sent_as_many_events(form: Form) -> None:
    bare, ours = throughput.plans(form, Options(), full=10_000.0)
    assert bare.get("per_call", 1) == 1
    assert ours["per_call"] == form.batch
    for plan in (bare, ours):
        Plan(port=1, path="/", out="", orgs=[2001], **plan)  # the generator knows every word of it
    wanted = {Load.FULL: None, Load.SHARE: SHARE * 10_000.0, Load.REST: REST_CALLS * form.batch}
    if wanted[form.load] is None:
        assert "rate" not in bare and "rate" not in ours
    else:
        assert bare["rate"] == pytest.approx(wanted[form.load])
        assert ours["rate"] * form.batch == pytest.approx(wanted[form.load])


def test_a_form_is_judged_by_its_floor_and_void_where_a_ledger_is_open() -> None:
    [form] = chosen(["http-20"])
    bare, slow = a_run("yardstick", rate=1000.0), a_run("tidings", rate=600.0)
    [share, *_] = throughput.pair_rows(form, [bare], [slow])
    assert (share.measured, share.target) == ("0.60 (0.60–0.60)", "≥ 0.7")
    assert share.verdict == MISSED
    open_ledger = a_run("tidings", rate=900.0, faults=["1 acknowledged and lost"])
    [share, *_] = throughput.pair_rows(form, [bare], [open_ledger])
    assert share.verdict == VOID


@pytest.mark.systems
def test_a_form_beside_the_yardstick_and_one_without_close_their_ledgers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(receiving: int, webhooks: int = 1, orgs: int = 1) -> list[Hook]:
        return crowd(receiving, webhooks, orgs)

    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(throughput, "crowd", few)
    options = Options(
        forms=("http-1-by10", "http-1-by10-0.35", "pull"),
        runs=1,
        pairs=1,
        seconds=0.2,
        connections=8,
        messages=40,
        patience_seconds=0.0,
        folder=tmp_path,
    )
    rows = throughput.run(options)
    assert [row for row in rows if row.verdict == VOID] == []
    measured = {row.what.partition(":")[0].partition(",")[0] for row in rows}
    assert set(options.forms) <= measured
