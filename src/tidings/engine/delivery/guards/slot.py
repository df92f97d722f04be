"""A send slot: the attempts of one lane that are made in it, one after the other."""

import asyncio

from tidings.core.delivery.job import Job
from tidings.core.delivery.turns import Permit
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.runner import WebhookRunner


class Slot:
    """Each attempt holds a permit of the process, which is given back here and nowhere else, once,
    by whoever comes first: as it ends, or when its task is over, however that came."""

    __slots__ = ("_admission", "began_s", "job", "overrun", "permit", "runner", "task")

    def __init__(self, admission: Admission, runner: WebhookRunner) -> None:
        self._admission = admission
        self.runner = runner
        self.job: Job | None = None  # under way, with a permit
        self.permit: Permit | None = None  # None: it takes none, or is over
        self.task: asyncio.Task[None] | None = None
        self.began_s = 0.0  # by the loop's clock
        self.overrun = False  # its attempt does not end, and was cancelled for it

    def take(self, job: Job, now_s: float) -> None:
        """An attempt of this job starts; its lane counts it already."""
        self.job = job
        self.began_s = now_s
        self.permit = self._admission.began(self.runner, now_s)
        self.runner.waiting_since_s = None

    def free(self, now_s: float, *, answered: bool | None = None) -> None:
        """The attempt is over; nothing if it was already. `answered`: by an answer; None: for a
        reason of ours."""
        self.job = None
        if (permit := self.permit) is not None:
            self.permit = None
            self._admission.ended(permit, now_s, answered=answered)
