"""The port of connections: what a type of them is, how one is looked at, and what is said where it
does not work.

A type is a module beside this, `kafka_type.py`, and a line in `app/connection_types.py`.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.connections.fields import ConnectionField, faults_of
from tidings.errors import Unavailable


class ConnectionDown(Unavailable):
    """A connection does not answer, refuses us, or is not declared as it must be. The text is for
    people, also tenants: what must be, what came, what to do; it holds no secret and no address."""


class ConnectionCheck(Protocol):
    """Looks whether a connection works, and changes nothing there."""

    async def __call__(self, connection: Connection) -> None:
        """Reach what the connection leads to, be let in, and leave. Raise ConnectionDown if that
        fails. It may be cancelled."""
        ...


class ConnectionType(msgspec.Struct, frozen=True):
    """One value of `type` in the operator's file."""

    name: str
    about: str
    fields: Sequence[ConnectionField]
    check: ConnectionCheck
    probe: ConnectionCheck
    """Looks whether anything can be handed over, whoever's it is: the least that `check` looks at.
    It fails by nothing that a single message, topic, table or recipient is the reason of."""
    extra: str = ""
    """What of Tidings is installed for it: `pip install "$(ls dist/tidings-*.whl)[…]"`."""
    together: Callable[[Mapping[str, object]], Iterator[str]] = lambda _: iter(())
    """What is wrong with fields that are right one by one."""

    def faults(self, fields: Mapping[str, object]) -> list[str]:
        """List what is wrong with a connection of the type with these fields."""
        return list(faults_of(self.fields, fields)) or list(self.together(fields))


@contextmanager
def comes_with(extra: str) -> Iterator[None]:
    """Name the extra that installs what is imported within. ConnectionDown where it is not."""
    try:
        yield
    except ImportError:
        importlib.invalidate_caches()  # what is installed meanwhile is found by the next import
        raise ConnectionDown(
            f"What speaks to it must be installed with Tidings; it is not. Ask the operator to run "
            f"{command_of(extra)}."
        ) from None


def command_of(extra: str) -> str:
    """Write what installs an extra, from the wheel where `make wheel` has put it: on a public index
    the name may be somebody else's."""
    return f'pip install "$(ls dist/tidings-*.whl)[{extra}]"'
