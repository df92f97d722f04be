"""`tidings trigger`: raises a fresh event of the org's own, made from its type's example."""

import json
import re
from typing import Annotated, Any

from cyclopts import Parameter

from tidings.cli.calls import ApiClient, calls
from tidings.cli.events.event_names import RaisedName
from tidings.cli.events.send import post
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.options.values import read_json
from tidings.cli.output import clean
from tidings.cli.where import HERE, Where

_PATH = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[\d{1,4}\])*")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def trigger(
    name: RaisedName,
    /,
    *,
    set: Annotated[list[str] | None, Parameter(negative=())] = None,
    where: Where = HERE,
) -> int:
    """Send a new event of a type, built from its example, for your own org.

    Each call sends a different event: its eventId is new, and it happens now.

    Parameters
    ----------
    name
        The event type; NAME.v2 for a version, else the newest. Types of the org's own too.
    set
        A value in it, as path=JSON: --set data.totalPointsIssued=86. May be given several times.
    """
    from tidings.cli.events.type_lookup import OF_TIDINGS  # help needs it not

    changes = [_change(change) for change in set or []]
    if name.startswith(OF_TIDINGS):
        raise CommandExit(
            f"NAME must be an event type that your systems raise; got {clean(name[:60])}, which "
            "Tidings raises by itself. Subscribe to it, or take one of `tidings events list`.",
            Exit.USAGE,
        )
    api = calls(where)
    event = _event(api, name, where)
    for path, value in changes:
        put(event, path, value)
    return post(api, json.dumps(event, ensure_ascii=False).encode(), where.json)


def _event(api: ApiClient, name: str, where: Where) -> dict[str, Any]:
    """An event of the type that has not happened yet, as its example says. Raise CommandExit."""
    from tidings.cli.events.type_lookup import find_kind, fresh

    kind = find_kind(name, where, api)
    if kind.examples:
        return fresh(kind.example, api.org())
    say(f"{kind.label} declares no example: data holds what --set puts there.")
    versioned = {"eventVersion": kind.version} if kind.version > 1 else {}
    return fresh({"eventName": kind.name, **versioned, "data": {}}, api.org())


def _change(assignment: str) -> tuple[str, Any]:
    path, equals, value = assignment.partition("=")
    path = path.strip()
    if not equals or not _PATH.fullmatch(path):
        raise CommandExit(
            f"--set must be path=JSON; got {clean(assignment[:60])}. Write "
            "data.totalPointsIssued=86, or "
            "data.lines[0].sku=A1.",
            Exit.USAGE,
        )
    return path, read_json(f"--set {path}", value)


def put(event: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path of the event; what is not there on the way is made. Raise
    CommandExit."""
    steps = [int(at) if at else name for at, name in _STEP.findall(path)]
    inside: Any = event
    for number, step in enumerate(steps):
        if isinstance(step, int):
            if not isinstance(inside, list) or step > len(inside):
                raise _astray(path, f"[{step}]", inside)
            if step == len(inside):
                inside.append(None)
        elif not isinstance(inside, dict):
            raise _astray(path, step, inside)
        if number == len(steps) - 1:
            inside[step] = value
            return
        there = inside[step] if isinstance(step, int) else inside.get(step)
        if there is None:
            there = inside[step] = [] if isinstance(steps[number + 1], int) else {}
        inside = there


def _astray(path: str, step: str, inside: Any) -> CommandExit:
    got = "a single value"
    if isinstance(inside, dict):
        got = "an object"
    elif isinstance(inside, list):
        got = f"a list of {len(inside)}"
    return CommandExit(
        f"--set {clean(path[:60])} must lead through the event; got {got} before {clean(step)}. "
        "`tidings events example` shows what there is.",
        Exit.USAGE,
    )
