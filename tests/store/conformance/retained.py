"""What retention leaves of events."""

from collections.abc import Sequence

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import RowKind
from tidings.store import port

LATER = 60_000  # what has been accepted just now is older than a moment so far ahead


def drop(
    subject: Subject,
    kind: RowKind,
    *,
    rows_max: int = 1000,
    orgs: Sequence[OrgId] = (),
    others: bool = True,
    days: int = 30,
    before_ms: int | None = None,
) -> int:
    """A whole pass of one group; how many rows were dropped. No slice is larger than it may be."""
    if before_ms is None:
        before_ms = subject.commit().now_ms + LATER
    rows, slices = 0, 0
    first, more = True, True

    def drop(dropping: port.DropSlice) -> port.DropReceipt:
        return subject.ask(lambda store: store.drop(dropping))

    while more:
        dropping = port.DropSlice(
            kind, days, before_ms, orgs, others, rows_max=rows_max, first=first, now_ms=before_ms
        )
        dropped = drop(dropping)
        assert dropped.rows <= rows_max, "a slice is bounded in rows"
        rows, slices = rows + dropped.rows, slices + 1
        assert slices < 5000, "a pass comes to its end"
        first, more = False, dropped.more
    return rows


def body(subject: Subject, id: str, org: int = ORG) -> bytes | None:
    found = subject.event(id, org)
    assert found is not None, f"{id} is gone"
    return found.body
