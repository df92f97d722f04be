"""A delivery that may be sent now."""

import msgspec

from tidings.core.ids import DeliveryId, OrgId
from tidings.core.shaping.left_out import LeftOut

TRIAL = DeliveryId(0)  # of a test message
TRIAL_NOW = DeliveryId(-1)  # … that is sent in quiet hours too


class Job(msgspec.Struct, array_like=True):
    """Everything that sending a delivery needs. A tuple on the wire: it crosses a process
    boundary."""

    delivery: DeliveryId
    webhook: int
    org: OrgId
    event_id: str
    accepted_ms: int  # of a replay's: when it was made, its window counts from there
    attempt: int  # the number of the attempt that is to be made
    key: int | None  # hash of the ordering key; None where nothing is ordered
    retry: bool  # it was claimed as a due retry
    body: bytes
    replay: int | None = None  # the job that made it; its outcomes say nothing of today's health
    again: bool = False  # it was delivered before: sent under an id of its replay
    shaped: bool = False  # `body` is what an earlier attempt has sent: it goes as it is
    sent: bytes | None = None  # what was shaped for this attempt, to be kept if it is not delivered
    left_out: LeftOut | None = None  # what the enrichment of this attempt had to do without
    lost: int = 0  # earlier attempts of which nobody knows what came, or that were put off
    cut: bool = False  # `body`, if shaped, or `sent` was made without personal data
    passage: str | None = None  # how its event came (core/events/passage.py)

    @property
    def step(self) -> int:
        """Return the step of the retry schedule that follows if this attempt fails: the first real
        failure takes the first, whatever was possibly sent before it."""
        return max(1, self.attempt - self.lost)
