"""The methods of the store's port as calls over a line: their types, and which half answers each.

The marks of `sqlite/answers.py` say what a part answers, the port's annotations say the rest. Of
these `process.py` makes what a child answers, and `client.py` what it is asked.
"""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import get_annotations, isfunction
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, get_args, get_type_hints

from tidings.store import port
from tidings.store.sql.answers import answered


class GuardedHalf(Protocol):
    """A half of a store, that looks at what it is asked before it answers."""

    def guarded(self, asked: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of one of its parts, as it answers this method of the port."""


class Answering(NamedTuple):
    """Where a half answers a method of the port."""

    method: Callable[..., Any]
    path: str  # the name of its own method, behind that of the part


def methods(protocol: type) -> dict[str, Callable[..., Any]]:
    """Return the public methods of a protocol, those of its bases too."""
    return {
        name: method
        for base in reversed(protocol.__mro__)
        for name, method in vars(base).items()
        if isfunction(method) and not name.startswith("_")
    }


def types_of(method: Callable[..., Any]) -> tuple[tuple[Any, ...], Any]:
    """Return the types of a method's arguments, in order, and of what is awaited of it."""
    hints = dict(method.__annotations__)
    if any(isinstance(hint, str) for hint in hints.values()):  # rare, and dear at each start
        hints = get_type_hints(method, localns=vars(port))
    [answer] = get_args(hints.pop("return"))
    return tuple(hints.values()), answer


@cache
def answering(half: type) -> Mapping[str, Answering]:
    """Map what a half answers, by itself or by the parts that it declares, to where it does.

    `put_inbox` is answered at `inboxes.put`. TypeError where a method is answered twice.
    """
    found: dict[str, Answering] = {}
    kinds = [kind for kind in reversed(half.__mro__) if kind is not object]
    parts = [("", kind) for kind in kinds]
    parts += [part for kind in kinds for part in get_annotations(kind).items()]
    for attribute, part in parts:
        for method, name in answered(part):
            path = f"{attribute}.{name}" if attribute else name
            asked = method.__name__
            if asked in found:
                raise TypeError(
                    f"{half.__name__} answers `{asked}` twice, at `{found[asked].path}` and at "
                    f"`{path}`: take one of the marks away."
                )
            found[asked] = Answering(method, path)
    return found


def functions(kind: type, half: GuardedHalf) -> dict[str, Callable[..., Any]]:
    """Map what a half answers, by the port's names, to the functions of its parts."""
    return {
        asked: half.guarded(asked, attrgetter(place.path)(half))
        for asked, place in answering(kind).items()
    }


def answerers(protocol: type, halves: Mapping[str, type]) -> dict[str, str]:
    """Map each method to the name of the half that answers it. TypeError unless it is exactly
    one."""
    found: dict[str, list[str]] = {name: [] for name in methods(protocol)}
    for half, kind in halves.items():
        for asked in found.keys() & answering(kind).keys():
            found[asked].append(half)
    for asked, by in found.items():
        if len(by) != 1:
            raise TypeError(
                f"`{protocol.__name__}.{asked}` is answered by {' and '.join(by) or 'no half'}: "
                "mark it with `@answers` in one part of one half."
            )
    return {asked: half for asked, [half] in found.items()}
