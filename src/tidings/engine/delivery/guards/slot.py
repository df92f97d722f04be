"""A send slot: the attempts of one lane that are made in it, one after the other."""

import asyncio

from tidings.core.delivery.body_memory import LARGE_BYTES, BodyHold
from tidings.core.delivery.job import Job
from tidings.core.delivery.turns import Permit
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.runner import WebhookRunner


class Slot:
    """Each attempt holds a permit of the process, and room for its body where that is large; they
    are given back here and nowhere else, once, by whoever comes first: as it ends, or when its task
    is over, however that came."""

    __slots__ = ("_admission", "_body", "began_s", "job", "overrun", "permit", "runner", "task")

    def __init__(self, admission: Admission, runner: WebhookRunner) -> None:
        self._admission = admission
        self.runner = runner
        self.job: Job | None = None  # under way, with a permit
        self.permit: Permit | None = None  # None: it takes none, or is over
        self._body: BodyHold | None = None  # None: it is small, or held no more
        self.task: asyncio.Task[None] | None = None
        self.began_s = 0.0  # by the loop's clock
        self.overrun = False  # its attempt does not end, and was cancelled for it

    def take(self, job: Job, now_s: float) -> None:
        """Take a slot for an attempt of this job, which starts; its lane counts it already."""
        self.job = job
        self.began_s = now_s
        self.permit = self._admission.began(self.runner, now_s)
        self.runner.waiting_since_s = None
        if size := self.runner.lane.bytes_of(job):
            self._body = self._admission.hold_body(self.runner, size)

    def grow(self, size: int) -> bool:
        """Grow by a message of so many bytes that was made of the body. Return whether there is
        room for it; its lane takes its next ones to be as large."""
        lane, body = self.runner.lane, self._body
        if size > LARGE_BYTES or lane.made_bytes:
            lane.note_made(size)
        if size <= (LARGE_BYTES if body is None else body.size):
            return True
        grown = self._admission.bodies.grow(self.runner, body, size)
        if grown is not None:
            self._body = grown
        return grown is not None

    def hand_body_to(self, other: "Slot") -> None:
        """Hand the body to another slot, which holds it from now on and gives it back."""
        other._body, self._body = self._body, None

    def drop_body(self) -> bool:
        """Drop the body, which is counted elsewhere or not held any more; return whether it was
        held."""
        if (body := self._body) is None:
            return False
        self._body = None
        self._admission.give_body(body)
        return True

    def free(self, now_s: float, *, answered: bool | None = None) -> None:
        """Free what the attempt held, which is over; do nothing if that is done. `answered`: by an
        answer; None: for a reason of ours."""
        self.job = None
        if (permit := self.permit) is not None:
            self.permit = None
            self._admission.ended(permit, now_s, answered=answered)
        if self._body is not None:
            self.drop_body()
