"""The columns of the store that are sealed, and what each value is sealed for.

A sealed text opens only at its place, which is made of what the row is about. Whoever seals asks a
column of this list for the place, so a copy of a store under another key (`store/copying/`) meets
none that it does not know.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NewType

from tidings.core.shaping.reference_rules import RecordKind

SealedPlace = NewType("SealedPlace", bytes)


class SealedColumn(NamedTuple):
    """A column whose values are sealed. `of`: what its places are made of, as expressions over a
    row; `place`: makes one of them."""

    table: str
    column: str
    of: Sequence[str]
    place: Callable[..., bytes]

    def at(self, *of: Any) -> SealedPlace:
        """Return the place of a row's value."""
        return SealedPlace(self.place(*of))


WEBHOOK_CONFIG = SealedColumn(
    table="webhook_version",
    column="config",
    of=(
        "(SELECT w.org FROM webhook w WHERE w.number = webhook_version.webhook)",
        "(SELECT w.id FROM webhook w WHERE w.number = webhook_version.webhook)",
        "version",
    ),
    place=lambda org, webhook_id, version: f"{org}|{webhook_id}|{version}".encode(),
)
REFERENCE_VALUE = SealedColumn(
    table="reference",
    column="value",
    of=("org", "kind", "id"),
    place=lambda org, kind, id: f"reference|{org}|{RecordKind(kind).word}|{id}".encode(),
)
CALL_ANSWER = SealedColumn(table="keyed_call", column="answer", of=("place",), place=bytes)
SOURCE_SETTINGS = SealedColumn(
    table="source",
    column="sealed",
    of=("org", "name"),
    place=lambda org, name: f"source|{org}|{name}".encode(),
)
ALERT_CHANNEL = SealedColumn(
    table="alert_channel",
    column="sealed",
    of=("org", "id"),
    place=lambda org, id: f"alert channel|{org}|{id}".encode(),
)
KEPT_KEY = SealedColumn(
    table="kept_key",
    column="sealed",
    of=("purpose",),
    place=lambda purpose: f"key|{purpose}".encode(),
)
KEPT_LIST = SealedColumn(
    table="kept_list",
    column="sealed",
    of=("name", "run", "pieces"),
    place=lambda name, run, pieces: f"list in force|{name}|{run}|{pieces}".encode(),
)
LIST_PIECE = SealedColumn(
    table="list_piece",
    column="sealed",
    of=("list", "run", "piece"),
    place=lambda list, run, piece: f"list piece|{list}|{run}|{piece}".encode(),
)
SEALED_COLUMNS = (
    WEBHOOK_CONFIG,
    REFERENCE_VALUE,
    CALL_ANSWER,
    SOURCE_SETTINGS,
    ALERT_CHANNEL,
    KEPT_KEY,
    KEPT_LIST,
    LIST_PIECE,
)
