"""The store of the map: which cells there are, who owns them, where families are, what opens what.

It is small, changes seldom, and is asked by every process of an installation. What it promises:

* Every change has a version, one more than the change before it, and versions are seen in the order
  in which they were given: who has read up to a version misses none below it.
  `test_versions_are_seen_in_their_order_beside_writers`
* What is asked twice, because an answer was lost, is the same as asked once; what comes too late
  changes nothing. `test_what_is_asked_again_changes_nothing`
* A map that has gone back, because it was restored or its server has lost commits, is told from one
  that has not: by its incarnation, its version, and the stamp of each version. It gets another
  incarnation then, in which no range is granted until the cells have said which ones they have.
  `test_a_map_that_has_gone_back_is_noticed_whatever_was_written_since`
* Nothing waits for ever: `MapDown` is raised where the map cannot be asked now. Who is told so goes
  on with what it knows. `test_a_map_that_cannot_be_reached_is_one_error`

It holds no secret that opens anything: keys and places of cells are sealed by who writes them, and
the directory knows digests alone.
"""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol

import msgspec

from tidings.core.cells.cell_map import CellOwner, FamilyPlace, MapChanges
from tidings.core.cells.directory import Opener
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.cells.ranges import CellRanges, RangeGrants
from tidings.errors import Unavailable, Unusable

SPARED_VERSIONS = 4096  # who lies further behind reads the map as a whole


class MapDown(Unavailable):
    """The map cannot be asked now. Of a change that was asked it is not known whether it is
    made."""


class MapWentBack(MapDown):
    """The map has not what it had answered: it was restored, or its server has lost commits."""


class RangesUnknown(MapDown):
    """No range is granted until every cell has said which ones it has: the map has gone back."""


class MapRefused(Unusable):
    """The map cannot be used; the text says why and what to do."""


class CellKind(Enum):
    """Say what a cell's store is."""

    DIRECTORY = "directory"
    SCHEMA = "schema"


class CellState(IntEnum):
    """Say what becomes of a cell."""

    OPEN = 0  # it takes new families
    DRAINING = 1
    REMOVED = 2  # it has no family any more; its numbers stay its own


class CellEntry(msgspec.Struct, frozen=True, array_like=True):
    """Hold where a cell's store is: a setting that every process has names it, or it stands here,
    sealed with the master key."""

    cell: CellId
    kind: CellKind
    state: CellState = CellState.OPEN
    setting: str = ""
    sealed: bytes = b""


class RangeRun(NamedTuple):
    """Ranges that follow each other, of one cell: up to the next run, or to the counter."""

    first: int
    cell: CellId


class PlatformKind(Enum):
    """List what is in force over all cells."""

    CREDENTIAL = "credential"
    STOP = "stop"
    SIGN_OUT = "sign_out"
    FILE = "file"  # the digest of a declared file
    KEPT_KEY = "kept_key"
    PARENT = "parent"  # an org that got another parent, or none


BELOW, ROOT = b"below", b"root"
"""What a row of an org says: it is below another one, and no family whatever the map has of it; or
it is a family."""


class PlatformRow(msgspec.Struct, frozen=True, array_like=True):
    """Hold something that is in force over all cells; what is in it is for its owners to read.

    `revision`: one more than that of the row which it takes the place of. `content`: None where it
    is in force no more; that is forgotten, so what must never be in force again, as a credential
    that was revoked, says so in its content. `until_ms`: it need not be known afterwards."""

    kind: PlatformKind
    name: str
    revision: int
    content: bytes | None
    until_ms: int | None = None


class ProcessEntry(msgspec.Struct, frozen=True, array_like=True):
    """Hold what a process says of itself. One whose `beat` stands still may have ended."""

    name: str
    address: str
    beat: int
    takes: bool = True  # a cell, if one is free
    files: bytes = b""  # the digests of its declared files
    claims: bytes = b""  # what it says of cells (`HostClaims`)


class MapPlace(msgspec.Struct, frozen=True, array_like=True):
    """Hold up to where a reader has read. `stamp`: what that version alone has."""

    incarnation: str = ""
    version: int = 0
    stamp: bytes = b""


class MapReading(msgspec.Struct, frozen=True, array_like=True):
    """Hold what a reader gets: all that has changed behind its place; of a map that it does not
    know, or lies too far behind, all there is (`is_whole`)."""

    place: MapPlace
    changes: MapChanges
    is_whole: bool = False
    cells: Sequence[CellEntry] = ()
    runs: Sequence[RangeRun] = ()
    next_range: int = 0
    platform: Sequence[PlatformRow] = ()


class CellMapStore(Protocol):
    """The store of the map. Every method may raise `MapDown` and `MapRefused`.

    What changes it returns the version in which the change is, for `are_confirmed`."""

    # -- reading ----------------------------------------------------------------------------------

    def read(self, known: MapPlace) -> Awaitable[MapReading]:
        """Read what has changed behind a place. Raise `MapWentBack` where the map is not the one
        that the reader knows, but an earlier one, or another that was made of an earlier one."""

    def find_openers(self, digest: bytes) -> Awaitable[Sequence[Opener]]:
        """Return whose it is what opens something, by its digest."""

    def list_processes(self) -> Awaitable[Sequence[ProcessEntry]]:
        """List the processes that have said anything of themselves, by name."""

    def confirmations(self) -> Awaitable[Mapping[CellId, int]]:
        """Return of every cell that is not removed the version that its owner has confirmed; 0
        where its present one has confirmed none of this incarnation."""

    # -- cells and families -----------------------------------------------------------------------

    def add_cell(self, entry: CellEntry) -> Awaitable[bool]:
        """Add a cell. False, and nothing is changed, where this number is another one's."""

    def put_cell(self, entry: CellEntry) -> Awaitable[int]:
        """Add a cell, or change where it is. Its state and its owner stay, if it is there."""

    def change_state(self, cell: CellId, former: CellState, state: CellState) -> Awaitable[bool]:
        """Change the state of a cell. False, and nothing is changed, where it was another one."""

    def remove_cell(self, cell: CellId) -> Awaitable[bool]:
        """Remove a cell that is drained, in one change with the look whether a family is there.
        False, and nothing is changed, where one is, or it is not drained; a family that is below
        another one by now is none."""

    def put_owner(self, cell: CellId, owner: CellOwner) -> Awaitable[int]:
        """Name who owns a cell, if nobody has owned it by a later epoch."""

    def place_families(self, places: Mapping[FamilyId, FamilyPlace]) -> Awaitable[int]:
        """Name where families are, of each if its number is above the one that is known."""

    # -- ranges of numbers ------------------------------------------------------------------------

    def begin_grants(self, first: int, base: CellId) -> Awaitable[None]:
        """Begin the counter of ranges; all below are those of `base`. Raise `MapRefused` where it
        has begun otherwise."""

    def grant_ranges(self, cell: CellId, highest: int, wanted: int) -> Awaitable[Sequence[int]]:
        """Return the ranges of a cell above the highest that it has; grant it as many as are
        missing of what is wanted. Raise `MapWentBack` where the map does not know that it has
        `highest`; -1: it has none."""

    def grant_fresh_ranges(
        self, cell: CellId, highest: int, wanted: int, counted: int
    ) -> Awaitable[Sequence[int]]:
        """Return ranges far above all that were granted, for a cell that has none left to begin:
        its store may come from a backup, and not know which ones it was granted since, and has
        begun; so may the map. `counted`: the counter as the cell has just read it. Raise
        `MapWentBack` as `grant_ranges` does."""

    def restore_grants(
        self, incarnation: str, by_cell: Mapping[CellId, CellRanges]
    ) -> Awaitable[bool]:
        """Follow what stands in each cell's own store of its ranges, after the map has gone back;
        from then on it grants again, far above all of them. False where it is of another
        incarnation by now. Raise `MapRefused` where a cell was not asked, or a range is of two."""

    # -- what opens something ---------------------------------------------------------------------

    def add_openers(self, openers: Iterable[tuple[bytes, Opener]], now_ms: int) -> Awaitable[bool]:
        """Add what opens something, by digest; all or, if one of them is another family's already,
        none (False)."""

    def rehome_openers(
        self,
        former: Iterable[tuple[bytes, Opener]],
        openers: Iterable[tuple[bytes, Opener]],
        now_ms: int,
    ) -> Awaitable[bool]:
        """Put openers in the place of former ones, in one change: whoever asks finds either. False,
        and nothing is changed, where one of them is a third family's."""

    def remove_openers(self, openers: Iterable[tuple[bytes, Opener]]) -> Awaitable[None]:
        """Remove what opens nothing any more."""

    def list_openers(
        self, family: FamilyId, behind: bytes, before_ms: int, limit: int
    ) -> Awaitable[Sequence[tuple[bytes, Opener]]]:
        """List what opens something of a family and was added earlier, by digest, behind one."""

    # -- processes --------------------------------------------------------------------------------

    def beat(self, process: ProcessEntry) -> Awaitable[None]:
        """Say that a process lives, and what it is. It has no version."""

    def remove_process(self, name: str, beat: int) -> Awaitable[bool]:
        """Remove a process that has ended. False where it has been heard since that beat."""

    def confirm(self, cell: CellId, epoch: int, place: MapPlace) -> Awaitable[bool]:
        """Say that the owner of a cell follows the map up to a place. False where the cell has
        a later owner, or the map another incarnation. It has no version."""

    # -- what is in force over all cells ----------------------------------------------------------

    def put_platform(self, rows: Sequence[PlatformRow]) -> Awaitable[int]:
        """Put rows in force over all cells, in one change, or out of it. 0, and nothing is changed,
        where one of them is there with this revision or a later one, and is another."""

    def drop_expired(self, now_ms: int) -> Awaitable[None]:
        """Drop rows that need not be known any more."""

    # -- the map itself ---------------------------------------------------------------------------

    def begin_incarnation(self, known: str) -> Awaitable[str]:
        """Give a map that has gone back another incarnation, after the one that is known; return
        it. If somebody has done so, nothing is changed."""

    def close(self) -> Awaitable[None]:
        """Let the map go. Idempotent."""


def is_behind(incarnation: str, known: str) -> bool:
    """Return whether a map of this incarnation cannot have come after one of a known
    incarnation."""
    number, known_number = number_of(incarnation), number_of(known)
    return number < known_number or (number == known_number and incarnation != known)


def number_of(incarnation: str) -> int:
    """Return the how-manieth incarnation this is; 0: none, or no text of ours."""
    number = incarnation.partition(".")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0


def grants_of(runs: Iterable[RangeRun], next_range: int) -> RangeGrants:
    """Build the grants of runs that were read, by which is known which cell took a number."""
    grants = RangeGrants()
    ordered = sorted(runs)
    ends = [run.first for run in ordered[1:]] + [next_range]
    for run, end in zip(ordered, ends, strict=True) if ordered else ():
        grants.next = run.first
        grants.grant(run.cell, end - run.first)
    grants.next = next_range
    return grants
