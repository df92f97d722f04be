"""What the engine asks of a look-up, whatever answers it: the record for some values.

How long an answer is kept, how often one is asked, and what becomes of an action without it, is the
engine's. A text of ours holds no value and no secret.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from tidings.errors import TidingsError, Unavailable

RECORD_BYTES_MAX = 16 * 1024


class LookupDown(Unavailable):
    """Nobody answers as they must now; asked again later they may. The text says why, in
    sentences."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        """`wait_s`: not again before, as whoever was asked says."""
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


class ListNotTaken(LookupDown):
    """There is a list, and the operator must accept it first: nobody goes on without it."""


class LookupRefused(TidingsError):
    """The same question would be refused again; the text says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@runtime_checkable
class WatchedSource(Protocol):
    """A source that somebody may replace, and whose new state may not be taken."""

    def listen(self, listener: Callable[[str], None]) -> None:
        """Tell why a state is not taken, in sentences, each once."""


class KeptState(Protocol):
    """The state in force of one list, over restarts and on whichever machine. Its methods raise
    Unavailable while it cannot be asked for."""

    async def digest(self) -> str | None:
        """Read by what the state is known; None where none is kept, or it does not open."""

    async def load(self) -> bytes | None:
        """Read the state; None where none is kept, or it does not open."""

    async def save(self, data: bytes, digest: str) -> bool:
        """Keep another state. False, and the earlier one is kept: a part of this one is gone."""


class LookupBackend(Protocol):
    """One look-up, as it is asked."""

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        """Fetch the record for these values (by hole, parameter, or `by`), each a text, a number or
        a truth; return None if there is none. Raise LookupDown if there is no answer within the
        deadline, in seconds, LookupRefused if the same question would fail again.

        The record is the caller's own, and read exactly (`core/exact_json.py`): what is a number
        with a point is `Raw`, the characters in which it came.
        """

    async def check(self) -> str | None:
        """Say what is wrong with it in itself, as a file that is not there; None where nothing is
        known to be. Asks nobody."""

    async def close(self) -> None:
        """Let go of what is open; the next `find` opens it again. Idempotent."""
