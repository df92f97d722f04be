"""Whose the calls of a route are, by the route alone. Pure.

It is decided once for each route, when a process begins, so no route is served of which nobody has
decided it. What then tells whose one call is stands in the call's head: its credential, the org in
its path, the session in its cookie. An org's own credential goes before an org in the path: what
the path names of another org is answered as where there is one cell, by the cell that knows the
credential. So an id in a path names nothing further: a call acts for one org, and that org's cell
has the thing or answers that there is none.
"""

import re
from enum import Enum, unique
from typing import NamedTuple

from tidings.core.cells.directory import OpenerKind
from tidings.errors import Unusable


@unique
class Over(Enum):
    """Say whose the calls of a route are for the platform's credential, where they name no org."""

    NO_CELL = ""  # those of the credential's own org
    EVERY_CELL = "every cell"  # whoever takes one asks all owners
    FIRST_CELL = "first cell"  # where their query asks for what is the platform's own
    NEW_FAMILY = "new family"  # of the cell in which an org is to be made
    BODY = "body"  # what opens stands in the body
    EVENTS = "events"  # of the orgs that its events name, each in its cell
    ALL_ORGS = "all orgs"  # whoever takes one asks all owners; an org's own credential is its own
    PROCESS = "process"  # each process's own: its health, its figures, what is the same in all


@unique
class NamedBy(Enum):
    """List what in the head of a call tells whose it is."""

    NOTHING = 0  # it is served where it comes in, or asked of all from there
    CREDENTIAL = 1
    ORG = 2  # in the path, of a route that is open
    OPENER = 3  # in the path or the query, the same
    SESSION = 4


class CallSubject(NamedTuple):
    """Hold what tells whose the calls of a route are. `name`: of the parameter of path or query
    that an org or an opener stands in; empty: there is none. `opener`: what kind it is of."""

    by: NamedBy
    name: str = ""
    opener: OpenerKind | None = None
    over: Over = Over.NO_CELL


SERVED_HERE = CallSubject(NamedBy.NOTHING, over=Over.PROCESS)
OF_SESSION = CallSubject(NamedBy.SESSION)
PLATFORMS_QUERY = b"chain=platform"  # asks for the log of what belongs to no org
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_ORGS = ("org_id", "source_org", "org")
_OPENERS = {"token": OpenerKind.INBOX}  # of routes that are open


class UndecidedRoute(Unusable):
    """Nobody has decided whose the calls of a route are."""


def subject_of(
    call: str, path: str, *, is_open: bool, of_platform: bool, over: Over
) -> CallSubject:
    """Return whose the calls of an API's route are. Raise UndecidedRoute where its entry does not
    say it: one that is open, or for the platform alone, with nothing in its path that tells it."""
    names = _PARAMETER.findall(path)
    org = next((name for name in _ORGS if name in names), "")
    if over in (Over.PROCESS, Over.EVERY_CELL, Over.NEW_FAMILY, Over.BODY):
        return CallSubject(NamedBy.NOTHING, over=over)
    if is_open:
        if org:
            return CallSubject(NamedBy.ORG, org)
        opener = next((name for name in _OPENERS if name in names), "")
        if opener:
            return CallSubject(NamedBy.OPENER, opener, opener=_OPENERS[opener])
    elif org or names or not of_platform:
        return CallSubject(NamedBy.CREDENTIAL, org, over=over)
    raise UndecidedRoute(
        f"{call}: its entry must say over what its calls are (`over`): nothing in its path tells "
        "whose they are"
    )
