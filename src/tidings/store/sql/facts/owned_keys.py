"""Whose what is: the orgs of a family, and the numbers of their webhooks, sources, inboxes and
replays, by the rows that a store has of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tidings.core.cells.families import FamilyId
from tidings.store.sql.connection import StoreConnection

_ROOT = "SELECT id FROM org WHERE id = ? AND parent IS NULL"
_CHILDREN = (
    "SELECT t.id FROM org t WHERE t.parent IN (SELECT value FROM json_each(?)) ORDER BY t.id"
)
NUMBERED_OWNERS = ("webhook", "source", "inbox", "replay")
_KEY_OF = {**dict.fromkeys(NUMBERED_OWNERS, "number"), "credential": "id"}


def listed(keys: Iterable[Any]) -> str:
    """Return keys as a list in JSON."""
    return msgspec.json.encode([*keys]).decode()


class OwnedKeys:
    """Read once: whoever changes these rows makes another one."""

    def __init__(self, connection: StoreConnection, family: FamilyId) -> None:
        self._connection = connection
        self.orgs = self._read_orgs(family)
        self.orgs_json = listed(self.orgs)
        self._keys: dict[str, Sequence[Any]] = {"org": sorted(self.orgs)}

    def keys_of(self, kind: str) -> Sequence[Any]:
        """Return the ids of orgs, or the numbers or ids of what they own, in order."""
        if (keys := self._keys.get(kind)) is None:
            key = _KEY_OF[kind]
            query = (
                f"SELECT t.{key} FROM {kind} t WHERE t.org IN (SELECT value FROM json_each(?))"
                f" ORDER BY t.{key}"
            )
            found = self._connection.execute(query, (self.orgs_json,)).fetchall()
            keys = self._keys[kind] = [owned for (owned,) in found]
        return keys

    def _read_orgs(self, family: FamilyId) -> list[int]:
        """Return the orgs of a family, each behind its parent."""
        level = [org for (org,) in self._connection.execute(_ROOT, (family,)).fetchall()]
        orgs = [*level]
        while level:
            found = self._connection.execute(_CHILDREN, (listed(level),)).fetchall()
            level = [org for (org,) in found]
            orgs += level
        return orgs
