"""What the marks of both stores allow: how a copy goes on, and whether its source is taken back.

Nobody else remembers how far a copy came.
"""

from collections.abc import Callable
from enum import Enum, auto

from tidings.store.copying.refusals import naming_refusals
from tidings.store.copying.sides import CopyRefused, StoreSide
from tidings.store.sql.copy_marks import CopyMark, CopySide, drop_mark, put_mark, read_mark


class CopyStep(Enum):
    """Where a copy begins, or goes on."""

    BEGIN = auto()
    RESUME = auto()
    FINISH = auto()  # all was compared, and the source was left: the target is to be whole
    NOTHING = auto()


def next_step(source: CopyMark | None, target: CopyMark | None, target_is_empty: bool) -> CopyStep:
    """Decide what is to be done. Raise CopyRefused where these stores are not two of one copy."""
    if source is not None and source.side not in (CopySide.LEAVING, CopySide.LEFT):
        raise CopyRefused(
            f"The source must be a store that was served; it is a copy of {source.other}. Start it "
            "once, and stop it."
        )
    if source is None or target is None or source.copy != target.copy:
        return _begun(source, target, target_is_empty)
    if source.side == CopySide.LEAVING and target.side == CopySide.ARRIVING:
        return CopyStep.RESUME
    if source.side == CopySide.LEFT and target.side == CopySide.ARRIVING:
        return CopyStep.FINISH
    if source.side == CopySide.LEFT and target.side == CopySide.ARRIVED:
        return CopyStep.NOTHING
    raise CopyRefused(
        f"The target must be empty; it is a copy of {target.other} that was taken back. Name an "
        "empty one."
    )


def _begun(source: CopyMark | None, target: CopyMark | None, target_is_empty: bool) -> CopyStep:
    if source is not None and source.side == CopySide.LEFT:
        raise CopyRefused(
            f"The source must be a store that serves; it was copied to {source.other}. Copy that "
            "one."
        )
    if not target_is_empty:
        held = "the rows of a store" if target is None else f"a copy of {target.other}"
        raise CopyRefused(
            f"The target must be empty; it holds {held}. Name a directory that is not there yet, "
            "or a schema of which `tidings migrate` has just made the tables."
        )
    return CopyStep.BEGIN


def take_back(
    source: StoreSide, target: Callable[[], StoreSide], is_empty: Callable[[StoreSide], bool]
) -> None:
    """Have the source of a copy start again. Raise CopyRefused where its target has started.

    `target` opens the other store; it is asked for only where it might start. It is kept from
    starting before the source may.
    """
    with naming_refusals(_again, source):
        mark = read_mark(source.connection)
    if mark is None or mark.side not in (CopySide.LEAVING, CopySide.LEFT):
        raise CopyRefused(
            f"{source.name} must have been copied to be taken back; it was not. Start it."
        )
    if mark.side == CopySide.LEFT:
        other = target()
        with naming_refusals(_again, other):
            _withdraw(mark, other, is_empty)
    with naming_refusals(_again, source):
        drop_mark(source.connection)


def _again() -> str:
    return "run the command again."


def _withdraw(mark: CopyMark, target: StoreSide, is_empty: Callable[[StoreSide], bool]) -> None:
    found = read_mark(target.connection)
    if found is None and not is_empty(target):
        raise CopyRefused(
            f"{target.name} must never have been started for its source to be taken back; it was, "
            "and has sent since. Copy it in its turn."
        )
    if found is not None and found.copy != mark.copy:
        raise CopyRefused(
            f"--to must name the store that the source was copied to, {mark.other}; {target.name} "
            f"is a copy of {found.other}."
        )
    if found is None and target.name != mark.other:
        raise CopyRefused(
            f"--to must name the store that the source was copied to, {mark.other}; {target.name} "
            "is another one, and empty. Name that one; where it is lost, make it again, empty."
        )
    if found is None:  # it was made again, and holds nothing that could be sent
        return
    put_mark(target.connection, found._replace(side=CopySide.WITHDRAWN))
