"""What is seen of a service while its database is silent: what it acknowledges and sends, what
callers are answered, what it says of itself, and what the doctor says."""

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests import forked
from tests.drills.hooks import Hooks
from tests.drills.pair import Pair
from tests.drills.sender import Sender
from tests.e2e.harness.api import Api
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess, environment
from tidings.core.running.lease import EARLY_S, LEASE_S

PATIENT_S = 15.0  # of a caller: as long as platforms wait for an answer
ON_ITS_WAY_S = 2.0  # what was committed before is acknowledged a moment later
ARRIVES_S = 0.5  # what has left before arrives a moment later
LOOK_S = 0.5
DOCTOR_S = 120.0
READY, ALIVE, FIGURES = PAGES = ("/readyz", "/livez", "/metrics")
ACCEPTED = 202


class PageLook(NamedTuple):
    """A look at a page of the service: when, how long it took, its status (0: no answer), and
    whether the service calls itself ready there."""

    page: str
    at_s: float
    took_s: float
    status: int
    ready: bool


class DoctorRun(NamedTuple):
    """How the doctor ended."""

    code: int
    took_s: float
    said: str


@dataclass
class DatabaseAway:
    """`acknowledged`: by that service, later than what was on its way; `sent_in_lease`: of which no
    outcome can be written, `sent`: once its lease was over; `ready_late`: looks in which it then
    called itself ready."""

    acknowledged: int = 0
    sent_in_lease: int = 0
    without_outcome: int | None = None  # requests that had come by then; None: nobody could look
    sent: int = 0
    answers: dict[int, int] = field(default_factory=dict)  # by status; 0: none in time
    slowest_s: float = 0.0
    pages: int = 0
    pages_wrong: list[str] = field(default_factory=list)
    page_slowest_s: float = 0.0
    ready_late: int = 0
    doctor: DoctorRun = DoctorRun(0, 0.0, "")


class SilentDatabase:
    """Looks at a service from when it is made, just before its database is silent, until `end`."""

    def __init__(
        self, pair: Pair, service: ServiceProcess, uri: str, books: Hooks | None = None
    ) -> None:
        """`uri`: the database as that service reaches it. `books`: what its database has is looked
        at when the lease is over, where others reach it."""
        self._pair = pair
        self._service = service
        self._uri = uri
        self._looks: list[PageLook] = []
        self._ran = DoctorRun(0, 0.0, "")
        self._books = books
        self._without_outcome: int | None = None
        self._over = threading.Event()
        self.began_s = time.monotonic()
        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (self._look, self._ask_doctor, self._look_at_books)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def lease_over_s(self) -> float:
        """When the last renewal that it can have heard of has run out."""
        return self.began_s + LEASE_S - EARLY_S

    def end(
        self, hooks: Hooks, patient: Sender, senders: Sequence[Sender], until_s: float
    ) -> DatabaseAway:
        """Say what was seen, and what `patient` was answered. `until_s`: when another owner began
        to send, or the database spoke again."""
        self._over.set()
        ended_s, port = time.monotonic(), self._service.port
        for thread in self._threads:
            thread.join(DOCTOR_S)
        away = DatabaseAway(doctor=self._ran, pages=len(self._looks))
        away.without_outcome = self._without_outcome
        away.sent_in_lease = hooks.arrivals_in(self.began_s, self.lease_over_s + ARRIVES_S)
        away.sent = hooks.arrivals_in(self.lease_over_s + ARRIVES_S, until_s)
        for answer in [answer for sender in senders for answer in sender.answers]:
            answered_s = answer.began_s + answer.took_s
            if answer.port != port or not self.began_s < answered_s < ended_s:
                continue
            late = answered_s > self.began_s + ON_ITS_WAY_S
            away.acknowledged += answer.status == ACCEPTED and late
        for answer in patient.answers:
            answered_s = answer.began_s + answer.took_s
            if answer.port != port or not self.began_s < answered_s < ended_s:
                continue
            away.answers[answer.status] = away.answers.get(answer.status, 0) + 1
            away.slowest_s = max(away.slowest_s, answer.took_s)
        for look in self._looks:
            away.page_slowest_s = max(away.page_slowest_s, look.took_s)
            late = look.at_s > self.lease_over_s + ON_ITS_WAY_S
            away.ready_late += look.ready and late
            if look.status not in ((200, 503) if look.page == READY else (200,)):
                away.pages_wrong.append(f"{look.page} {look.status} after {look.took_s:.1f} s")
        return away

    def _look(self) -> None:
        while not self._over.is_set():
            for page in PAGES:
                self._looks.append(_look_at(self._service, page))
            self._over.wait(LOOK_S)

    def _look_at_books(self) -> None:
        if self._books is not None:
            self._over.wait(self.lease_over_s + ARRIVES_S - self.began_s)
            self._without_outcome = self._books.without_outcome()

    def _ask_doctor(self) -> None:
        self._over.wait(1.0)  # it is silent by then
        began_s = time.monotonic()
        ran = subprocess.run(
            [forked.SCRIPT, "doctor"],
            env=environment(
                database=self._uri,
                master_key_file=self._pair.key,
                url=f"http://127.0.0.1:{self._service.port}",
                key=f"{KEY}:{SECRET}",
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DOCTOR_S,
            check=False,
        )
        said = (ran.stdout + ran.stderr).decode(errors="replace")
        self._ran = DoctorRun(ran.returncode, time.monotonic() - began_s, said)


def _look_at(service: ServiceProcess, page: str) -> PageLook:
    began_s, status, ready = time.monotonic(), 0, False
    try:
        with Api(service.port, f"{KEY}:{SECRET}", seconds=PATIENT_S) as api:
            reply = api.get(page)
        status = reply.status
        ready = page == READY and status == 200
        ready = ready or (page == FIGURES and b"\ntidings_ready 1" in reply.body)
    except OSError:
        pass  # the status says so
    return PageLook(page, began_s, time.monotonic() - began_s, status, ready)
