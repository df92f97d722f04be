"""What a review sees of a webhook, by which its incidents are decided. Pure."""

import msgspec

from tidings.core.delivery.receivers.attempt_share import WINDOW_S
from tidings.core.ids import OrgId
from tidings.core.incidents.incident import IncidentKind

OLD_MS = 900_000  # a due delivery that is older is an old backlog
QUIET_S = WINDOW_S  # for so long nothing must have been tried that is to be well without an attempt


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a review sees of a webhook at `now_ms`.

    `state`: how its receiver does, FAILING, DEGRADED or UNREAD; None where it is well. `since_ms`:
    since when. `failures`: attempts that failed in a row, the first of them at `run_since_ms`, None
    where the last one has succeeded. `is_proven`: that the share is well is shown by an attempt, or
    by a window without one. `waiting`, `oldest_due_ms`: of its deliveries; `waiting` is None where
    nobody has counted. `has_reader`: False where only a reader could fetch, and this process has
    seen none lately.
    """

    webhook: int
    org: OrgId
    now_ms: int
    sends: bool
    state: IncidentKind | None = None
    cause: str = ""
    since_ms: int | None = None
    failures: int = 0
    run_since_ms: int | None = None
    is_left_alone: bool = False
    is_proven: bool = True
    has_reader: bool = True
    step: int = 0
    waiting: int | None = None
    oldest_due_ms: int | None = None
