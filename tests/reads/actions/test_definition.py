"""What an action is, as its file declares it, without secrets."""

import json

import pytest

from tests.declared_actions import CUSTOMER, SECRET, text_message, welcome
from tidings.core.actions.action import (
    Action,
    Compared,
    Each,
    Merged,
    NewEvents,
    PathValue,
    Plain,
    Unless,
)
from tidings.engine.actions.lookups import NEVER_ASKED, LookupState
from tidings.reads.actions.definition import show_definition

DOWN = LookupState(7, 5, True, "It must answer; it does not.")
STATES = {"contact": DOWN, "tier": NEVER_ASKED}


@pytest.mark.parametrize("action", [welcome(), text_message()], ids=["mail", "call"])
def test_no_secret_of_an_action_is_shown(action: Action) -> None:
    shown = json.dumps(show_definition(action, STATES), ensure_ascii=False)
    assert SECRET not in shown and "…0001" in shown


def test_the_definition_is_read_from_when_to_how_often() -> None:
    shown = show_definition(welcome(), STATES)
    assert shown["when"] == "customerAdded, where data.loyaltyType is LOYALTY"
    contact, tier = shown["lookUps"]
    assert contact["asks"] == f"The line of contacts.csv whose customer_id is {CUSTOMER}"
    assert (contact["asked"], contact["failed"], contact["leftAlone"]) == (7, 5, True)
    assert contact["trouble"] == DOWN.why
    assert contact["otherwise"] == (
        "Where there is none, nothing is done; where nobody answers, it waits, and is tried again."
    )
    assert tier["asks"] == "GET https://api.example/customers/{id}/tier?api_key=…0001"
    assert tier["otherwise"].endswith("where nobody answers, it goes on with an empty one.")
    [unless] = shown["unless"]
    assert unless["when"] == "contact.opted_out is yes"
    assert shown["waits"] == [
        "It is done 2h after the event was accepted.",
        "Nobody is disturbed from 21:00 to 08:00 by contact.zone, else by Asia/Kolkata.",
    ]
    assert shown["capped"] == f"It is done at most once within 30d for the same {CUSTOMER}."
    usual, german = shown["acts"]
    assert (usual["language"], german["language"]) == (None, "de")
    assert german["content"]["subject"] == "Willkommen"


def test_a_call_is_shown_with_its_templates_and_masks() -> None:
    shown = show_definition(text_message(), STATES)
    assert shown["waits"] == [
        "It waits until welcome was done for the same event.",
        "It is done 1m after welcome was done.",
    ]
    [act] = shown["acts"]
    call = act["content"]
    assert call["json"] == {
        "key": "…0001",
        "text": "Hello {{ contact.name }}",
        "amount": {"path": "event.data.amount"},
        "unit": "EUR",
    }
    assert [(row["name"], row["value"]) for row in call["headers"]] == [
        ("X-Brand", "…0001"),
        ("X-Name", "{{ contact.name }}"),
        ("X-Api-Key", "…0001"),
    ]
    assert call["taken"] == "status is one of queued, sent"


def test_new_events_merged_values_and_compared_places_are_shown_as_the_file_has_them() -> None:
    data = Each(
        {"id": PathValue("each.id"), "tier": Merged("group.tiers", [Plain(SECRET[:3])], "id")}
    )
    action = Action(
        "members",
        ("groupCreated",),
        {"": NewEvents("memberJoined", data, "event.data.members")},
        unless=(Unless(Compared(("event.data.a", "group.b"), True), "It is there already."),),
        anew=True,
    )
    shown = show_definition(action, {})
    [act], [unless] = shown["acts"], shown["unless"]
    assert act["does"] == (
        "Makes events of the type memberJoined for other actions, one for each item of "
        "event.data.members"
    )
    assert act["content"]["data"]["tier"] == {
        "path": "group.tiers",
        "with": [SECRET[:3]],
        "by": "id",
    }
    assert unless["when"] == "event.data.a is the same as group.b"
    assert unless["filter"] == {"same": ["event.data.a", "group.b"]}
    assert shown["anew"] is True
