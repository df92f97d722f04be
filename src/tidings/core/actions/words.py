"""What an action is, in a few words: for lists of them. Pure."""

from pathlib import PurePath
from urllib.parse import urlsplit

from tidings.core.actions.action import (
    Action,
    ActionLookup,
    CsvLookup,
    HttpCall,
    HttpLookup,
    MailAct,
    NewEvents,
    TableRowAct,
)
from tidings.core.actions.file.table import in_words, listed
from tidings.core.actions.placeholders import url_shown

TYPES_SHOWN = 3  # more are counted


def when_of(action: Action) -> str:
    """Describe in a few words when an action is done."""
    parts = [_few(action.types)]
    if action.filter is not None:
        parts.append("filtered")
    if action.unless:
        parts.append(f"unless {_many(len(action.unless), 'reason')}")
    if action.needs:
        parts.append(f"after {action.needs} is done")
    if action.after_s:
        parts.append(f"{in_words(action.after_s)} later")
    if (quiet := action.quiet) is not None:
        parts.append(f"not from {_hour(quiet.start)} to {_hour(quiet.end)}")
    if (cap := action.cap) is not None:
        parts.append(f"at most {cap.most} in {in_words(cap.within_s)}")
    return ", ".join(parts)


def _few(types: tuple[str, ...]) -> str:
    if len(types) <= TYPES_SHOWN:
        return listed(types)
    return f"{types[0]} and {_many(len(types) - 1, 'other type')}"


def _hour(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def does_of(action: Action) -> str:
    """Describe in a few words what an action does."""
    act = action.act
    if isinstance(act, MailAct):
        to = [
            getattr(recipient, "template", None) or str(getattr(recipient, "value", ""))
            for recipient in act.to
        ]
        languages = len(action.acts) - 1
        return f"mail to {listed(to, 'and')}" + (
            f", in {_many(languages, 'language')} besides" if languages else ""
        )
    if isinstance(act, HttpCall):
        path = urlsplit(url_shown(act.url, secret=act.url_secret)).path
        return f"{act.method} {path or '/'}"
    if isinstance(act, NewEvents):
        return act.type + (f" for each of {act.each}" if act.each else "")
    return f"row of {act.table}" if isinstance(act, TableRowAct) else f"record of {act.topic}"


def over_of(action: Action) -> str:
    """Name what an action is done over: a connection, the server that is called, or `itself`."""
    act = action.act
    if isinstance(act, HttpCall):
        return urlsplit(act.url).netloc
    return "itself" if isinstance(act, NewEvents) else act.connection


def looked_up(action: Action) -> str:
    """List an action's look-ups, and where each of them looks; `-` if it has none."""
    return ", ".join(f"{lookup.name} ({_kind(lookup)})" for lookup in action.lookups) or "-"


def _kind(lookup: ActionLookup) -> str:
    where = lookup.where
    if isinstance(where, CsvLookup):
        return PurePath(where.file).name
    if isinstance(where, HttpLookup):
        return urlsplit(where.url).netloc
    return where.connection


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
