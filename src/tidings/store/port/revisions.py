"""Which change of a stored object is the next one, and what becomes of one that is not.

What is read, changed and put again as a whole carries a number, 1 for the first: its `revision`, or
its `version` where every version is kept. Who changes it puts the next number, and the store writes
that only where the number before is the one that is stored, in the write itself.
"""

from typing import Any, Protocol, TypeVar, cast

import msgspec

from tidings.errors import TidingsError


class StaleChange(TidingsError):
    """A change was made of what is not stored any more: another one was faster, or it is gone; or
    what was to be new is there already. Nothing was written; it may be read again, and changed."""


class Revised(Protocol):
    """A stored object whose changes are compared."""

    @property
    def revision(self) -> int:
        """Return the number of this one, 1 for the first."""


Row = TypeVar("Row", bound=Revised)


def revise(row: Row, **changes: Any) -> Row:
    """Return the next revision of an object that was read, with these fields changed."""
    made = msgspec.structs.replace(cast(msgspec.Struct, row), revision=row.revision + 1, **changes)
    return cast(Row, made)
