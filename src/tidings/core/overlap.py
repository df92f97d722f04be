"""For how long an old secret goes on beside the new one: one field of both rotations, that of a
credential and that of a webhook's signing secret.

Add a field here; the rest follows.
"""

from typing import Annotated, Any

import msgspec

from tidings.core.declaration import DeclaredField, Field, Json
from tidings.core.field_types import CustomField, Number
from tidings.core.form import Form

FIELD, ALIAS = "overlapInHours", "overlapHours"  # the alias is what `/v3` called it at first
OVERLAP_H, OVERLAP_H_MAX = 24, 720
HOUR_MS = 3_600_000


class _Hours(Number, frozen=True):
    """The hours for which something may come by another name too; a sender who takes that is
    told."""

    def read(self, form: Form, field: DeclaredField, previous: Any) -> Any:
        if ALIAS not in form.body:
            return super().read(form, field, previous)
        if FIELD in form.body:
            form.refuse(
                "given_twice",
                ALIAS,
                f"{FIELD} must be given once; got {ALIAS} too, which means the same. Leave {ALIAS} "
                "out.",
            )
            return previous
        form.warn(
            "field_alias",
            ALIAS,
            f"{FIELD} is the name of this field; got {ALIAS}, which was accepted as an alias. "
            f"Write {FIELD}.",
        )
        named = msgspec.structs.replace(field.field, name=ALIAS)
        return super().read(form, msgspec.structs.replace(field, field=named), previous)


_HOURS = _Hours(0, OVERLAP_H_MAX, "Write 0 for a secret that has leaked.")
_ALIAS = CustomField(lambda form, field, previous: None, schema=_HOURS.taken(new=True))


class Rotation(msgspec.Struct, frozen=True):
    """The body that rotates a secret."""

    overlap_h: Annotated[
        float, Field(FIELD, _HOURS, "How long the old secret is good too; 0: it ends at once.")
    ] = OVERLAP_H
    alias: Annotated[None, Field(ALIAS, _ALIAS, f"The same as {FIELD}.", deprecated=True)] = None

    @property
    def overlap_ms(self) -> int:
        """Return the overlap in milliseconds."""
        return round(self.overlap_h * HOUR_MS)


ONE_NAME: Json = {"not": {"required": [FIELD, ALIAS]}}
"""Of a body that rotates a secret: the field and its alias do not go together."""
