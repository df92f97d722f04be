"""For which org a question of the store is asked: the one that it names, else the caller's."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from tidings.store import port
from tidings.store.hosting.calls import types_of

OWNER_FIELDS = "org", "owner"  # of what is asked with, as `EventQuery.org`

_Asker = Callable[[tuple[Any, ...]], int | None]


def asker_of(operation: str, arguments: tuple[Any, ...]) -> int | None:
    """Return the org that a question is asked for; None where the service asks for itself."""
    return _reader_of(operation)(arguments)


@cache
def _reader_of(operation: str) -> _Asker:
    """Find out of the port's signature where the arguments of an operation name the org."""
    method = getattr(port.Store, operation)
    names = list(inspect.signature(method).parameters)[1:]
    if "org" in names:
        at = names.index("org")
        return lambda arguments: arguments[at]
    for at, kind in enumerate(types_of(method)[0]):
        for field in OWNER_FIELDS:
            if field in getattr(kind, "__struct_fields__", ()):
                return _field_reader(at, field)
    return lambda _: port.ASKING_ORG.get()


def _field_reader(at: int, field: str) -> _Asker:
    return lambda arguments: getattr(arguments[at], field)
