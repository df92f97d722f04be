"""The body that rotates what a webhook signs by: all of it, or the keys of one scheme.

Add a field here; the rest follows.
"""

from typing import Annotated

from tidings.core.declaration import Field
from tidings.core.field_types import ParsedField
from tidings.core.overlap import Rotation
from tidings.core.shaping.signatures.schemes import SCHEMES

SCHEME = "scheme"
_SCHEME = ParsedField(
    lambda value: value if isinstance(value, str) and value in SCHEMES else None,
    " or ".join(SCHEMES),
    "bad_scheme",
    advice="Leave it out to rotate the keys of all schemes.",
    schema={"type": "string", "enum": [*SCHEMES]},
)


class KeyRotation(Rotation, frozen=True):
    """The body that rotates the keys of a webhook."""

    scheme: Annotated[
        str | None,
        Field(
            SCHEME,
            _SCHEME,
            "The scheme whose key is rotated, of those that the webhook signs by; left out: all.",
        ),
    ] = None
