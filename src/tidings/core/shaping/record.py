"""A record of reference data or of the platform, as it is held in memory. Pure."""

from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from tidings.catalogue.event_type import Json
from tidings.catalogue.paths import MAX_TEXT, text_of
from tidings.core.exact_json import fields_of, value_of

MADE_MAX = 4  # things made of one record that are kept: what webhooks want of it differs little
FIXED_BYTES, JSON_TIMES = 700, 3  # measured: with what one webhook wants, and a balance
_SMALL = 1 << 63

Made = TypeVar("Made")


class EnrichmentRecord:
    """Knowledge about one store, till, customer, balance or award.

    Its JSON, and what was made of it for events (core/shaping/additions.py): making that anew for
    each costs more than all else there is to a record in memory. Not to be changed; a newer one
    takes its place.
    """

    __slots__ = ("_json", "made")

    def __init__(self, json: bytes) -> None:
        self._json = json
        self.made: dict[str, Any] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnrichmentRecord) and self._json == other._json

    __hash__ = None  # type: ignore[assignment]  # it is no key

    def __repr__(self) -> str:
        """Show it without fields: they are personal data."""
        return f"Record({len(self._json)} bytes)"

    @property
    def bytes(self) -> int:
        """Estimate what it takes in memory, with what is made of it."""
        return FIXED_BYTES + JSON_TIMES * len(self._json)

    @property
    def fields(self) -> Json:
        """Decode the record's fields anew."""
        found: Json = msgspec.json.decode(self._json)
        return found

    @property
    def raw_fields(self) -> dict[str, Raw]:
        """Return the record's fields, each as its JSON."""
        return fields_of(self._json)

    def keep(self, name: str, made: Made) -> Made:
        """Keep what was made of it, to be found in `made` under this name."""
        if len(self.made) >= MADE_MAX:
            self.made.clear()
        self.made[name] = made
        return made


def id_of(value: object) -> str | None:
    """Return a value of an event as the id of a record, 7.0 as the same one as 7; None if it cannot
    be one."""
    if type(value) is int and -_SMALL < value < _SMALL:  # nearly always
        return str(value)
    if type(value) is str:
        return value if 0 < len(value) <= MAX_TEXT else None
    if value is None:
        return None
    return text_of(value_of(value) if isinstance(value, Raw) else value)
