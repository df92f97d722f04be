"""Whether a new state of a list that actions look things up in may take the place of the one in
force, or somebody must say first that it is meant. Pure.

A list that was cut off while it was exported is a file like any other, and nobody would notice: who
is not found in it gets nothing, and who has opted out in it gets everything. So what looks like a
slip is not taken until the operator accepts it, and the former state stays in force.
"""

import msgspec

ZONES_SHOWN = 3
ZONES_MAX = 1000  # different ones that nobody knows; a list with more is told by these


class ReadColumns(msgspec.Struct, frozen=True):
    """The columns of a list that its actions read."""

    read: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()  # of these: time zones, for quiet hours


class ListState(msgspec.Struct, frozen=True):
    """Facts about one state of a list."""

    lines: int
    columns: tuple[str, ...]
    unknown_zones: frozenset[str] = frozenset()


def objection_to(now: ListState, former: ListState | None, columns: ReadColumns) -> str | None:
    """Say why a state must be accepted before it is taken, as a sentence; None where it is taken.
    `former`: the state in force; None where there is none. A first list may do without time zones:
    quiet hours have a usual one."""
    if former is not None and now.lines * 2 < former.lines:
        return f"It has {_lines(now.lines)}, where the list in force has {_lines(former.lines)}."
    if former is None and not now.lines:
        return "It has no line beside the names of its columns."
    lost = sorted(
        column
        for column in columns.read - frozenset(now.columns)
        if (column not in columns.zones if former is None else column in former.columns)
    )
    if lost:
        return f"It lacks {_named(lost)}, which actions read."
    fresh = now.unknown_zones - (frozenset() if former is None else former.unknown_zones)
    if fresh:
        shown = ", ".join(sorted(fresh)[:ZONES_SHOWN])
        more = " and others" if len(fresh) > ZONES_SHOWN else ""
        return f"It has time zones that nobody knows: {shown}{more}. Write them as Asia/Kolkata."
    return None


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"


def _named(columns: list[str]) -> str:
    shown = " and ".join(columns[:ZONES_SHOWN])
    more = len(columns) - ZONES_SHOWN
    return f"the column{'s' if len(columns) > 1 else ''} {shown}" + (
        f" and {more} more" if more > 0 else ""
    )
