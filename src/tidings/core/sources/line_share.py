"""Which sources may hold a line to the database of a connection at one time. Pure.

A source that reads an outbox holds a line for as long as it reads, and an org may have fifty
sources. The operator says how many lines there are at most; where several orgs may name the
connection, one of them holds at most half of these. Whoever finds none waits, and those that read
give theirs up after a turn: first come, first served, but for who may have no more.
"""

from tidings.core.connections.connection import Connection
from tidings.core.connections.tables import LINES_MAX, LINES_USUAL
from tidings.core.ids import OrgId

TURN_S = 5.0  # of a source that reads while another one waits


class LineShare:
    """The lines of one connection."""

    def __init__(self, connection: Connection) -> None:
        self.most = connection.admits(LINES_MAX, LINES_USUAL)
        several = connection.orgs is None or len(connection.orgs) > 1
        self.of_org = max(1, self.most // 2) if several else self.most
        self._held: dict[int, OrgId] = {}
        self._waiting: dict[int, OrgId] = {}  # who came first comes first

    def ask(self, source: int, org: OrgId) -> bool:
        """Take a line for a source; False where there is none, and it waits."""
        self._waiting[source] = org
        return source in self.admit()

    def admit(self) -> list[int]:
        """Let in who waits and may have a line now; return them."""
        admitted = []
        for source, org in list(self._waiting.items()):
            if len(self._held) >= self.most:
                break
            if self._may(org):
                self._held[source] = self._waiting.pop(source)
                admitted.append(source)
        return admitted

    def leave(self, source: int) -> None:
        """Let go of a line, or of a place among those that wait."""
        self._held.pop(source, None)
        self._waiting.pop(source, None)

    def is_wanted(self, source: int) -> bool:
        """Tell whether one that waits would have the line of a source that left it."""
        org = self._held.get(source)
        if org is None:
            return False
        full = len(self._held) >= self.most
        return any(
            (full and self._may(waiting)) or waiting == org for waiting in self._waiting.values()
        )

    def _may(self, org: OrgId) -> bool:
        return sum(holder == org for holder in self._held.values()) < self.of_org
