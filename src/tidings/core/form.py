"""Reading a body field by field: what is wrong is collected, not raised, and told all at once.

A message says what must be, what came, what to do, and where.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from tidings.errors import FieldRefusal
from tidings.values import describe_value

# One sign that can be seen, or a space: neither a control nor what only steers the signs around it
# (zero width, line separators, direction). The description of the API has the same rule.
SIGN = r"[^\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
SEEN = SIGN[:-1] + r"\s]"  # one that is no space
LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x1f\x7f]*$"
"""Of a text on one line that is not blank, for JSON Schema."""
UNKNOWN_SHOWN_MAX = 20
_VISIBLE = re.compile(f"(?:(?![\ud800-\udfff]){SIGN})*")
_WHOLE = re.compile(r"[0-9]{1,15}(?:\.0+)?")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


def visible(text: str) -> bool:
    """Return whether all of a text can be seen, spaces aside."""
    return _VISIBLE.fullmatch(text) is not None


def number_of(value: object) -> float | None:
    """Return a finite number, also one written as text (`10.5`); None for anything else. A whole
    number beyond 53 bits becomes ±1e18."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip(" ")):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return float(value) if abs(value) < 1 << 53 else (1e18 if value > 0 else -1e18)
    return value if math.isfinite(value) else None


def whole_of(value: object) -> int | None:
    """Return a whole number, also one written as 17.0, which JSON does not tell apart; else
    None."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def nearest(name: str, known: Iterable[str]) -> str:
    """Write " Did you mean …?" with the known name that is likest; empty if none is alike."""
    import difflib  # noqa: PLC0415  # only for what is not there

    lower = {word.lower(): word for word in known}
    found = difflib.get_close_matches(name[:64].lower(), lower, 1)
    return f" Did you mean {lower[found[0]]}?" if found else ""


class Form:
    """One body while it is read. `strict`: fields that are not known are refused, and do not only
    get a warning. `stem`: how sentences begin the names of its fields, if it is in another one."""

    def __init__(self, body: dict[str, Any], *, strict: bool = False, stem: str = "") -> None:
        self.body = body
        self.strict = strict
        self.stem = stem
        self.new = True  # whether it makes a resource, and does not change one
        self.values: dict[str, Any] = {}  # by attribute, what has been read of a resource so far
        self.refusals: list[FieldRefusal] = []
        self.warnings: list[FieldRefusal] = []

    def refuse(self, code: int | str, field: str, sentence: str) -> None:
        """Note what is wrong; the code and the field are added to the sentence."""
        self.refusals.append(FieldRefusal.build(code, sentence, field=field))

    def warn(self, code: str, field: str, sentence: str) -> None:
        """Note what the sender should know."""
        self.warnings.append(FieldRefusal.build(code, sentence, field=field))

    def called(self, field: str) -> str:
        """Name a field as sentences call it."""
        return self.stem + field

    def take_in(self, inner: "Form", stem: str) -> None:
        """Tell what is wrong with an object inside this body, by its place here."""
        for refusal in inner.refusals:
            self.refuse(refusal.code, stem + refusal.field, refusal.message.rpartition(" (")[0])
        for warning in inner.warnings:
            self.warn(str(warning.code), stem + warning.field, warning.message.rpartition(" (")[0])

    def choice(self, field: str, choices: tuple[str, ...], old: str, code: str) -> str:
        """Read one of a few words, in any case; `old` if the body does not say, or says another,
        which is refused."""
        value = self.body.get(field)
        if value is None:
            return old
        if isinstance(value, str):
            for choice in choices:
                if value.lower() == choice.lower():
                    return choice
        listed = ", ".join(choices[:-1]) + " or " + choices[-1]
        self.refuse(
            code,
            field,
            f"{self.called(field)} must be {listed}; got {describe_value(value)}. Leave it out for "
            f"{old}.",
        )
        return old

    def bounded(
        self,
        field: str,
        low: float,
        high: float,
        old: float | None,
        advice: str,
        *,
        text: bool = False,
    ) -> float | None:
        """Read a number in its bounds; `old` if the body does not say, None if it says null, or
        something else, which is refused.

        `text`: one that is written as text is taken too, as the original and a form of a page do.
        """
        if field not in self.body:
            return old
        value = self.body[field]
        if value is None:
            return None
        number = None if isinstance(value, str) and not text else number_of(value)
        if number is None or not low <= number <= high:
            self.refuse(
                "bad_type" if number is None else "out_of_range",
                field,
                f"{self.called(field)} must be a number from {low:g} to {high:.12g}; got "
                f"{describe_value(value)}. {advice}",
            )
            return None
        return number

    def whole(self, field: str, low: int, high: int, default: int) -> int:
        """Read a whole number of a query, which is text; `default` if it is left out, or does not
        fit, which is refused."""
        value = self.body.get(field)
        if value is None:
            return default
        number = int(float(value)) if _WHOLE.fullmatch(str(value)) else None
        if number is None or not low <= number <= high:
            self.refuse(
                "bad_type" if number is None else "out_of_range",
                field,
                f"{field} must be a whole number from {low} to {high}; got "
                f"{describe_value(value)}. Leave it "
                f"out for {default}.",
            )
            return default
        return number

    def flag(self, field: str, old: bool) -> bool:
        """Read true or false; `old` if the body does not say, or says something else, which is
        refused."""
        value = self.body.get(field)
        if value is None:
            return old
        if not isinstance(value, bool):
            self.refuse(
                "bad_type",
                field,
                f"{self.called(field)} must be true or false; got {describe_value(value)}. Write "
                "it without "
                "quotes.",
            )
            return old
        return value

    def refuse_unknown(self, known: Iterable[str], stem: str = "") -> None:
        """Refuse fields that nobody reads: a misspelt limit must not be lost in silence."""
        names = sorted(known)
        for field in [field for field in self.body if field not in names][:UNKNOWN_SHOWN_MAX]:
            self.refuse(
                "unknown_field",
                stem + field[:64],
                f"A field must be one of {', '.join(names)}; got {describe_value(field)}."
                f"{nearest(field, names) or ' Check its spelling.'}",
            )

    def warn_of_unknown(self, fields: Iterable[str], known: frozenset[str], stem: str = "") -> None:
        """Warn of fields that nobody reads, or refuse them in a strict form: a misspelt one must
        not be lost in silence."""
        for field in [field for field in fields if field not in known][:UNKNOWN_SHOWN_MAX]:
            place = stem + field[:64]
            if self.strict:
                self.refuse(
                    "unknown_field",
                    place,
                    f"A field must be one of the documented ones; got {describe_value(field)}. "
                    "Check its "
                    "spelling.",
                )
                continue
            self.warn(
                "unknown_field",
                place,
                f"A field must be one of the documented ones; got {describe_value(field)}. It was "
                "ignored; "
                "check its spelling.",
            )
