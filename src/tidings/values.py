"""What a value is, in words: for sentences that say what came where something else must be.

A refusal is answered, logged and pasted into tickets. So a value is cut short, a number of many
digits is not written out, and personal data is named by its type alone.
"""

from typing import NamedTuple

SHOWN = 40  # characters of a refused text that are repeated to the sender


class AbsentType:
    """The type of `ABSENT`, which stands for a field that is not there; None stands for null."""


ABSENT = AbsentType()


class Wording(NamedTuple):
    """Words for values in one kind of document."""

    null: str = "null"
    typed: bool = True  # whether a text and a number are named so, and not by their quotes alone
    hidden: bool = False  # whether the type is all that is said
    text_max: int | None = None  # characters of a text above which its length is said instead
    bits_max: int | None = None  # of a whole number above which it is not written out
    long_number: str = "a number"


IN_FIELDS = Wording(null="nothing", typed=False, bits_max=64, long_number="a number of many digits")
IN_EVENTS = Wording(text_max=128)
IN_DATA = Wording(bits_max=128)  # str() of a huge one is slow, and refused above 4,300 digits
PERSONAL = Wording(hidden=True)


def describe_value(value: object, wording: Wording = IN_FIELDS) -> str:
    """Describe a value in a few words, as `"VIP"`, `text "VIP"`, `number 3` or `a list`."""
    if value is ABSENT:
        return "nothing"
    if value is None:
        return wording.null
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return _describe_text(value, wording)
    bits_max = wording.bits_max
    many = bits_max is not None and isinstance(value, int) and value.bit_length() > bits_max
    if wording.hidden or many:
        return wording.long_number
    return f"number {shorten(str(value))}" if wording.typed else shorten(str(value))


def shorten(text: str) -> str:
    """Cut a text to what is repeated of it."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _describe_text(text: str, wording: Wording) -> str:
    if wording.hidden:
        return "text"
    if wording.text_max is not None and len(text) > wording.text_max:
        return f"text of {len(text)} characters"
    return f'text "{shorten(text)}"' if wording.typed else f'"{shorten(text)}"'


def percent(part: float, whole: float) -> str:
    """Render a share as `98.3 %`; a dash where the whole is nothing. It is not rounded up to all,
    nor down to none."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if part and share < 0.1:
        return "< 0.1 %"
    if part != whole and share > 99.9:
        return "> 99.9 %"
    return f"{share:.1f} %" if share % 1 else f"{share:.0f} %"
