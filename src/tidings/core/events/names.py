"""What is told of a message by its bytes alone. Pure."""

import msgspec

CONTENT_TYPE = "application/json"


class _EventNameField(msgspec.Struct):
    """The fields that are looked at of a body."""

    eventName: str = ""  # noqa: N815  # as it is called there


_named = msgspec.json.Decoder(_EventNameField)


def name_in(body: bytes) -> str:
    """Read the event's name in a message; blank if shaping has left it out."""
    try:
        return _named.decode(body).eventName
    except msgspec.DecodeError:  # what a transformation makes need not be JSON
        return ""
