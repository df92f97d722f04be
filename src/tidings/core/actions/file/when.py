"""When an action is done: unless what, in which hours, how often, and how many at a time. Pure."""

import re

import msgspec

from tidings.core.actions.action import LANGUAGE_MAX, Cap, Compared, Quiet, Unless
from tidings.core.actions.file.heard import filter_in, tests_of
from tidings.core.actions.file.table import Table, View, listed
from tidings.core.form import nearest
from tidings.core.orgs.org_rules import is_zone
from tidings.core.shaping.filters.compiler import CompiledFilter, Node
from tidings.core.webhooks.body_reader import CONNECTIONS_MAX
from tidings.core.webhooks.fields import DEADLINE_MAX_S, DEADLINE_MIN_S, RATE_MAX_PER_S
from tidings.core.webhooks.webhook import Ordering
from tidings.values import describe_value

DAY_S = 86_400.0
AFTER_MAX_S = 6 * DAY_S  # a delivery is tried for seven: one day is left for what fails
CAP_MAX, CAP_WITHIN_MIN_S, CAP_WITHIN_MAX_S = 1000, 60.0, 366 * DAY_S
UNLESS_MAX, BECAUSE_MAX = 20, 200
SAME, DIFFER = "same", "differ"
_REASONS = ("filter", SAME, DIFFER)
_MINUTE = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
LANGUAGE = re.compile(rf"(?=.{{2,{LANGUAGE_MAX}}}$)[A-Za-z]{{2,3}}(?:-[A-Za-z0-9]{{2,8}}){{0,4}}")


def unless_in(table: Table, view: View) -> tuple[Unless, ...]:
    """Read the reasons why an action is not done; what is wrong with them is reported."""
    value = table.body.get("unless", [])
    example = '[{filter = {path = "contact.opted_out", eq = "yes"}, because = "Opted out."}]'
    if not isinstance(value, list) or len(value) > UNLESS_MAX:
        table.refuse(
            "bad_type",
            "unless",
            f"unless must be a list of at most {UNLESS_MAX} tables; got {describe_value(value)}. "
            "Write "
            f"{example}.",
        )
        return ()
    found = []
    for at, condition in enumerate(value):
        if not isinstance(condition, dict):
            table.refuse(
                "bad_type",
                f"unless[{at}]",
                "unless must contain tables of filter and because; got "
                f"{describe_value(condition)}. Write {example}.",
            )
            continue
        inner = table.within(f"unless[{at}]", condition)
        inner.refuse_unknown((*_REASONS, "because"))
        inner.need("because", '"The customer has opted out."')
        made = _reason(inner, view)
        because = inner.line("because", BECAUSE_MAX, '"The customer has opted out."')
        if made is not None and because:
            found.append(Unless(made, because))
    return tuple(found)


def _reason(table: Table, view: View) -> CompiledFilter | Compared | None:
    reasons = [reason for reason in _REASONS if reason in table.body]
    if len(reasons) > 1:
        table.refuse(
            "bad_type",
            reasons[1],
            f"A reason must have one of {listed(_REASONS)}; got {' and '.join(reasons)}. Write two "
            "reasons.",
        )
        return None
    if reasons in ([SAME], [DIFFER]):
        paths = table.texts(reasons[0], 2, '["member.tier", "primary.tier"]')
        if len(paths) == 1:
            table.refuse(
                "bad_type",
                reasons[0],
                f"{reasons[0]} must be a list of two paths; got one. Add one.",
            )
        seen = [table.is_seen(f"{reasons[0]}[{at}]", path, view) for at, path in enumerate(paths)]
        if seen != [True, True]:
            return None
        return Compared((paths[0], paths[1]), reasons == [SAME])
    table.need("filter", '{path = "contact.opted_out", eq = "yes"}')
    if (made := filter_in(table, "filter")) is None:
        return None
    for node in tests_of(made[1].root):
        _judge_test(table, node, view)
    return made[1]


def _judge_test(table: Table, node: Node, view: View) -> None:
    """Check that a test begins with the event or one of the action's look-ups."""
    root, place = str(node.steps[0]), f"{node.place}.path"
    table.faults.read_paths.add(node.path)
    if root not in view.names:
        table.refuse(
            "unknown_name",
            place,
            f"path must begin with {listed(view.names)}, which the action sees; got "
            f"{describe_value(node.path)}."
            f"{nearest(root, view.names) or ' Name the look-up in lookups of the action.'}",
        )
    elif root == "event" and view.is_lost(node.path):
        table.knows(place, node.path, view)


# -- at what time ---------------------------------------------------------------------------------


def quiet_in(table: Table, view: View) -> Quiet | None:
    """Read the hours in which nobody is disturbed; None if there are none, or they are wrong, which
    is reported."""
    example = '{from = "21:00", to = "08:00", usual = "Asia/Kolkata"}'
    if (inner := table.table("quiet", example)) is None:
        return None
    inner.refuse_unknown(("from", "to", "zone", "usual"))
    start, end = _minute(inner, "from", "21:00"), _minute(inner, "to", "08:00")
    zone = inner.seen("zone", view)
    table.faults.zone_paths.add(zone)
    usual = inner.text(
        "usual", "a time zone of the tz database", is_zone, '"Asia/Kolkata"', "bad_zone"
    )
    if start is None or end is None:
        return None
    if start == end:
        inner.refuse(
            "bad_quiet",
            "to",
            f"to must be a different minute from from; got {describe_value(inner.body['to'])} in "
            "both. Leave quiet out to send at any hour.",
        )
        return None
    return Quiet(start, end, zone, usual_zone=usual or "UTC")


def _minute(table: Table, field: str, example: str) -> int | None:
    if not table.need(field, f'"{example}"'):
        return None
    value = table.body[field]
    found = _MINUTE.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return 60 * int(found[1]) + int(found[2])
    table.refuse(
        "bad_time",
        field,
        f"{field} must be an hour and a minute from 00:00 to 23:59, in quotes; got "
        f"{describe_value(value)}. "
        f'Write "{example}".',
    )
    return None


def cap_in(table: Table, view: View) -> Cap | None:
    """Read how often at most it is done for one subject."""
    example = '{most = 1, within = "30d", subject = "event.data.customerIdentifiers.customerId"}'
    if (inner := table.table("cap", example)) is None:
        return None
    inner.refuse_unknown(("most", "within", "subject"))
    there = [
        inner.need(field, example)
        for field, example in (("within", '"30d"'), ("subject", '"event.data.…"'))
    ]
    most = inner.count("most", 1, CAP_MAX, 1)
    within_s = inner.duration("within", CAP_WITHIN_MIN_S, CAP_WITHIN_MAX_S, None)
    subject = inner.seen("subject", view)
    return Cap(most, within_s, subject) if all(there) and subject else None


# -- how many at a time ---------------------------------------------------------------------------


class Pace(msgspec.Struct, frozen=True):
    """Pace of an action's deliveries, as those of a webhook."""

    ordering: Ordering
    at_once: int
    rate_per_s: float | None
    deadline_s: float
    again: frozenset[int]
    never: frozenset[int]


PACE_FIELDS = ("order", "at_once", "rate", "deadline", "again", "never")


def pace_in(table: Table) -> Pace:
    """Read the pace of an action's deliveries."""
    again, never = _statuses(table, "again"), _statuses(table, "never")
    if both := sorted(again & never):
        table.refuse(
            "bad_statuses",
            "never",
            f"never must contain no status of again; got {both[0]} in both. Remove it from one of "
            "them.",
        )
    return Pace(
        ordering=Ordering(table.one_of("order", tuple(Ordering), Ordering.NONE)),
        at_once=table.count("at_once", 1, CONNECTIONS_MAX, 10),
        rate_per_s=table.number("rate", 0.01, RATE_MAX_PER_S, None),
        deadline_s=table.duration(
            "deadline", DEADLINE_MIN_S, DEADLINE_MAX_S, float(DEADLINE_MAX_S)
        ),
        again=again,
        never=never,
    )


def _statuses(table: Table, field: str) -> frozenset[int]:
    value = table.body.get(field, [])
    fits = isinstance(value, list) and all(
        type(status) is int and 300 <= status <= 599 for status in value
    )
    if fits:
        return frozenset(value)
    got = (
        f"a list of {', '.join(map(describe_value, value[:5]))}"
        if isinstance(value, list)
        else describe_value(value)
    )
    table.refuse(
        "bad_statuses",
        field,
        f"{field} must be a list of statuses from 300 to 599; got {got}. Leave it out for the "
        "documented default.",
    )
    return frozenset()
