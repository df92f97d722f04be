"""On whose behalf a call is made: what `attribution` shows of who created or changed a thing.

The original's headers: `X-CAP-API-ATTRIBUTION-ENTITY-TYPE` (TILL where it is absent) and
`X-CAP-API-ATTRIBUTION-ENTITY-CODE`. Without a code the credential or the person itself is shown.
"""

import hashlib
from typing import Any, Literal

import msgspec

from tidings.core.form import visible
from tidings.errors import FieldRefusal
from tidings.values import describe_value

CODE_MAX = 128
_NUMBER_MAX = 2**31 - 1  # clients of the original may keep a number of 32 bits with a sign
ENTITY_TYPES = (
    "TILL",
    "STORE_CODE",
    "STORE_NAME",
    "STORE_EXTERNAL_ID",
    "STORE_EXTERNAL_ID_1",
    "STORE_EXTERNAL_ID_2",
)


class StoredAttribution(msgspec.Struct, frozen=True):
    """The author of an event as it is kept: `id` is a text; `show_attribution` makes it a
    number."""

    id: str = ""
    code: str = ""
    description: str = ""
    name: str = ""
    type: Literal["TILL", "ADMIN_USER"] = "ADMIN_USER"


def show_attribution(who: StoredAttribution) -> dict[str, Any]:
    """Return the five fields as the original answers them: its `id` is a number, ours are texts."""
    return msgspec.structs.asdict(who) | {"id": number_of(who.id)}


def number_of(id: str) -> int:
    """Return the number that stands for an id: the same one for good, positive, of at most 31 bits;
    0 for an empty one. Two ids may have one number, though hardly two of one org: `code` tells them
    apart."""
    if not id:
        return 0
    digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % _NUMBER_MAX + 1


def of_credential(id: str, name: str, kind: str) -> StoredAttribution:
    """Build the attribution of a credential that acts for itself."""
    return StoredAttribution(
        id, id, "", name=name or id, type="TILL" if kind == "till" else "ADMIN_USER"
    )


def of_person(id: str, email: str, name: str) -> StoredAttribution:
    """Build the attribution of a person who is signed in."""
    return StoredAttribution(id, email, "", name=name or email, type="ADMIN_USER")


def of_headers(
    entity_type: str | None, code: str | None
) -> StoredAttribution | FieldRefusal | None:
    """Read whom the two headers name; None where there is no code, a refusal where they do not
    fit."""
    named = (entity_type or "TILL").strip().upper()
    if named not in ENTITY_TYPES:
        field = "X-CAP-API-ATTRIBUTION-ENTITY-TYPE"
        listed = ", ".join(ENTITY_TYPES[:-1]) + " or " + ENTITY_TYPES[-1]
        return FieldRefusal.build(
            "bad_attribution",
            f"{field} must be {listed}; got {describe_value(entity_type)}. Leave it out for TILL.",
            header=field,
        )
    if code is None or not (code := code.strip()):
        return None
    if len(code) > CODE_MAX or not visible(code):
        field = "X-CAP-API-ATTRIBUTION-ENTITY-CODE"
        return FieldRefusal.build(
            "bad_attribution",
            f"{field} must be 1 to {CODE_MAX} visible characters; got {describe_value(code)}. Send "
            "the "
            "code of the till or store.",
            header=field,
        )
    described = "" if named == "TILL" else named
    return StoredAttribution(code, code, described, name=code, type="TILL")
