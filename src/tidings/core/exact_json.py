"""JSON that stays as it was written where it is not changed. Pure.

Numbers with a point or an exponent are read as `Raw`, the characters in which they came: 1.10 stays
1.10, and is not 1.1. What is added to an event may be `Raw` too, JSON that was written before.
"""

from typing import Any

import msgspec
from msgspec import Raw

# A pair. The second writes no space between.
read_exactly = msgspec.json.Decoder(float_hook=Raw).decode
write_exactly = msgspec.json.Encoder(decimal_format="number").encode

_read = msgspec.json.Decoder(float_hook=float).decode
_read_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def value_of(raw: Raw) -> Any:
    """The value that is written there, numbers as numbers."""
    return _read(raw)


def fields_of(raw: Raw | bytes) -> dict[str, Raw]:
    """The fields of the object that is written there, each as it is written."""
    return _read_fields(raw)
