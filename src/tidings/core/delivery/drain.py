"""A drain: a receiver is back, and all that waits for it is to be sent now. Pure.

    probing ──(one delivery is taken)──► draining ──(nothing of what waited is due)──► done
    probing ──(it is not taken)──► refused         draining ──(it fails again)──► ended
    either ──(the webhook may not be sent to any more, or nothing could be tried)──► ended

Refused, everything is as it was before: the breaker pauses on, and due times stay. Counted is what
had been accepted when the drain began; what comes later is the webhook's ordinary traffic.
"""

import math
from enum import StrEnum

import msgspec

from tidings.core.delivery.advice import PastAttempt, what_happened, what_to_do
from tidings.core.delivery.receivers.breaker import SUCCESSES_TO_CLOSE
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId

TOOK_S = 0.1  # how long an attempt is taken to last, of a receiver that has not answered yet
BODY_SHOWN = 1024  # characters of an answer's body
LOST_SIGHT = (
    "The service was started again while this drain went on. What was due by then is sent; drain "
    "again for the rest."
)
"""What whoever watches a drain is shown when nobody knows of it any more."""


class DrainState(StrEnum):
    """The states of a drain. The last three are final."""

    PROBING = "probing"
    DRAINING = "draining"
    DONE = "done"
    REFUSED = "refused"
    ENDED = "ended"

    @property
    def final(self) -> bool:
        """Return whether nothing of it goes on."""
        return self not in (DrainState.PROBING, DrainState.DRAINING)


class LanePotential(msgspec.Struct, frozen=True):
    """The bounds of how fast a webhook can be sent to."""

    at_once: int  # connections
    per_second: float | None = None  # its own limit or the one learned, whichever is less
    took_s: float = 0.0  # how long attempts took lately; 0: nobody knows


class ProbeAnswer(msgspec.Struct, frozen=True):
    """The receiver's answer to the attempt by which a drain has asked it."""

    delivery: DeliveryId
    delivered: bool
    status: int | None  # None: there was no answer
    fault: str | None
    detail: str
    body: str  # the first of it
    duration_ms: float
    http: bool = True  # as of `PastAttempt`
    acts: bool = False

    @property
    def happened(self) -> str:
        """Describe in one sentence how the attempt ended."""
        return what_happened(self._attempt)

    @property
    def remedy(self) -> str:
        """Explain what to do about it; empty where nothing has to be done."""
        return what_to_do(self._attempt)

    @property
    def _attempt(self) -> PastAttempt:
        return PastAttempt(
            status=self.status,
            kind=self.fault,
            detail=self.detail,
            duration_ms=round(self.duration_ms),
            http=self.http,
            acts=self.acts,
        )


def estimate_s(waiting: int, lane: LanePotential) -> float:
    """Estimate how many seconds it takes to send what waits, where all of it is taken."""
    if not waiting:
        return 0.0
    took_s, at_once = lane.took_s or TOOK_S, max(1, lane.at_once)
    # Probes go one by one; then each success admits one more, so that each round has twice as many.
    ramp_s = (min(waiting, SUCCESSES_TO_CLOSE) + math.log2(at_once)) * took_s
    sending_s = ramp_s + waiting * took_s / at_once
    return sending_s if lane.per_second is None else max(sending_s, waiting / lane.per_second)


def describe_queue(waiting: int, lane: LanePotential) -> str:
    """Say how much waits, and about how long a drain takes: "326 queued, about 2 s"."""
    if not waiting:
        return "nothing queued"
    return f"{waiting:,} queued, about {_duration(estimate_s(waiting, lane))}"


def describe_drain(
    state: DrainState,
    *,
    delivered: int,
    failed: int,
    left: int,
    answer: ProbeAnswer | None,
    why: str,
) -> str:
    """Say in a sentence or two how a drain goes, or went. `why` it has ended, where it has."""
    counts = f"{delivered:,} delivered, {failed:,} failed, {left:,} left"
    match state:
        case DrainState.PROBING:
            return f"Trying one delivery; {left:,} queued."
        case DrainState.DRAINING:
            return f"The receiver is back: {counts}."
        case DrainState.DONE:
            return f"{why} {counts[0].upper()}{counts[1:]}.".strip()
        case DrainState.REFUSED:
            return f"{_answered(answer)} Nothing was changed: {left:,} queued."
        case DrainState.ENDED:
            return f"{why} {counts[0].upper()}{counts[1:]}."


def _answered(answer: ProbeAnswer | None) -> str:
    return "Nothing could be tried." if answer is None else answer.happened


def refuse_drain(
    status: WebhookStatus, *, kind: str, fetched: bool, calls: bool, stopped: bool, held: str
) -> tuple[str, str] | None:
    """Return the code and the sentence why a webhook cannot be drained now; None: it can be.

    `kind`: its type by name; `fetched`: its messages are; `calls`: its type leads somewhere;
    `stopped`: sending is, for its org or for all; `held`: the fault of its connection.
    """
    if fetched:
        return (
            "webhook_is_fetched",
            "A webhook must be sent to, to be drained; the messages of this one are fetched. "
            "Fetch them: what waits is handed out at once.",
        )
    if not calls:
        return (
            "webhook_makes_no_call",
            f"A webhook must make calls to be drained; {kind} makes none. Set webHookType "
            "to HTTP, then drain it.",
        )
    match status:
        case WebhookStatus.PAUSED:
            return (
                "webhook_paused",
                "A webhook must be active to be drained; this one is paused. Resume it, then drain "
                "it.",
            )
        case WebhookStatus.DISABLED | WebhookStatus.INACTIVE:
            return (
                f"webhook_{status.value}",
                f"A webhook must be active to be drained; this one is {status.value}. "
                "Enable it, and replay what it has missed.",
            )
        case _:
            pass
    if stopped:
        return (
            "sending_stopped",
            "Sending must not be stopped while a webhook is drained; it is, for its org or for "
            "all. Start sending again, then drain it.",
        )
    if held:
        return (
            "connection_held",
            f"The connection of a webhook must work while it is drained; it does not. {held}",
        )
    return None


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
