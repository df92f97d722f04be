"""Says in the log why processes of cells end: at once where it is news, the same again once a
minute. What a process that is refused has to say comes by the line on which it says that it
listens, for it is tried again for as long as nothing is done about it."""

from collections.abc import Callable

import structlog

from tidings.core.cells.families import CellId

AGAIN_S = 60.0

log = structlog.get_logger(__name__)


class WorkerEnds:
    """To be used within one event loop."""

    def __init__(self, passed_s: Callable[[], float]) -> None:
        """`passed_s`: a clock that is never set."""
        self._passed_s = passed_s
        self._logged: dict[CellId, tuple[str, float]] = {}

    def note(self, cell: CellId, reason: str, delay_s: float) -> None:
        """Note that the process of a cell has ended by itself, and is started again after so many
        seconds."""
        known, at_s = self._logged.get(cell, ("", 0.0))
        now_s = self._passed_s()
        if reason == known and now_s - at_s < AGAIN_S:
            return
        self._logged[cell] = reason, now_s
        log.error(
            "the process of a cell has ended by itself",
            cell=cell,
            reason=reason,
            then=f"It is started again in {delay_s:g} s. The other cells go on.",
        )

    def forget(self, cell: CellId) -> None:
        """Note that a process of a cell listens: how the next one ends is news again."""
        self._logged.pop(cell, None)
