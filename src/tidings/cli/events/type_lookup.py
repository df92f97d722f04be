"""Event types by name: the catalogue's without a service, an org's own from the service."""

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from tidings.catalogue import EventType, load
from tidings.catalogue.event_type import Json
from tidings.cli.calls import ApiClient, calls, part
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.output import clean
from tidings.cli.where import HERE, NO_KEY, Where

OWN = "own"  # the family of what orgs declare
OF_TIDINGS = "tidings."  # raised by the service itself, and refused from anybody else
SECONDS = 10.0


def catalogue_kinds() -> list[EventType]:
    """Return every event type of the catalogue in its newest version, by name."""
    found = (load().get(name) for name in load().names())
    return [kind for kind in found if kind is not None]


def service(where: Where) -> ApiClient | None:
    """Return a client of the service that options, environment or profile name; None where nobody
    names one. Raise CommandExit where what they name cannot be."""
    try:
        return calls(where, SECONDS)
    except CommandExit as stop:
        if stop.problem == NO_KEY and where in (HERE, Where(json=True)):
            return None
        raise


def find_kind(name: str, where: Where, api: ApiClient | None = None) -> EventType:
    """Find the type of a name, in its newest version; of a label (`pointsIssued.v2`) that one.
    Raise CommandExit where there is none.

    The service is asked only for what the catalogue does not have.
    """
    if (kind := _in_catalogue(name)) is not None:
        return kind
    known: list[str] = []
    unasked = ""
    try:
        api = api or service(where)
        if api is not None:
            if (kind := _own(api, name)) is not None:
                return kind
            known = [row["eventName"] for row in own_rows(api)]
    except CommandExit as stop:
        if stop.code is Exit.UNREACHABLE or stop.step:
            raise
        unasked = f"\nTypes of the org's own could not be asked for: {stop.problem}"
    raise CommandExit(_not_there(name, known) + unasked, Exit.NOT_FOUND)


def own_rows(api: ApiClient) -> list[dict[str, Any]]:
    """Return the types that the org declares, each with its name, trigger and newest version. Raise
    CommandExit for any refusal."""
    return [row for row in api.get("/v1/eventTypes")["eventTypes"] if row["own"]]


def versions_of(kind: EventType, where: Where) -> list[int]:
    """Return all versions of a type, oldest first."""
    if kind.family != OWN:
        return sorted(load().versions(kind.name) or ())
    api = service(where)
    return [] if api is None else sorted(api.get(f"/v1/eventTypes/{part(kind.name)}")["versions"])


def raising(names: Sequence[str]) -> str:
    """Return a command that raises events which somebody who wants these types gets."""
    if not names:
        return "tidings simulate --events 20"
    name = next((name for name in names if not name.endswith("*")), names[0])
    if name.startswith(OF_TIDINGS):
        return "tidings tail"
    if _in_catalogue(name) is None:
        return "tidings send event.json" if name.endswith("*") else f"tidings trigger {name}"
    return f"tidings simulate --events 20 --types {name}"


def fresh(example: Json, org: int) -> Json:
    """Copy the event of an example, for an org and at this moment."""
    event: Json = json.loads(json.dumps(example))
    _move(event, str(event.get("orgId")), str(org))
    return event | {
        "eventId": str(uuid.uuid4()),
        "orgId": org,
        "createdAt": time.time_ns() // 1_000_000,
    }


def _move(value: Any, former: str, org: str) -> None:
    """The example's org becomes this one wherever the event names it: in orgId, or in a refId."""
    if isinstance(value, list):
        for inner in value:
            _move(inner, former, org)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        if name == "orgId" and str(inner) == former:
            value[name] = type(inner)(org)
        elif (
            name == "refId"
            and isinstance(inner, str)
            and inner.startswith((f"{former}_", f"{former}-"))
        ):
            value[name] = org + inner[len(former) :]
        else:
            _move(inner, former, org)


def _in_catalogue(name: str) -> EventType | None:
    labels = {kind.label: kind for kind in load().kinds() if kind.version > 1}
    if (kind := labels.get(name) or load().get(load().alias_of(name) or name)) is not None:
        return kind
    return load().get(name[:-3], 1) if name.endswith(".v1") else None


def _own(api: ApiClient, name: str) -> EventType | None:
    """A type that the org declares; None where there is none of this name. Raise CommandExit."""
    base, _, number = name.rpartition(".v")
    asked = [(name, "")]
    if base and number.isascii() and number.isdigit() and len(number) <= 4:
        asked.append((base, f"?version={int(number)}"))
    for word, query in asked:
        if not word.isascii() or len(word) > 200:
            continue
        path = f"/v1/eventTypes/{part(word)}"
        status, answer = api.ask("GET", path + query)
        if status == 200 and answer.get("own"):
            return _made(answer)
        if status not in (200, 400, 404):
            raise api.refused(path, status, answer)
    return None


def _made(declaration: dict[str, Any]) -> EventType:
    """A declared type from what the service says of it. Raise CommandExit."""
    from tidings.catalogue import envelope  # noqa: PLC0415  # most commands name the catalogue's
    from tidings.core.events.own_schema import SchemaRefused  # noqa: PLC0415
    from tidings.core.events.own_types import Declaration, OwnType  # noqa: PLC0415

    example = declaration.get("example") or {}
    declared = Declaration(
        declaration["description"],
        declaration["dataSchema"],
        declaration["key"],
        example=example.get("data"),
    )
    try:
        made = OwnType(declaration["eventName"], declaration["version"], declared, envelope())
    except SchemaRefused as refused:
        raise CommandExit(
            f"The schema of {clean(declaration['eventName'])} must be one that this version of the "
            f"command reads; {clean(refused.sentence)} Use the command of the service's version.",
            Exit.FAILED,
        ) from None
    return made.kind


def _not_there(name: str, own: list[str]) -> str:
    import difflib  # noqa: PLC0415  # only for what is not there

    lower = {known.lower(): known for known in [*load().names(), *own]}
    lower |= {kind.label.lower(): kind.label for kind in load().kinds()}
    near = difflib.get_close_matches(name.lower(), lower, 1)
    hint = f" Did you mean {clean(lower[near[0]])}?" if near else ""
    shown = clean(name if len(name) <= 40 else name[:40] + "…")
    return f"NAME must be an event type; got {shown}.{hint} `tidings events list` shows them all."
