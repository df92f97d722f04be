"""Work behind the calls that a store may refuse: it is tried again, and told of once.

Such work has nobody who is answered. So it outlives whatever the store says, StoreDown or a fault
that nobody has foreseen, and says so when it begins and when it is over, not at every try.
"""

from types import TracebackType

import structlog

from tidings.store.port import StoreDown

log = structlog.get_logger(__name__)


class Outage:
    """`with` it each try is made: an exception ends the try and nothing else.

    Whoever tries looks at `lasts` for whether it has to be done again.
    """

    def __init__(self, work: str) -> None:
        """`work` names what waits, in words."""
        self._work = work
        self.lasts = False

    def __enter__(self) -> None:
        """Begin a try."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """End the try: log the first failure and the end of them. Pass a cancellation on."""
        if error is None:
            if self.lasts:
                log.info("the store takes it again", work=self._work)
            self.lasts = False
            return False
        if not isinstance(error, Exception):
            return False
        if not self.lasts:
            if isinstance(error, StoreDown):
                log.warning("waits for the store", work=self._work, reason=str(error))
            else:
                log.error("has failed and is tried again", work=self._work, error=repr(error))
        self.lasts = True
        return True
