"""Which of the two stores of a copy refuses what it is asked, and what is done about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidings.store.copying.sides import CopyRefused, StoreSide
from tidings.store.port import StoreDown


@contextmanager
def naming_refusals(remedy: Callable[[], str], *sides: StoreSide) -> Iterator[None]:
    """Name the store whose database, or its disk, refuses the block: raise CopyRefused with the
    remedy where it has no room, StoreDown where it refuses otherwise what may pass. Of sides of the
    same kind the first is named."""
    try:
        yield
    except Exception as error:
        for side in sides:
            if (fault := side.connection.refusal_of(error)) is not None:
                reason = " ".join(str(fault).split()).rstrip(".")
                if side.has_no_room(fault):
                    raise no_room(side.name, reason, remedy()) from error
                raise StoreDown(f"{side.name}: {reason}") from error
        raise


def no_room(place: str, reason: str, remedy: str) -> CopyRefused:
    """Return the refusal of a copy for which a store has no room."""
    return CopyRefused(
        f"{place} must have room for what is copied; got: {reason}. Free space there, and {remedy}"
    )
