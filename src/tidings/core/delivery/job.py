"""A delivery that may be sent now."""

import msgspec

from tidings.core.ids import DeliveryId, OrgId
from tidings.core.shaping.left_out import LeftOut

TRIAL = DeliveryId(0)  # of a test message
TRIAL_NOW = DeliveryId(-1)  # … that is sent in quiet hours too
STUB_BYTES = 1024  # about what a job takes in memory without its body


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
    unread: int = 0  # bytes of a body that is in the store alone; `body` is empty until it is read

    @property
    def step(self) -> int:
        """Return the step of the retry schedule that follows if this attempt fails: the first real
        failure takes the first, whatever was possibly sent before it."""
        return max(1, self.attempt - self.lost)

    @property
    def body_bytes(self) -> int:
        """Return the bytes of its body, whether it is here or not."""
        return self.unread or len(self.body)

    @property
    def held_bytes(self) -> int:
        """Return the bytes that it is charged while it waits."""
        return STUB_BYTES if self.unread else len(self.body)

    def leave_body(self) -> None:
        """Let go of a body that the store keeps; nothing where it takes less than the job."""
        if not self.unread and self.body_bytes > STUB_BYTES:
            self.unread, self.body = self.body_bytes, b""
