"""Checks the audit log by its rows: every chain, every anchor, and one that is given.

It reads one moment of the database, entry by entry, beside the service that writes to it, and
trusts nothing but the key.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from tidings.core.audit.anchors import AnchorCheck, AnchorLine
from tidings.core.audit.audit_actions import STORE_RESTORED
from tidings.core.audit.chain import ChainCheck, ChainFault, ChainHead, missing
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditEntry
from tidings.core.audit.family_marks import ChainPlaces
from tidings.core.audit.report import AuditReport, ReportedAnchor, ReportedRestore
from tidings.core.cells.families import FamilyState
from tidings.core.times import exact
from tidings.errors import Unusable
from tidings.store.sql.audit.rows import ANCHOR, ANCHORS
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

# The rows of a query, read as they are asked for: the log may be longer than the memory.
RowStream = Callable[[str], Iterable[tuple[Any, ...]]]

_ENTRY = StoredTable("audit", AuditEntry)
NOT_NOTED = "is the last one, and the note of the last one names another"
_MOVING = (
    "WITH RECURSIVE below (org) AS (SELECT family FROM family"
    f" WHERE state IN ({int(FamilyState.ARRIVING)}, {int(FamilyState.GONE)})"
    " UNION SELECT o.id FROM org o JOIN below b ON o.parent = b.org) SELECT org FROM below"
)
_SEAL = "SELECT mac FROM audit WHERE chain = ? AND number = ?"


class NotedHead(NamedTuple):
    """A row of `audit_chain`: the newest entry of a chain, and up to which it is in an anchor."""

    chain: int
    number: int
    anchored: int
    mac: bytes


_NOTED = StoredTable("audit_chain", NotedHead)


class AuditUnreadable(Unusable):
    """It cannot be checked; the text says why and what to do."""


class AuditWalk:
    """One check, of one moment of a database."""

    def __init__(self, connection: StoreConnection, stream: RowStream, key: bytes) -> None:
        """`connection` is in a transaction that sees one moment, `stream` reads over it."""
        self._connection = connection
        self._stream = stream
        self._key = key
        self._report = AuditReport()
        self._heads: dict[int, ChainHead] = {}
        self._begins: dict[int, int] = {}  # by chain, its first entry by what is sealed
        self._ends: dict[int, int] = {}  # its last one, also where it is known to be missing
        self._anchored: dict[int, int] = {}  # its last one in an anchor, as it is noted
        self._platform = ChainCheck(key, PLATFORM_CHAIN)
        self._places = ChainPlaces()
        self._moving = find_moving(connection)
        self._passed: set[int] = set()  # chains of families that are moving, with entries here

    def check(self, line: AnchorLine | None) -> AuditReport:
        """Check everything; return what came of it."""
        for check in self._walk_chains():
            for fault in check.end():
                self._report.add(fault)
            self._begins[check.chain] = check.first
            if check.head is not None:
                self._heads[check.chain] = check.head
                self._ends[check.chain] = check.head.number
        self._check_heads()
        self._report.chains = len(self._ends)
        anchors = self._check_anchors(line)
        self._report.note_moves(Counter(self._places.gone.values()), len(self._passed))
        for chain, anchored in self._anchored.items():
            if anchored > (named := anchors.named.get(chain, 0)):
                reason = f"is noted to be in an anchor, and the last that is in one is {named}"
                self._report.add(ChainFault(chain, anchored, reason))
        return self._report

    def _walk_chains(self) -> Iterator[ChainCheck]:
        """Check the entries of each chain, and yield it when it has ended."""
        report = self._report
        check: ChainCheck | None = None
        for row in self._stream(f"{_ENTRY.select} ORDER BY chain, number"):
            entry = _ENTRY.read(row)
            if self._is_passed(entry.chain):
                continue
            report.entries += 1
            if not (_are(int, entry.chain, entry.number, entry.at_ms) and _are(bytes, entry.mac)):
                place = f"({entry.chain!r}, {entry.number!r})"
                report.report(None, None, f"The entry {place} is none of ours.")
                continue
            if check is None or check.chain != entry.chain:
                if check is not None:
                    yield check
                check = ChainCheck(self._key, entry.chain)
                if entry.chain == PLATFORM_CHAIN:
                    self._platform = check
            if (fault := check.add(entry)) is not None:
                report.add(fault)
            elif entry.chain == PLATFORM_CHAIN:
                self._places.note(entry)
                if entry.action == STORE_RESTORED.name:
                    self._note_restore(entry)
        if check is not None:
            yield check

    def _is_passed(self, chain: int) -> bool:
        """Return whether a chain is another cell's: it has gone, or may never be this one's."""
        if chain in self._places.gone:
            return True
        if chain in self._moving:
            self._passed.add(chain)
        return chain in self._passed

    def _note_restore(self, mark: AuditEntry) -> None:
        try:
            fields = msgspec.json.decode(mark.after or b"", type=dict[str, str | int])
        except ValueError:
            return
        made, newest = fields.get("backupMadeAt", ""), fields.get("newestAnchor", 0)
        restore = ReportedRestore(
            mark.number, exact(mark.at_ms), str(made), newest_anchor=int(newest)
        )
        self._report.note_restore(restore)

    def _check_heads(self) -> None:
        """Compare the newest entry of each chain with what is noted beside it, behind which the
        service writes the next one."""
        unnoted = set(self._heads)
        for noted in map(_NOTED.read, self._stream(_NOTED.select)):
            chain, number = noted.chain, noted.number
            if not (_are(int, chain, number, noted.anchored) and _are(bytes, noted.mac)):
                self._report.report(None, None, f"The note of the chain {chain!r} is none of ours.")
                continue
            if self._is_passed(chain):
                continue
            unnoted.discard(chain)
            self._anchored[chain] = noted.anchored
            head = self._heads.get(chain) or ChainHead(chain, 0, noted.mac)
            if number > head.number:
                cut = f"{missing(head.number + 1, number)}: the end was cut"
                self._report.add(ChainFault(chain, head.number + 1, cut))
                self._ends[chain] = number
            elif (number, noted.mac) != (head.number, head.mac):
                self._report.add(ChainFault(chain, head.number, NOT_NOTED))
        for chain in sorted(unnoted):
            self._report.add(ChainFault(chain, self._heads[chain].number, NOT_NOTED))

    def _check_anchors(self, line: AnchorLine | None) -> AnchorCheck:
        report = self._report
        check = AnchorCheck(
            self._key,
            self._platform.kept_anchors,
            self._begins,
            self._ends,
            self._seal_of,
            gone=self._places.gone,
        )
        found = False
        for row in self._stream(ANCHORS):
            try:
                anchor = ANCHOR.read(row)
            except (msgspec.DecodeError, TypeError):
                anchor = None
            if anchor is None or not (
                _are(int, anchor.number, anchor.at_ms) and _are(bytes, anchor.previous, anchor.mac)
            ):
                report.report(None, None, f"The anchor {row[0]!r} cannot be read.")
                continue
            for fault in check.add(anchor):
                report.add(fault)
            if line is not None and anchor.mac == line.digest:
                found = True
        for cut in check.end():
            report.add(cut)
        report.anchors = check.count
        if (newest := check.newest) is not None:
            report.newest_anchor = ReportedAnchor(
                newest.number, exact(newest.at_ms), len(newest.heads), digest=newest.mac.hex()
            )
        if line is not None and not found:
            self._report_unknown(line, check)
        return check

    def _report_unknown(self, line: AnchorLine, check: AnchorCheck) -> None:
        """Report that the anchor of a line is not there; AuditUnreadable if it need not be."""
        number, first = line.number, check.first
        if number is not None and number < first:
            raise AuditUnreadable(
                f"--anchor must be an anchor that is still kept; retention has dropped anchor "
                f"{number}, and they begin with {first}. Give a newer line."
            )
        which = "The anchor" if number is None else f"Anchor {number}"
        what = (
            f"{which} with the digest of the line is not there: entries that it named were cut "
            "off, or the whole log was replaced by an older one."
        )
        restores = [
            restore
            for restore in self._report.restores
            if number is None or restore.newest_anchor < number
        ]
        if restores:
            restore = restores[-1]
            what += (
                f" The store was restored at {restore.at} from a backup of "
                f"{restore.backup_made_at}, whose newest anchor is {restore.newest_anchor} (entry "
                f"{restore.number} of the platform): what was written between the two is not in "
                "it, and a line from between them is not found."
            )
        self._report.report(None, number, what)

    def _seal_of(self, chain: int, number: int) -> bytes | None:
        for (seal,) in self._connection.execute(_SEAL, (chain, number)):
            return bytes(seal) if isinstance(seal, bytes) else b""
        return None


def find_moving(connection: StoreConnection) -> frozenset[int]:
    """Return the orgs whose rows arrive, or are dropped: nobody else's chain may be left out."""
    if not connection.has_table("family"):
        return frozenset()
    return frozenset(org for (org,) in connection.execute(_MOVING).fetchall())


def _are(kind: type, *values: object) -> bool:
    """Return whether values of a row are what the service writes: SQLite keeps whatever comes."""
    return all(isinstance(value, kind) for value in values)
