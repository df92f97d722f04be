"""A connection: a system outside that the operator has declared by name. Pure.

Tenants name it and never see where it leads. What its fields mean is for the driver of its type to
say.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tidings.core.field_types import named
from tidings.core.ids import OrgId

NAME = re.compile(r"[a-z0-9-]{1,63}")
_MUST = "the name of a connection: a-z, 0-9 and -", "Write main."
NAMES_ONE = named(NAME, *_MUST)
NAMES_ONE_OR_BLANK = named(re.compile(r"[a-z0-9-]{0,63}"), *_MUST)
"""What the field of a source or webhook may be that names one."""


class Connection(msgspec.Struct, frozen=True):
    """One connection. `orgs`: who may name it beside the platform; None: every org. `processes`:
    how many share what it admits at one time."""

    name: str
    kind: str
    fields: Mapping[str, object]
    orgs: frozenset[OrgId] | None = frozenset()
    processes: int = 1

    def __repr__(self) -> str:
        """Show name and kind alone: some of the other fields are secret."""
        return f"Connection(name={self.name!r}, kind={self.kind!r})"

    def admits(self, field: str, usual: int) -> int:
        """Return how many this process may have at one time of what a field bounds: an equal part
        of all, and at least one."""
        return max(1, int(str(self.fields.get(field, usual))) // self.processes)

    def may_be_named_by(self, org: OrgId, *, platform: bool) -> bool:
        """Return whether a source or a webhook of the org may name it."""
        return platform or self.orgs is None or org in self.orgs


class Connections(Mapping[str, Connection]):
    """All that the operator has declared, by name."""

    def __init__(self, declared: Iterable[Connection] = (), default: str | None = None) -> None:
        """`default`: the name of the one that messages of the platform's own queue go over."""
        self._by_name = {connection.name: connection for connection in declared}
        self.default = None if default is None else self._by_name[default]

    def joined(self, others: Mapping[str, Connection]) -> "Connections":
        """Return these connections and others, which have other names."""
        default = None if self.default is None else self.default.name
        return Connections([*self._by_name.values(), *others.values()], default)

    def shared_by(self, processes: int) -> "Connections":
        """Return these connections, each shared by so many processes."""
        shared = [
            msgspec.structs.replace(connection, processes=max(1, processes))
            for connection in self._by_name.values()
        ]
        return Connections(shared, None if self.default is None else self.default.name)

    def __getitem__(self, name: str) -> Connection:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def open_to(self, org: OrgId, *, platform: bool) -> dict[str, Connection]:
        """Return the connections that a source or a webhook of the org may name."""
        return {
            name: connection
            for name, connection in self._by_name.items()
            if connection.may_be_named_by(org, platform=platform)
        }
