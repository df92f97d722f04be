"""What the operator may say of a connection, by its type: declared, and judged by that. Pure.

From the declaration come the refusal of the file at the start, what the platform's credential is
shown, and the page of the documentation. A text of ours never repeats a value that is not shown.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from tidings.values import describe_value

What = Literal["text", "port", "count", "number", "yes", "texts", "tables"]
_PORT = re.compile(r"(?!0)\d{1,5}(,(?!0)\d{1,5})*", re.ASCII)  # as many as there are hosts
_NUMBER = re.compile(r"[1-9]\d{0,5}|1000000", re.ASCII)
COUNT_MAX = 100
_MUST: Mapping[str, str] = {
    "text": "a text",
    "port": "a number from 1 to 65535",
    "count": f"a number from 1 to {COUNT_MAX}",
    "number": "a whole number from 1 to 1000000",
    "yes": "true or false",
    "texts": "a list of texts",
    "tables": "a table of tables",
}


class ConnectionField(msgspec.Struct, frozen=True):
    """One of them, by the name that the file has for it."""

    name: str
    about: str
    what: What = "text"
    words: Sequence[str] = ()
    """What a text may be, where it may not be anything."""
    usual: str = ""
    """What holds where it is left out, in words."""
    required: bool = False
    shown: bool = False
    """Whether the platform's credential is shown it. Nobody else ever is, and no secret is."""

    @property
    def must(self) -> str:
        """Say what it must be."""
        return f"one of {', '.join(self.words)}" if self.words else _MUST[self.what]

    def fits(self, value: object) -> bool:
        """Return whether a value may be what it is."""
        match self.what:
            case "text":
                return (
                    isinstance(value, str)
                    and bool(value)
                    and (not self.words or value in self.words)
                )
            case "port":  # what comes from the environment is a text
                return not isinstance(value, bool) and _PORT.fullmatch(str(value)) is not None
            case "count":
                return type(value) is int and 1 <= value <= COUNT_MAX
            case "number":
                return not isinstance(value, bool) and _NUMBER.fullmatch(str(value)) is not None
            case "yes":
                return isinstance(value, bool)
            case "texts":
                return isinstance(value, list) and all(
                    isinstance(element, str) and element for element in value
                )
            case "tables":
                return isinstance(value, dict) and bool(value)


def faults_of(fields: Sequence[ConnectionField], values: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with a connection that has these fields, as `servers must be a text; got
    7`."""
    known = {field.name: field for field in fields}
    for name in sorted(values.keys() - known.keys()):
        yield f"must have fields of {', '.join(known)} alone; got {name}"
    for field in fields:
        if field.name not in values:
            if field.required:
                yield f"{field.name} must be {field.must}; got nothing"
        elif not field.fits(value := values[field.name]):
            yield f"{field.name} must be {field.must}; got {_describe_given(field, value)}"


def shown_of(fields: Sequence[ConnectionField], values: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that the platform's credential is shown."""
    return {
        field.name: values[field.name] for field in fields if field.shown and field.name in values
    }


def _describe_given(field: ConnectionField, value: object) -> str:
    if value == "":
        return "an empty text"
    return describe_value(value) if field.shown else "something else"
