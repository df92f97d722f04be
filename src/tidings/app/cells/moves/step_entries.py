"""The entries of the audit log that go with the steps of a move, each in the step's transaction.

Anchors of a cell name the chains of a family that has gone: by these entries `tidings audit verify`
knows where they are, and reports a chain as missing only where nobody has moved it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from tidings.core.audit.entries import AuditDraft
from tidings.core.audit.family_marks import (
    draft_arrival,
    draft_begin,
    draft_departure,
    draft_undone,
)
from tidings.core.cells.families import CellId, FamilyMove
from tidings.core.ids import OrgId
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.current_actor import current_actor
from tidings.store import port


def recording_step(
    audit: AuditLog, step: port.FamilyStep, other: CellId | None, orgs: Sequence[OrgId]
) -> AbstractContextManager[None]:
    """Record the step of a move that the block asks the store for, where it happens. `other`: the
    other cell of the move; `orgs`: all of the family."""
    return audit.recording_all(*_draft_step(step, other, orgs), if_changed=True)


def _draft_step(
    step: port.FamilyStep, other: CellId | None, orgs: Sequence[OrgId]
) -> Sequence[AuditDraft]:
    if other is None:
        return ()
    family, number, actor = step.family, step.number, current_actor()
    if step.move is FamilyMove.BEGIN:
        return draft_begin(family, other, number, actor)
    if step.move is FamilyMove.UNDONE:
        return draft_undone(family, other, number, actor)
    if step.move in (FamilyMove.SWITCHED, FamilyMove.LOSE):
        return draft_departure(family, other, number, orgs, actor)
    if step.move is FamilyMove.SWITCH:
        return draft_arrival(family, other, number, orgs, actor)
    return ()
