"""The body that acknowledges an incident. Pure. Add a field here; the rest follows."""

from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.field_types import TextType

NOTE_MAX = 500
_NOTE = TextType(NOTE_MAX, "bad_note", "Leave it out for none.")


class Acknowledgement(msgspec.Struct, frozen=True):
    """Hold what somebody says who has seen an incident."""

    note: Annotated[
        str, Field("note", _NOTE, "What you know of it, for whoever looks next; left out: none.")
    ] = ""
