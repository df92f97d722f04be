"""The filters of the logs: each that is declared reaches the store, and is called alike."""

import re
from datetime import UTC

import pytest

from tidings.console.pages.bulk_actions import NARROWS
from tidings.core.delivery.states import State
from tidings.errors import RequestRefused
from tidings.reads.filters import ATTRIBUTES, DELIVERIES, EVENTS
from tidings.reads.questions import read_question
from tidings.store.port import DeliveryQuery, EventQuery

# What a store is asked for in other words: terms, webhooks by number, names as spelled, numbers.
IN_OTHER_WORDS = {"values", "webhook_ids", "event_names", "event_id", "cursor"}


@pytest.mark.parametrize(("log", "query"), [(DELIVERIES, DeliveryQuery), (EVENTS, EventQuery)])
def test_a_filter_that_is_declared_filters(log: object, query: type) -> None:
    asked = {name for attribute, name in ATTRIBUTES.items() if attribute in log}  # type: ignore[operator]
    assert asked - IN_OTHER_WORDS <= set(query.__struct_fields__)  # type: ignore[attr-defined]


def test_many_deliveries_are_narrowed_by_what_is_known_of_the_question() -> None:
    assert NARROWS <= set(ATTRIBUTES.values())


def test_the_states_that_an_option_names_are_all_there_are() -> None:
    [states] = [attribute for attribute, name in ATTRIBUTES.items() if name == "states"]
    words = re.split(r", | or |; ", states.help)
    assert words == [*(state.word for state in State), "with commas."]


def test_no_two_filters_of_a_log_are_called_alike() -> None:
    for log in (DELIVERIES, EVENTS):
        for names in (
            [name for pair in log for name in (pair.name, pair.alias) if name],
            [pair.field.page for pair in log if pair.field.page],
            [pair.option for pair in log if pair.option],
        ):
            assert len(set(names)) == len(names)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(RequestRefused) as refused:
        read_question({"from": "x", "status": "y", "limit": "0", "z": ""}, EVENTS, UTC, 0)
    assert [refusal.field for refusal in refused.value.refusals] == ["z", "status", "from", "limit"]
