"""Reading a body field by field: what is wrong is collected, not raised, and told all at once.

A message says what must be, what came, what to do, and where.
"""

import math
from collections.abc import Iterable
from typing import Any

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """One thing that is wrong with a body, or, among warnings, that its sender should know."""

    code: int | str
    message: str
    field: str


def came(value: object) -> str:
    """What came, in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of many digits"
    shown = str(value)
    shown = shown if len(shown) <= 40 else shown[:40] + "…"
    return f'"{shown}"' if isinstance(value, str) else shown


def number_of(value: object) -> float | None:
    """A number, also one written as text; None for anything else."""
    if isinstance(value, str) and len(value) <= 20:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return float(value) if abs(value) < 1 << 53 else (1e18 if value > 0 else -1e18)
    return value if math.isfinite(value) else None


class Form:
    """One body while it is read."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.refusals: list[Refusal] = []
        self.warnings: list[Refusal] = []

    def refuse(self, code: int | str, field: str, sentence: str) -> None:
        """Note what is wrong; the code and the field are added to the sentence."""
        self.refusals.append(Refusal(code, f"{sentence} ({code}, field {field})", field))

    def warn(self, code: str, field: str, sentence: str) -> None:
        """Note what the sender should know."""
        self.warnings.append(Refusal(code, f"{sentence} ({code}, field {field})", field))

    def choice(self, field: str, choices: tuple[str, ...], old: str, code: str) -> str:
        """One of a few words, in any case; `old` where the body does not say."""
        value = self.body.get(field)
        if value is None:
            return old
        if isinstance(value, str):
            for choice in choices:
                if value.lower() == choice.lower():
                    return choice
        listed = ", ".join(choices[:-1]) + " or " + choices[-1]
        self.refuse(
            code, field, f"{field} must be {listed}; got {came(value)}. Leave it out for {old}."
        )
        return old

    def bounded(
        self, field: str, low: float, high: float, old: float | None, advice: str
    ) -> float | None:
        """A number in its bounds; `old` where the body does not say, None where it says null."""
        if field not in self.body:
            return old
        value = self.body[field]
        if value is None:
            return None
        number = number_of(value)
        if number is None or not low <= number <= high:
            self.refuse(
                "bad_type" if number is None else "out_of_range",
                field,
                f"{field} must be a number from {low:g} to {high:.12g}; got {came(value)}. "
                + advice,
            )
            return None
        return number

    def flag(self, field: str, old: bool) -> bool:
        """true or false; `old` where the body does not say."""
        value = self.body.get(field)
        if value is None:
            return old
        if not isinstance(value, bool):
            self.refuse(
                "bad_type",
                field,
                f"{field} must be true or false; got {came(value)}. Write it without quotes.",
            )
            return old
        return value

    def warn_of_unknown(self, fields: Iterable[str], known: frozenset[str], stem: str = "") -> None:
        """A misspelt field must not be lost in silence."""
        for field in [field for field in fields if field not in known][:20]:
            place = stem + field[:64]
            self.warn(
                "unknown_field",
                place,
                f"A field must be one of the documented ones; got {came(field)}. It was ignored; "
                "check its spelling.",
            )
