"""The methods of the store's port as calls over a line: their types, and which half answers each.

The marks of `sqlite/answers.py` say what a part answers, the port's annotations say the rest. Of
these `process.py` makes what a child answers, and `client.py` what it is asked.
"""

from collections.abc import Callable, Mapping
from inspect import isfunction
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from tidings.store import port
from tidings.store.sql.answers import answered


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


def answering(half: type) -> dict[str, str]:
    """Map what a half answers, by itself or by the parts that it declares, to where it does.

    `put_inbox` is answered at `inboxes.put`. TypeError where a method is answered twice.
    """
    found: dict[str, str] = {}
    for attribute, part in (("", half), *half.__annotations__.items()):
        for asked, name in answered(part):
            place = f"{attribute}.{name}" if attribute else name
            if asked in found:
                raise TypeError(
                    f"{half.__name__} answers `{asked}` twice, at `{found[asked]}` and at "
                    f"`{place}`: take one of the marks away."
                )
            found[asked] = place
    return found


def functions(kind: type, half: object) -> dict[str, Callable[..., Any]]:
    """Map what a half answers, by the port's names, to the functions of its parts."""
    return {asked: attrgetter(place)(half) for asked, place in answering(kind).items()}


def answerers(protocol: type, halves: Mapping[str, type]) -> dict[str, str]:
    """Map each method to the name of the half that answers it. TypeError unless it is exactly
    one."""
    found: dict[str, list[str]] = {name: [] for name in methods(protocol)}
    for half, kind in halves.items():
        for asked in answering(kind):
            found[asked].append(half)
    for asked, by in found.items():
        if len(by) != 1:
            raise TypeError(
                f"`{protocol.__name__}.{asked}` is answered by {' and '.join(by) or 'no half'}: "
                "mark it with `@answers` in one part of one half."
            )
    return {asked: half for asked, [half] in found.items()}
