"""What comes from outside as a record: a JSON object, read within bounds, numbers as they are
written (`core/exact_json.py`). Pure."""

from typing import Any

import msgspec

from tidings.core.exact_json import read_exactly
from tidings.errors import RemoteError
from tidings.lookups.port import RECORD_BYTES_MAX

ASK_LESS = "Ask for less of it."
DEPTH_MAX = 32  # objects and lists, one within the other


class LookupRecordUnfit(RemoteError):
    """The answer is no record. `must`, `got`, `do`: parts of a sentence, without values; `lasts`:
    it would be so again."""

    def __init__(self, must: str, got: str, do: str, *, lasts: bool = False) -> None:
        super().__init__(f"{must}; got {got}")
        self.must, self.got, self.do = must, got, do
        self.lasts = lasts


def read_record(
    written: bytes, *, whole: bool = True, most: int = RECORD_BYTES_MAX, do: str = ASK_LESS
) -> dict[str, Any]:
    """Read a record, a JSON object; of two fields of one name the last counts. Raise
    LookupRecordUnfit if it is none, or out of bounds; it says `do` where there are more than `most`
    bytes."""
    if len(written) > most or (len(written) == most and not whole):
        raise LookupRecordUnfit(f"at most {most >> 10} KiB", "more", do, lasts=True)
    if not whole:
        raise LookupRecordUnfit("in whole and in time", "a part", "It is asked again by itself.")
    try:
        read = read_exactly(written)
    except RecursionError:
        raise _too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise LookupRecordUnfit(
            "JSON in UTF-8", "something else", "Check what it answers."
        ) from None
    if not isinstance(read, dict):
        raise LookupRecordUnfit("a JSON object", "something else", "Check what it answers.")
    if _deeper(read, DEPTH_MAX):
        raise _too_deep()
    return read


def _too_deep() -> LookupRecordUnfit:
    return LookupRecordUnfit(
        f"at most {DEPTH_MAX} levels deep", "more", "Ask for less of it.", lasts=True
    )


def _deeper(value: Any, levels: int) -> bool:
    """Return whether there are more levels than so many. Level by level: an answer may have very
    many values, and this is no time for others."""
    layer: list[Any] = [value]
    for _ in range(levels):
        layer = [
            inner
            for child in layer
            for inner in (child.values() if type(child) is dict else child)
            if type(inner) is dict or type(inner) is list
        ]
        if not layer:
            return False
    return True
