"""Picks: what a mapping takes out of a message, written as an object.

    {"path": "order.customer.id"}      what stands there in the body; items of lists by [0], [1], …
    {"header": "X-Topic"}              the first header of that name
    {"constant": "customerAdded"}      always the same

With `names` a text is translated: {"orders/create": "transactionAdded", "ping": null}; null passes
the message over, `*` stands for every text that is not named. With `as` a time becomes milliseconds
since 1970 (`seconds`, `isoTime`), or these a time in words (`timestamp`: 2026-11-28T08:00:00.000Z),
or a value `text` or `number`.

What a path finds goes into the event byte for byte: 10.50 stays 10.50.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tidings.core.exact_json import Steps, first_byte, is_null, value_of
from tidings.core.form import Form
from tidings.errors import FieldRefusal, TidingsError, Unprocessable
from tidings.values import describe_value

KINDS = ("path", "header", "constant")
CONVERSIONS = ("text", "number", "seconds", "isoTime", "timestamp")
OTHERS = "*"
STEPS_MAX = 16
PATH_MAX = 256
NAMES_MAX = 200
TEXT_MAX = 256
CONSTANT_BYTES_MAX = 1024
_INT64 = 1 << 63
_NAME = r"[^.\[\]\x00-\x1f]+"
PATH = re.compile(rf"{_NAME}(?:\.{_NAME}|\[[0-9]{{1,4}}\]){{0,{STEPS_MAX - 1}}}")
_STEP = re.compile(rf"\[([0-9]{{1,4}})\]|({_NAME})")
_HEADER = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")


class MessageFault(Unprocessable):
    """Nothing can be made of a message as it is. `message`: why, in sentences; `field`: what it is
    about, of a mapping or of what is made; empty for the message as a whole."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        self.sentence = message
        reason = FieldRefusal.build(code, message, field=field, place="message")
        super().__init__(reason)
        self.message = reason.message
        self.code = code
        self.field = field


Finder = Callable[[Mapping[Steps, msgspec.Raw], Mapping[str, str]], msgspec.Raw | None]
"""Finds a value among what was read of a body by its paths, and headers by name in lower case."""


class PassedOver(TidingsError):
    """The message is none of those that the source brings."""


class Pick(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place of a value, and what is made of it. One of the first three is set."""

    path: str | None = None
    header: str | None = None
    constant: str | None = None  # as JSON
    names: dict[str, str | None] | None = None
    conversion: str = ""

    def show(self) -> dict[str, Any]:
        """Return the pick as bodies write it."""
        shown: dict[str, Any] = {
            kind: value for kind in KINDS if (value := getattr(self, kind)) is not None
        }
        if self.constant is not None:
            shown["constant"] = msgspec.Raw(self.constant.encode())
        if self.names is not None:
            shown["names"] = self.names
        return shown | ({"as": self.conversion} if self.conversion else {})

    def where(self) -> str:
        """Describe the place in words, for whoever misses something there."""
        if self.path is not None:
            return f"at {self.path} of the body"
        return f"in the header {self.header}" if self.header is not None else "in the mapping"

    @property
    def steps(self) -> Steps | None:
        """Return the steps of its path; None if it has no path."""
        return None if self.path is None else steps_of(self.path)

    def take(self, found: msgspec.Raw | None, field: str) -> msgspec.Raw | None:
        """Make the value, as JSON, of what stands where it points (`finder`); None if there is
        nothing, or null. Raise MessageFault if it cannot be converted, PassedOver if `names` skips
        the message."""
        if found is None or is_null(found):
            return None
        try:
            return self._made(found, field)
        except (ValueError, OverflowError, RecursionError):  # of what reads JSON, texts and numbers
            raise MessageFault(
                "unreadable",
                f"{field} must be a value {self.where()} that can be read; it has too many digits "
                "or levels, or is not JSON. Correct the sender.",
                field,
            ) from None

    def _made(self, found: msgspec.Raw, field: str) -> msgspec.Raw:
        if self.names is not None:
            found = self._translated(found, field)
        return self._converted(found, field) if self.conversion else found

    def finder(self) -> "Finder":
        """Return what finds the value that it points at, before `take` makes something of it."""
        if self.constant is not None:
            constant = msgspec.Raw(self.constant.encode())
            return lambda paths, headers: constant
        if self.header is not None:
            name = self.header.lower()
            return lambda paths, headers: _raw(headers[name]) if name in headers else None
        steps = steps_of(self.path or "")
        return lambda paths, headers: paths.get(steps)

    def _translated(self, found: msgspec.Raw, field: str) -> msgspec.Raw:
        assert self.names is not None
        text = _readable(found)
        if not isinstance(text, str):
            raise MessageFault(
                "not_text",
                f"{field} must be a text {self.where()}, since names translate it; got "
                f"{describe_value(text)}. Use another path, or leave out names.",
                field,
            )
        wanted = self.names.get(text, self.names.get(OTHERS, text))
        if wanted is None:
            raise PassedOver
        return _raw(wanted)

    def _converted(self, found: msgspec.Raw, field: str) -> msgspec.Raw:
        if self.conversion in ("text", "number") and first_byte(found) in _OF_NUMBERS:
            # As it is written: to read thousands of digits takes longer than all else of a pick.
            return found if self.conversion == "number" else _raw(bytes(found).decode())
        value = _readable(found)
        try:
            made = self._convert(value, found)
        except (OverflowError, ValueError):  # a number that no time, or no JSON of ours, can hold
            made = None
        if made is None:
            raise MessageFault(
                "not_convertible",
                f"{field} must be something {self.where()} that can be read as {self.conversion}; "
                f"got {describe_value(value)}. Correct `as`, or the sender.",
                field,
            )
        return made

    def _convert(self, value: object, found: msgspec.Raw) -> msgspec.Raw | None:
        """Convert a value; None if it cannot be. Raise OverflowError or ValueError if a number is
        too great."""
        made: object = None
        if self.conversion == "text":
            made = value if isinstance(value, str) else None
        elif self.conversion == "isoTime":
            made = _milliseconds(value)
        elif self.conversion == "timestamp":
            made = _timestamp(value)
        elif value is _GREAT and self.conversion == "seconds":
            return None
        elif isinstance(value, int | float) and not isinstance(value, bool):
            made = _thousandfold(value)
        elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            number = value.strip()
            seconds = self.conversion == "seconds"
            made = _thousandfold(float(number)) if seconds else msgspec.Raw(number.encode())
        return made if made is None or isinstance(made, msgspec.Raw) else _raw(made)


_OF_NUMBERS = frozenset(b"-0123456789")
_GREAT = 1 << 65  # stands for a number that is too great to be read


def _readable(found: msgspec.Raw) -> object:
    """Return the value of JSON that was checked; a stand-in for one with a number that is too
    great."""
    try:
        return value_of(found)
    except msgspec.ValidationError:  # for a number in it, of which nothing but the size is wrong
        return {ord("{"): {}, ord("["): []}.get(first_byte(found), _GREAT)


def steps_of(path: str) -> Steps:
    """Split a path into its steps: names, and numbers of items."""
    return tuple(int(digits) if digits else name for digits, name in _STEP.findall(path))


def read_pick(form: Form, field: str, value: object) -> Pick | None:
    """Read a pick of a body; return None for what is none, which is refused in the form."""
    if not isinstance(value, dict):
        _refuse(form, field, describe_value(value))
        return None
    called = form.called(field)
    inner = Form(value, stem=f"{called}.")
    inner.refuse_unknown((*KINDS, "names", "as"))
    if inner.refusals:
        form.take_in(inner, f"{field}.")
        return None
    kinds = [kind for kind in KINDS if value.get(kind) is not None]
    operand = value[kinds[0]] if len(kinds) == 1 else None
    if operand is None or not _fits(kinds[0], operand):
        _refuse(form, field, f"an object of {', '.join(value) or 'nothing'}")
        return None
    names = value.get("names")
    if names is not None and not _are_names(names):
        form.refuse(
            "bad_names",
            f"{field}.names",
            f"{called}.names must be an object of at most {NAMES_MAX} texts, each with the text to "
            f"use for it, or null to skip it; got {describe_value(names)}. Write "
            '{"ping": null, "order.paid": "transactionAdded"}.',
        )
    conversion = value.get("as") or ""
    if conversion and conversion not in CONVERSIONS:
        form.refuse(
            "bad_conversion",
            f"{field}.as",
            f"{called}.as must be {', '.join(CONVERSIONS[:-1])} or {CONVERSIONS[-1]}; got "
            f"{describe_value(conversion)}. Leave it out to take the value as it is.",
        )
    if form.refusals:
        return None
    made: dict[str, Any] = {
        kinds[0]: bytes(_raw(operand)).decode() if kinds[0] == "constant" else operand
    }
    return Pick(**made, names=names, conversion=conversion)


def _refuse(form: Form, field: str, got: str) -> None:
    form.refuse(
        "bad_pick",
        field,
        f"{form.called(field)} must be an object with one of path (at most {PATH_MAX} characters), "
        f"header or constant (at most {CONSTANT_BYTES_MAX} bytes); got {got}. Write "
        '{"path": "order.id"} or {"header": "X-Topic"}.',
    )


def _fits(kind: str, operand: object) -> bool:
    if kind == "constant":
        return len(_raw(operand)) <= CONSTANT_BYTES_MAX
    if not isinstance(operand, str):
        return False
    if kind == "header":
        return _HEADER.fullmatch(operand) is not None
    return is_path(operand)


def is_path(text: str) -> bool:
    """Return whether a text is a path that can be followed."""
    return len(text) <= PATH_MAX and PATH.fullmatch(text) is not None


def _are_names(names: object) -> bool:
    return (
        isinstance(names, Mapping)
        and len(names) <= NAMES_MAX
        and all(
            len(name) <= TEXT_MAX and (to is None or (isinstance(to, str) and len(to) <= TEXT_MAX))
            for name, to in names.items()
        )
    )


def _thousandfold(seconds: float) -> int | None:
    """Convert seconds to whole milliseconds; None for what no 64-bit number holds, and NaN."""
    milliseconds = seconds * 1000
    return int(milliseconds) if -_INT64 <= milliseconds < _INT64 else None


def _milliseconds(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)


def _timestamp(value: object) -> str | None:
    """Write milliseconds as a time in words; what is one already stays as it is. None for anything
    else."""
    if isinstance(value, str):
        return value if _milliseconds(value) is not None else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    except (OverflowError, ValueError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


_TEXT = {"type": "string", "maxLength": TEXT_MAX}
PICK = {"$ref": "#/components/schemas/Pick"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Where a value is: one of path, header and constant.",
    "properties": {
        "path": {"type": "string", "maxLength": PATH_MAX, "pattern": f"^{PATH.pattern}$"},
        "header": {"type": "string", "pattern": f"^{_HEADER.pattern}$"},
        "constant": {"description": "Any JSON, of at most 1,024 bytes."},
        "names": {
            "type": "object",
            "maxProperties": NAMES_MAX,
            "additionalProperties": {"anyOf": [_TEXT, {"type": "null"}]},
        },
        "as": {"type": "string", "enum": list(CONVERSIONS)},
    },
    "additionalProperties": False,
}
