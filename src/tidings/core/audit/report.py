"""The result of checking an audit log, as it is printed: how much was checked, and every fault."""

from collections.abc import Mapping

import msgspec

from tidings.core.audit.anchors import AnchorFault
from tidings.core.audit.chain import ChainFault

FAULTS_SHOWN = 1000
RESTORES_SHOWN = 20


class ReportedFault(msgspec.Struct, frozen=True):
    """A fault: of a chain (its org, 0 for the platform), or of the anchors where that is None."""

    chain: int | None
    number: int | None
    what: str


class ReportedAnchor(msgspec.Struct, frozen=True):
    """An anchor as its line in the service's log shows it."""

    number: int
    at: str
    chains: int
    digest: str


class ReportedRestore(msgspec.Struct, frozen=True, rename="camel"):
    """A restore, by the entry of the platform's chain that says so."""

    number: int
    at: str
    backup_made_at: str
    newest_anchor: int  # in that backup


class ReportedDeparture(msgspec.Struct, frozen=True):
    """Count the chains that have gone to a cell, with the families that they are of."""

    cell: int
    chains: int


class AuditReport(msgspec.Struct, rename="camel"):
    """The result of a check."""

    chains: int = 0
    entries: int = 0
    anchors: int = 0
    newest_anchor: ReportedAnchor | None = None
    restores: list[ReportedRestore] = []
    departures: list[ReportedDeparture] = []
    moving: int = 0  # chains of families that arrive, or whose rows are dropped: not checked
    fault_count: int = 0
    faults: list[ReportedFault] = []  # the first ones

    def add(self, fault: ChainFault | AnchorFault) -> None:
        """Take a fault."""
        chain = fault.chain if isinstance(fault, ChainFault) else None
        self.report(chain, fault.number, str(fault))

    def note_restore(self, restore: ReportedRestore) -> None:
        """Take a restore; the last ones are kept."""
        self.restores = [*self.restores[1 - RESTORES_SHOWN :], restore]

    def note_moves(self, gone: Mapping[int, int], moving: int) -> None:
        """Take how many chains have gone to which cell, and how many were not checked."""
        self.departures = [ReportedDeparture(cell, gone[cell]) for cell in sorted(gone)]
        self.moving = moving

    def report(self, chain: int | None, number: int | None, what: str) -> None:
        """Take a fault in words."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(ReportedFault(chain, number, what))
