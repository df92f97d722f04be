"""Which route a call is for, as far as it tells whose it is: a tree of the segments of paths.

Each route of the application is in it, the console's pages too, or the process does not begin.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from starlette.routing import BaseRoute, Route

from tidings.api.router import EntryRoute
from tidings.api.v1.events.accept import ACCEPT
from tidings.console.place import OUTSIDE
from tidings.core.cells.call_subject import (
    OF_SESSION,
    SERVED_HERE,
    CallSubject,
    NamedBy,
    Over,
    UndecidedRoute,
)
from tidings.core.cells.directory import OpenerKind

_LINK = CallSubject(NamedBy.OPENER, "link", opener=OpenerKind.LINK)
_BODY = CallSubject(NamedBy.NOTHING, over=Over.BODY)
# Pages that are there for who has no session, as far as the start of their paths tells.
_OF_STRANGERS: Mapping[str, CallSubject] = {
    "GET /": SERVED_HERE,
    f"GET {OUTSIDE.at('/')}": SERVED_HERE,
    f"GET {OUTSIDE.at('/static/')}{{name:path}}": SERVED_HERE,
    f"GET {OUTSIDE.at('/sign-in')}": _LINK,
    f"POST {OUTSIDE.at('/sign-in')}": _BODY,
    f"GET {OUTSIDE.at('/welcome')}": _LINK,
    f"POST {OUTSIDE.at('/welcome')}": _BODY,
    f"GET {OUTSIDE.at('/confirm')}": CallSubject(NamedBy.OPENER, "token", opener=OpenerKind.LINK),
    f"POST {OUTSIDE.at('/confirm')}": _BODY,
    f"GET {OUTSIDE.at('/portal')}": _LINK,
    f"GET {OUTSIDE.at('/portal.css')}": SERVED_HERE,
}
# Pages of no org that are not the session's cell's.
_OF_NO_ORG: Mapping[str, CallSubject] = {
    f"GET {OUTSIDE.at('/audit')}": CallSubject(NamedBy.SESSION, over=Over.FIRST_CELL),
    f"POST {OUTSIDE.at('/orgs/new')}": CallSubject(NamedBy.SESSION, over=Over.NEW_FAMILY),
}


class RoutedPath(NamedTuple):
    """Hold what tells whose a call is, and what its path has for the parameters of its route."""

    subject: CallSubject
    parameters: Mapping[str, str]


class _Node:
    """Hold what follows a segment."""

    __slots__ = ("literal", "name", "parameter", "rest", "subjects")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.parameter: dict[str, _Node] = {}  # by the parameter's name
        self.subjects: dict[str, CallSubject] = {}  # by method
        self.rest: dict[str, CallSubject] = {}  # the same, of all that lies below


class CallTable:
    """The routes of an application. Built once, asked for each call."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        """Raise UndecidedRoute where nobody has decided whose the calls of a route are. The accept
        path is no route, and is always in it."""
        self._root = _Node()
        self._exact: dict[tuple[str, str], RoutedPath] = {}
        self._add(ACCEPT.method, ACCEPT.path, ACCEPT.subject)
        for route in routes:
            if not isinstance(route, Route):
                raise UndecidedRoute(f"{route!r}: what is served there has no path of its own")
            for method in sorted(route.methods or ()):
                self._add(method, route.path, subject_of_route(route, method))

    def find(self, method: str, path: str) -> RoutedPath | None:
        """Return what tells whose a call is; None where no route is at its path, so that each
        process answers it alike."""
        method = "GET" if method == "HEAD" else method
        found = self._exact.get((method, path))
        if found is not None:
            return found
        parameters: dict[str, str] = {}
        subject = _walk(self._root, path.split("/"), 0, method, parameters)
        return None if subject is None else RoutedPath(subject, parameters)

    def _add(self, method: str, path: str, subject: CallSubject) -> None:
        if "{" not in path:
            self._exact[method, path] = RoutedPath(subject, {})
        node = self._root
        for segment in path.split("/"):
            name, _, kind = segment.partition("}")[0].removeprefix("{").partition(":")
            if segment.startswith("{") and kind == "path":
                node.rest[method] = subject
                return
            nodes, key = (
                (node.parameter, name) if segment.startswith("{") else (node.literal, segment)
            )
            node = nodes.setdefault(key, _Node())
        node.subjects[method] = subject


def subject_of_route(route: Route, method: str) -> CallSubject:
    """Return what tells whose the calls of a route are. UndecidedRoute where nothing does."""
    if isinstance(route, EntryRoute):
        return route.entry.subject
    call = f"{'GET' if method == 'HEAD' else method} {route.path}"
    found = _OF_STRANGERS.get(call) or _OF_NO_ORG.get(call)
    if found is not None:
        return found
    if route.path == OUTSIDE.at() or route.path.startswith(OUTSIDE.at("/")):
        return OF_SESSION
    raise UndecidedRoute(f"{call}: it is no page of the console, and has no entry")


def _walk(
    node: _Node, segments: list[str], place: int, method: str, parameters: dict[str, str]
) -> CallSubject | None:
    if place == len(segments):
        return node.subjects.get(method)
    segment = segments[place]
    following = node.literal.get(segment)
    if following is not None:
        found = _walk(following, segments, place + 1, method, parameters)
        if found is not None:
            return found
    for name, following in node.parameter.items():
        if segment:
            found = _walk(following, segments, place + 1, method, parameters)
            if found is not None:
                parameters[name] = segment
                return found
    return node.rest.get(method)
