"""What a start leaves out: rows of families that are not here.

While a family arrives, and until the last row of one that has gone is dropped, a store has rows of
it that are nobody's here. They are left out where the store is read whole: each such method of the
port is in `LEFT_OUT`, and a test compares it with those that read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from tidings.core.cells.families import FamilyId, FamilyState
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.owned_keys import OwnedKeys, listed

_Row = TypeVar("_Row")
ABSENT = (FamilyState.ARRIVING, FamilyState.GONE)  # and rows of them may be here
_ABSENT = f"SELECT family FROM family WHERE state IN ({', '.join(str(int(s)) for s in ABSENT)})"
# Rows that are to stay as they are, too: those of a family that is copied from here.
_COPIED = (FamilyState.SEALED, FamilyState.RETURNING)
_AT_REST = f"{_ABSENT[:-1]}, {', '.join(str(int(s)) for s in _COPIED)})"


class AbsentRows:
    """Name whose rows are left out."""

    def __init__(self, connection: StoreConnection, families: Sequence[FamilyId]) -> None:
        self._owned = [OwnedKeys(connection, family) for family in families]

    def keys_of(self, kind: str) -> frozenset[Any]:
        """Return the ids of orgs, or the numbers of what they own."""
        return frozenset(key for owned in self._owned for key in owned.keys_of(kind))

    def listed(self, kind: str) -> str:
        """Return the same as a list in JSON."""
        return listed(sorted(self.keys_of(kind)))

    def without(self, rows: Sequence[_Row], kind: str, field: str = "") -> list[_Row]:
        """Return the rows but for theirs. `field`: where a row says whose it is."""
        absent, name = self.keys_of(kind), field or kind
        return [row for row in rows if getattr(row, name) not in absent]


def read_absent(connection: StoreConnection) -> AbsentRows | None:
    """Return whose rows a store has although their family is not here. None: nobody's."""
    return _read(connection, _ABSENT)


def read_at_rest(connection: StoreConnection) -> AbsentRows | None:
    """Return whose rows nothing may change but a move: those, and what is copied from here."""
    return _read(connection, _AT_REST)


def _read(connection: StoreConnection, query: str) -> AbsentRows | None:
    if not connection.has_table("family"):
        return None
    families = [FamilyId(family) for (family,) in connection.execute(query).fetchall()]
    return AbsentRows(connection, families) if families else None


def _snapshot(found: port.Snapshot, absent: AbsentRows) -> port.Snapshot:
    return msgspec.structs.replace(
        found,
        orgs=absent.without(found.orgs, "org", "id"),
        credentials=absent.without(found.credentials, "org"),
        webhooks=absent.without(found.webhooks, "org"),
        disablings=absent.without(found.disablings, "webhook"),
    )


def _people(found: port.People, absent: AbsentRows) -> port.People:
    """Leave out who is a member nowhere else, and sign-ins of such, or by such a credential."""
    members = absent.without(found.members, "org")
    left = {member.person for member in found.members} - {member.person for member in members}
    return port.People(
        [person for person in found.persons if person.id not in left],
        members,
        [
            session
            for session in absent.without(found.sessions, "credential")
            if session.person not in left
        ],
    )


def _by(kind: str, field: str = "") -> Callable[[Any, AbsentRows], Any]:
    return lambda found, absent: absent.without(found, kind, field)


LEFT_OUT: Mapping[str, Callable[[Any, AbsentRows], Any]] = {
    "load": _snapshot,
    "load_people": _people,
    "load_types": _by("org"),
    "load_transformations": _by("org"),
    "load_sources": _by("org"),
    "load_inboxes": _by("org"),
    "load_activity": _by("source"),
    "dead_letter_sums": _by("source"),
    "load_alert_channels": _by("org"),
    "alert_marks": _by("org"),
    "emails": _by("org"),
    "stops": _by("org"),
    "healths": _by("webhook"),
    "open_incidents": _by("webhook"),
    "incidents": _by("webhook"),
    "past_attempts": _by("webhook"),
    "recover": _by("webhook"),
    "unfinished": _by("webhook"),
    "open_replays": _by("org"),
}
"""Of each method that reads for all orgs: how the rows of those that are not here are left out."""
OF_ONE = frozenset(
    "topic_places table_owner transformation_versions page unfinished_of list_links".split()
)
"""Asked for what such a method has returned."""
