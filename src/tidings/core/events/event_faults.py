"""Why one event is refused by its name, org, size or schema, and what is said of it."""

from collections.abc import Sequence

from tidings.core.events.call_split import CallLimits
from tidings.core.events.envelope import EventFault, bad_name
from tidings.core.events.known_types import TypeViolation
from tidings.core.events.own_types import RESERVED
from tidings.core.ids import UNKNOWN_NAME, OrgId
from tidings.values import IN_EVENTS, describe_value


def refused_name(name: object) -> EventFault:
    """Return the fault of a name that is none, or is kept for Tidings itself."""
    if not isinstance(name, str) or not name.startswith(RESERVED):
        return bad_name(name)
    rule = f"eventName must not begin with {RESERVED}, which Tidings alone tells of itself"
    return EventFault(
        "reserved_name",
        f"{rule}; got {describe_value(name, IN_EVENTS)}. Choose another name.",
        "eventName",
    )


def unknown_org(org: OrgId) -> EventFault:
    """Return the fault of an org that there is not."""
    message = f"orgId must name an existing org; got {org}. Create it first, or correct the number."
    return EventFault("unknown_org", message, "orgId")


def check_size(raw: bytes, limits: CallLimits) -> None:
    """Raise the fault of an event that is too large."""
    if len(raw) > limits.event_bytes:
        raise event_too_large(raw, limits)


def event_too_large(raw: bytes, limits: CallLimits) -> EventFault:
    """Return the fault of an event that is too large."""
    rule = f"An event must have at most {limits.event_bytes} bytes"
    advice = "Send a reference to what is large"
    return EventFault("event_too_large", f"{rule}; got {len(raw)}. {advice}.")


def check_unknown(name: str, *, admitted: bool) -> None:
    """Raise the fault of a name that the catalogue does not have, where such are refused."""
    if admitted:
        if UNKNOWN_NAME.fullmatch(name):
            return
        rule = "eventName must be 1 to 128 of A-Z a-z 0-9 _ . : -"
        raise EventFault(
            "event_name", f"{rule}; got {describe_value(name, IN_EVENTS)}. Rename it.", "eventName"
        )
    rule = "eventName must be in the catalogue"
    advice = "Names are case-sensitive; an org can be set to admit unknown ones"
    raise EventFault(
        "unknown_type", f"{rule}; got {describe_value(name, IN_EVENTS)}. {advice}.", "eventName"
    )


def weigh_problems(name: str, problems: Sequence[TypeViolation], *, lenient: bool) -> str | None:
    """Return the warning for an event that its type does not allow, or raise its fault."""
    first = "" if len(problems) == 1 else f"It is the first of {len(problems)} problems. "
    message = f"{problems[0].message} {first}The schema of {name} says more."
    if lenient:
        return message
    raise EventFault("schema", message, problems[0].path)
