"""Fields of forms that hold JSON: what is read of their text, and the text of what is kept."""

from typing import Any

import msgspec

from tidings.errors import FieldRefusal

_WHY_MAX = 120  # characters of what the library says is wrong


def read_json(field: str, text: str, refusals: list[FieldRefusal]) -> Any:
    """Decode the text of a field; None where it is no JSON, with a refusal that says so."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as wrong:
        refusals.append(not_json(field, str(wrong)[:_WHY_MAX]))
        return None


def not_json(field: str, why: str) -> FieldRefusal:
    """Refuse a field whose text is no JSON that can be taken."""
    sentence = f"{field} must be JSON; {why}. Check quotes, commas and brackets."
    return FieldRefusal.build("bad_json", sentence, field=field)


def json_text(value: Any) -> str:
    """Write a value as the text of such a field."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
