"""What a connection knows of its server, and how it stands there."""

from collections.abc import Hashable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from tidings.server.bounds import Bounds
from tidings.server.call import App, DirectApp
from tidings.server.places import ConnectionPlaces
from tidings.server.reader import Admit, Pairs
from tidings.server.turns import ConnectionTurns
from tidings.server.unread import UnreadAnswers

if TYPE_CHECKING:
    from tidings.server.connection import HttpConnection


class ConnectionHost(Protocol):
    """The server, as far as a connection knows it."""

    app: App
    admit: Admit | None
    bounds: Bounds
    direct: DirectApp | None  # asked first for calls that a place is kept for
    headers: Sequence[tuple[bytes, bytes]]
    places: "ConnectionPlaces[HttpConnection]"
    date: bytes
    stopping: bool
    turns: "ConnectionTurns[HttpConnection]"
    unread: "UnreadAnswers[HttpConnection]"
    view: memoryview  # where reads go; it is smaller in a crowd

    def keeps(self, method: str, path: str) -> bool:
        """Return whether a place is kept for such a call."""

    def known(self, headers: Pairs) -> Hashable | None:
        """Return the caller for whom calls have turns; None for a stranger."""

    def remote(self, peer: str, headers: Pairs) -> str:
        """Return the address that a call came from, as far as it is known."""

    def shared(self, peer: str) -> bool:
        """Return whether a peer stands for many."""

    def queued(self) -> None:
        """Note that one more connection waits for its turn."""

    def swollen(self) -> None:
        """Note that the peer of one more connection does not read; connections are aborted, the
        greediest first, while unread answers are over their bound."""

    def gone(self) -> None:
        """Note that a connection has ended."""


class Phase(IntEnum):
    """The phases of a connection, by what it waits for."""

    HEAD = 0  # its peer has to send a request
    BODY = 1  # its peer has to send the rest of it
    WORK = 2  # the application
    UNREAD = 3  # its peer has to read the answer
    IDLE = 4  # nothing
    ENDING = 5  # its peer has to read why, and to close
    CLOSED = 6
    QUEUED = 7  # its turn, to begin the next call


UNFINISHED = (Phase.HEAD, Phase.BODY, Phase.UNREAD, Phase.ENDING)
