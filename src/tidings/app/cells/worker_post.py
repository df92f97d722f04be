"""What a worker is told by its host: its cell, and the open files that it is given."""

import os

import msgspec

from tidings.core.cells.families import CellId
from tidings.core.cells.owners_seen import WatchedOwner
from tidings.errors import Unusable
from tidings.store.port.cell_map import CellEntry, CellKind

REASON_MAX = 1000
LINE_BYTES = 4000


class PostRefused(Unusable):
    """Tell that what a worker is told cannot be read, and what to do."""


class WorkerPost(msgspec.Struct, frozen=True, kw_only=True):
    """Name a worker's cell, as the map has it, and the numbers of its open files.

    `listening`: the socket of the public port, which all workers share; `tells`: where it says that
    it listens. Its standard input ends with its host. `owner`: of the cell's store, as the host has
    watched its row. `map_line`: where it asks the map, whose one connection its host has; None: it
    has a connection of its own. `is_again`: this host has had a process of the cell listen before.
    """

    cell: int
    kind: str
    setting: str
    listening: int
    tells: int
    owner: WatchedOwner | None = None
    map_line: int | None = None
    is_again: bool = False

    @classmethod
    def of(
        cls,
        entry: CellEntry,
        listening: int,
        tells: int,
        owner: WatchedOwner | None = None,
        map_line: int | None = None,
        *,
        is_again: bool = False,
    ) -> "WorkerPost":
        """Build the post of the worker of a cell."""
        return cls(
            cell=entry.cell,
            kind=entry.kind.value,
            setting=entry.setting,
            listening=listening,
            tells=tells,
            owner=owner,
            map_line=map_line,
            is_again=is_again,
        )

    @classmethod
    def read(cls, text: str) -> "WorkerPost":
        """Read what `write` has written. Raise PostRefused."""
        try:
            return msgspec.json.decode(text, type=cls)
        except ValueError:  # of which those of msgspec are
            raise PostRefused(
                "--cell must be what `tidings serve` gives to a process that it starts; got "
                f"{text}. Run `tidings serve` without it."
            ) from None

    def say_ready(self) -> None:
        """Tell the host that the public port is served here."""
        self._tell("")

    def say_refused(self, reason: str) -> bool:
        """Tell the host why this process ends; return whether there is one to hear it."""
        return self._tell(f" {' '.join(reason.split())[:REASON_MAX]}")

    def _tell(self, what: str) -> bool:
        """Write a line that is read whole: shorter than what a pipe takes at once."""
        line = f"{self.cell} {os.getpid()}{what}".encode()[:LINE_BYTES]
        try:
            os.write(self.tells, line + b"\n")
        except OSError:  # it has ended
            return False
        return True

    def write(self) -> str:
        """Write it as a word of a command."""
        return msgspec.json.encode(self).decode()

    @property
    def entry(self) -> CellEntry:
        """Return the entry of the cell."""
        return CellEntry(CellId(self.cell), kind=CellKind(self.kind), setting=self.setting)
