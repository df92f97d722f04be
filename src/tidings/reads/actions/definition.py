"""What an action is, as its file declares it: in words and as data. Secrets are in neither."""

from collections.abc import Mapping
from typing import Any

from tidings.core.actions.act_words import describe_act, kind_of
from tidings.core.actions.action import (
    Action,
    ActionLookup,
    Compared,
    CsvLookup,
    HttpLookup,
    Quiet,
    SqlLookup,
    is_once,
)
from tidings.core.actions.file.table import in_words
from tidings.core.actions.placeholders import url_shown
from tidings.core.shaping.filters.compiler import CompiledFilter, compile_filter
from tidings.core.shaping.filters.words import describe_filter
from tidings.engine.actions.lookups import LookupState
from tidings.reads.actions.acts import show_act

_MISSING = {
    "skip": "nothing is done",
    "fail": "it fails",
    "empty": "it goes on with an empty one",
}
_FAILING = {"wait": "it waits, and is tried again", "empty": "it goes on with an empty one"}


def show_definition(action: Action, states: Mapping[str, LookupState]) -> dict[str, Any]:
    """Show all of an action's definition. `states`: how its look-ups do, by their names."""
    quiet, cap = action.quiet, action.cap
    return {
        "filter": None if action.filter is None else dict(action.filter),
        "when": describe_when(action),
        "lookUps": [show_lookup(lookup, states[lookup.name]) for lookup in action.lookups],
        "unless": [
            {
                "filter": _source(condition.filter),
                "when": _describe_reason(condition.filter),
                "because": condition.because,
            }
            for condition in action.unless
        ],
        "needs": action.needs or None,
        "afterInSeconds": action.after_s or None,
        "quiet": None
        if quiet is None
        else {
            "from": clock_of(quiet.start),
            "to": clock_of(quiet.end),
            "zone": quiet.zone or None,
            "usual": quiet.usual_zone,
        },
        "cap": None
        if cap is None
        else {"most": cap.most, "withinInSeconds": cap.within_s, "subject": cap.subject},
        "waits": list_waits(action),
        "capped": describe_cap(action),
        "language": action.language or None,
        "languages": [name for name in action.acts if name],
        "acts": [
            {"language": name or None, "kind": kind_of(act), "does": describe_act(act)}
            | {"content": show_act(act)}
            for name, act in action.acts.items()
        ],
        "anew": action.anew,
        "ordering": action.ordering.value,
        "atOnce": action.at_once,
        "rateLimit": action.rate_per_s,
        "deadlineInSeconds": action.deadline_s,
        "again": sorted(action.again),
        "never": sorted(action.never),
    }


def _source(filter: CompiledFilter | Compared) -> dict[str, Any]:
    """As the file has it."""
    if isinstance(filter, CompiledFilter):
        return filter.source
    return {"same" if filter.same else "differ": list(filter.paths)}


def _describe_reason(filter: CompiledFilter | Compared) -> str:
    if isinstance(filter, CompiledFilter):
        return describe_filter(filter)
    one, other = filter.paths
    return f"{one} is {'' if filter.same else 'not '}the same as {other}"


def describe_when(action: Action) -> str:
    """Describe which events it is for: `customerAdded, where data.loyaltyType is LOYALTY`."""
    types = ", ".join(action.types)
    if action.filter is None:
        return types
    return f"{types}, where {describe_filter(compile_filter(dict(action.filter)))}"


def list_waits(action: Action) -> list[str]:
    """List what it waits for, a sentence each."""
    sentences = []
    if action.needs:
        sentences.append(f"It waits until {action.needs} was done for the same event.")
    if action.after_s:
        since = f"{action.needs} was done" if action.needs else "the event was accepted"
        sentences.append(f"It is done {in_words(action.after_s)} after {since}.")
    if action.quiet is not None:
        sentences.append(_describe_quiet(action.quiet))
    if is_once(action):
        sentences.append("It is called at most once: what may have been done is not tried again.")
    return sentences


def describe_cap(action: Action) -> str | None:
    """Say how often it is done at most."""
    if (cap := action.cap) is None:
        return None
    times = "once" if cap.most == 1 else f"{cap.most:,} times"
    return f"It is done at most {times} within {in_words(cap.within_s)} for the same {cap.subject}."


def _describe_quiet(quiet: Quiet) -> str:
    zone = (
        f"by {quiet.zone}, else by {quiet.usual_zone}" if quiet.zone else f"by {quiet.usual_zone}"
    )
    return f"Nobody is disturbed from {clock_of(quiet.start)} to {clock_of(quiet.end)} {zone}."


def clock_of(minute: int) -> str:
    """Return a minute of the day, as `21:00`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


# -- look-ups -------------------------------------------------------------------------------------


def show_lookup(lookup: ActionLookup, state: LookupState) -> dict[str, Any]:
    """Show a look-up, and how it does."""
    kind, asks = _asks(lookup)
    return {
        "name": lookup.name,
        "kind": kind,
        "asks": asks,
        "missing": lookup.missing,
        "failing": lookup.failing,
        "otherwise": f"Where there is none, {_MISSING[lookup.missing]}; where nobody answers, "
        f"{_FAILING[lookup.failing]}.",
        "cacheInSeconds": lookup.cache_s,
        "deadlineInSeconds": lookup.deadline_s,
        "rateLimit": lookup.rate_per_s,
        "atOnce": lookup.at_once,
        "asked": state.asked,
        "failed": state.failed,
        "leftAlone": state.left_alone,
        "trouble": state.why,
    }


def _asks(lookup: ActionLookup) -> tuple[str, str]:
    """Of what kind it is, and what it asks for."""
    where = lookup.where
    match where:
        case CsvLookup(file, key, by):
            return "csv", f"The line of {file.rpartition('/')[2]} whose {key} is {by}"
        case HttpLookup():
            return "http", f"GET {url_shown(where.url, secret=where.url_secret)}"
        case SqlLookup(connection, statement):
            return "sql", f"{' '.join(statement.split())} (over the connection {connection})"
