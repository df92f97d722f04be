"""A connection: a system outside that the operator has declared by name. Pure.

Tenants name it and never see where it leads. What its fields mean is for the driver of its type to
say.
"""

from collections.abc import Mapping

import msgspec

from tidings.core.ids import OrgId


class Connection(msgspec.Struct, frozen=True):
    """One connection. `orgs`: who may name it beside the platform; None: every org."""

    name: str
    kind: str
    fields: Mapping[str, object]
    orgs: frozenset[OrgId] | None = frozenset()

    def __repr__(self) -> str:
        """Without its fields, some of which are secret."""
        return f"Connection(name={self.name!r}, kind={self.kind!r})"

    def may_be_named_by(self, org: OrgId, *, platform: bool) -> bool:
        """Whether a source or a webhook of the org may name it."""
        return platform or self.orgs is None or org in self.orgs
