"""How an org may be asked for: its id, name, parent, time zone and settings.

Which orgs there are is asked elsewhere: here is what each field may be in itself.

Add a field here; the rest follows.
"""

import functools
import zoneinfo
from typing import Annotated

import msgspec

from tidings.core.declaration import DeclaredField, Field
from tidings.core.field_types import TEXT, BooleanType, CustomField, Nested, ParsedField, TextType
from tidings.core.form import Form, whole_of
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.core.orgs.org_settings import DEFAULT_SETTINGS, OrgSettings
from tidings.values import describe_value

NAME_MAX = 255
_NOT_ZONES = frozenset(("localtime", "Factory", "posixrules"))


def _id(form: Form, field: DeclaredField, previous: int | None) -> int | None:
    value = form.body.get(field.name)
    if not form.new:
        if field.name in form.body and value != previous:
            form.refuse(
                "bad_org_id",
                "id",
                f"id must stay {previous}; got {describe_value(value)}. Leave it out.",
            )
        return previous
    if value is None:
        return None
    number = whole_of(value)
    if number is None or not 1 <= number <= ORG_ID_MAX:
        form.refuse(
            "bad_org_id",
            "id",
            f"id must be a whole number from 1 to {ORG_ID_MAX}; got {describe_value(value)}. Leave "
            "it "
            "out for the next.",
        )
        return None
    return number


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - _NOT_ZONES | {"UTC"}


def is_zone(text: str) -> bool:
    """Return whether the time zone database has a zone of this name."""
    return text in _zones()


_ID = CustomField(
    _id,
    schema={"type": "integer"},
    making={"type": "integer", "minimum": 1, "maximum": ORG_ID_MAX},
)
PARENT = ParsedField(
    whole_of,
    "the id of an org",
    "unknown_parent",
    advice="Create the parent first.",
    clears=True,
    schema={"type": "integer"},
)
_ZONE = ParsedField(
    lambda value: value if isinstance(value, str) and is_zone(value) else None,
    "a name of the IANA time zone database",
    "bad_time_zone",
    advice='Write "Asia/Kolkata" or "UTC".',
    schema=TEXT,
)


class OrgRequest(msgspec.Struct, frozen=True):
    """An org as a body asks for it."""

    name: Annotated[
        str,
        Field("name", TextType(NAME_MAX, "bad_name", "Use the brand's name.", least=1, null=False)),
    ]
    id: Annotated[
        int | None,
        Field("id", _ID, "It stays; of a new org the next one where it is absent.", answered=False),
    ] = None
    alias: Annotated[
        int | None,
        Field(
            "orgId",
            _ID,
            "The same as id, by the name that it has in events.",
            bodies="new",
            answered=False,
        ),
    ] = None
    parent: Annotated[
        OrgId | None, Field("parent", PARENT, "null: at the top. For the platform.")
    ] = None
    time_zone: Annotated[str, Field("timeZone", _ZONE, "An IANA name, such as Asia/Kolkata.")] = (
        "UTC"
    )
    settings: Annotated[
        OrgSettings,
        Field(
            "settings",
            Nested(OrgSettings, "bad_type", "Leave it out to change nothing."),
            "How its events are checked and kept.",
        ),
    ] = DEFAULT_SETTINGS


CELL_MAX = 999_999_999


def _cell_of(value: object) -> int | None:
    number = whole_of(value)
    return number if number is not None and 1 <= number <= CELL_MAX else None


_TO = ParsedField(
    _cell_of,
    "the number of a cell",
    "bad_cell",
    advice="List the cells with GET /v1/cells.",
    schema={"type": "integer", "minimum": 1, "maximum": CELL_MAX},
)


class MoveRequest(msgspec.Struct, frozen=True):
    """Where an org goes that is moved to another cell."""

    to: Annotated[int, Field("to", _TO, "The number of the cell that it goes to.")]
    dry_run: Annotated[
        bool, Field("dryRun", BooleanType(), "Only say what it would take; nothing is moved.")
    ] = False
