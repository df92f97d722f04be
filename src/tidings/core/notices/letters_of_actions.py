"""The e-mails about actions and their look-ups: an action fails, is disabled, works again. Pure.

An action is a webhook, and its operational events are those of webhooks; but whoever reads of it
has to see to a mail server or a shop, and to the operator's file. `act`, `trouble` and `remedy` of
the fact are made where actions are known (`core/actions/act_words.py:action_facts`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

ActionFacts = Mapping[str, Any]
Words = tuple[str, str]
"""Subject and text."""
NAMED_MAX = 5
_IN_FORCE = "A change of the file takes effect when Tidings is restarted."


def at(ms: int) -> str:
    """Write a time as letters have it: `2026-11-30 14:02 UTC`."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%d %H:%M} UTC"


def failing(fact: ActionFacts) -> Words:
    """Write the letter that an action has not run for a while."""
    way = f": {fact['percent']} % of the way to being disabled" if fact["percent"] else ""
    return (
        f"Action {fact['webHookName']} fails{way}",
        f"{_action(fact)} has not run since {at(fact['failingSince'])}. "
        f"{fact['action']['trouble']} If it does not run by {at(fact['disabledAt'])}, it is "
        "disabled and its runs are parked.\n\n"
        f"What to do: {fact['action']['remedy']} {_IN_FORCE} Waiting runs start on their own as "
        "soon as they can.",
    )


def disabled(fact: ActionFacts) -> Words:
    """Write the letter that an action no longer runs."""
    happened = f"{_action(fact)} no longer runs. {fact['reason']}"
    if fact["action"]["act"] is None:
        happened = f"{_action(fact)} is no longer in the file of actions, so it does not run."
        todo = (
            "to bring it back, add it to the file of actions and restart Tidings; to forget it, "
            "delete its webhook."
        )
    else:
        todo = "fix what it needs, enable the action, and replay what it missed."
    return (
        f"Action {fact['webHookName']} is disabled",
        f"{happened}\n\n"
        f"Parked: {_runs(fact['parked'])}, and every new one. They can be replayed for as long as "
        f"their payload is kept.\n\nWhat to do: {todo}",
    )


def recovered(fact: ActionFacts) -> Words:
    """Write the letter that an action runs again."""
    return (
        f"Action {fact['webHookName']} works again",
        f"{_action(fact)} ran at {at(fact['recoveredAt'])}, for the first time since "
        f"{at(fact['failingSince'])}. Waiting runs are starting now. There is nothing to do.",
    )


def exhausted(fact: ActionFacts) -> Words:
    """Write the letter that runs have ended without the action being done."""
    action, count, failed, parked = fact["action"], fact["count"], fact["failed"], fact["parked"]
    when = f"between {at(fact['from'])} and {at(fact['to'])}"
    if at(fact["from"]) == at(fact["to"]):
        when = f"at {at(fact['to'])}"
    became = [f"{_runs(failed)} failed for good"] if failed else []
    became += [f"{_runs(parked)} {'was' if parked == 1 else 'were'} parked"] if parked else []
    named = ", ".join(fact["deliveryIds"]) or "see its page"
    trouble = f" Of the last one: {action['trouble']}" if action["trouble"] else ""
    remedy = f"{action['remedy']} {_IN_FORCE} Then replay" if action["remedy"] else "replay"
    return (
        f"Action {fact['webHookName']}: {_runs(count)} ended without being done",
        f"{_action(fact)}: {' and '.join(became)} {when}.{trouble}\n\nThe first: {named}.\n\n"
        f"What to do: {remedy} {'it' if count == 1 else 'them'} from the log of the action.",
    )


def lookup_failing(fact: ActionFacts) -> Words:
    """Write the letter that a look-up has had no answer for a while, or that its list waits until
    it is accepted."""
    if not fact["failures"]:
        return (
            f"The list of look-up {fact['lookUp']} was not taken",
            f"Look-up {fact['lookUp']}, at {at(fact['failingSince'])}: {fact['cause']}",
        )
    names: Sequence[str] = fact["actions"]
    more = len(names) - NAMED_MAX
    who = ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
    then = "wait until it answers" if fact["waits"] else "go on without it"
    if len(names) == 1:
        then = "waits until it answers" if fact["waits"] else "goes on without it"
    waiting = " What waits is done by itself as soon as it answers." if fact["waits"] else ""
    return (
        f"Look-up {fact['lookUp']} fails",
        f"The look-up {fact['lookUp']} has had no answer since {at(fact['failingSince'])}. "
        f"{fact['cause']}\n\n"
        f"The action{'s' if len(names) != 1 else ''} {who} {then}.\n\n"
        f"What to do: mend what it asks, or correct [lookups.{fact['lookUp']}] in the file of "
        f"actions. {_IN_FORCE}{waiting}",
    )


def _action(fact: ActionFacts) -> str:
    act = fact["action"]["act"]
    return f"The action {fact['webHookName']}" + ("" if act is None else f" ({act})")


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
