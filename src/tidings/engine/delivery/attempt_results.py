"""What is written of an attempt that has ended: its row, from how it ended and what follows."""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from tidings.core.actions.rendered_act import note_of
from tidings.core.delivery.exchange import (
    AT_ONCE,
    AttemptResult,
    Ending,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Cancelled, Delivered, Failed, Outcome, Retry
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import NotYet, WaitsFor
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping.faults import ShapeLater, ShapeNotYet, ShapeRefused
from tidings.store import port

STATUS_END = 1000  # of three digits
FOREVER = 1e12  # no attempt takes so many milliseconds, and nothing waits so many seconds
LOST = "lost"
LOST_DETAIL = "possibly sent (stopped before the answer came)"


def lost(webhook: Webhook, job: Job, started_ms: int) -> port.Settlement:
    """Settle an attempt that was stopped while it was under way; the next one is due now."""
    evidence = port.Evidence(LOST, LOST_DETAIL, (), body=b"", truncated=False)
    return _row(webhook, job, started_ms, State.RETRYING, 0, 0, None, evidence)


def settled(
    webhook: Webhook,
    job: Job,
    started_ms: int,
    ending: Ending,
    outcome: Outcome,
    disable: str | None = None,
) -> port.Settlement:
    """Return the settlement of an attempt begun at `started_ms` (milliseconds since the epoch);
    `disable`: why its webhook is disabled for it, where it is."""
    status = ending.status if isinstance(ending, ReceiverAnswer) else None
    unkept = isinstance(outcome, Delivered) and not webhook.keep_answers
    evidence = None if unkept else _evidence(ending)
    delay_ms: int | None = None
    if isinstance(outcome, Delivered):
        state = State.DELIVERED
    elif isinstance(outcome, Failed):
        state = State.FAILED
    elif isinstance(outcome, Cancelled):
        state = State.CANCELLED
    elif isinstance(outcome, Retry):
        state = State.RETRYING
        kind = ending.kind if isinstance(ending, TransportFault) else None
        least_ms = 0 if kind in AT_ONCE else 1
        delay_s = 0.0 if kind is FaultKind.STALE else outcome.delay_s
        delay_ms = max(least_ms, round(delay_s * 1000))
    else:
        assert_never(outcome)
    took_ms = round(ending.duration_ms)
    if status is not None and not 0 <= status < STATUS_END:
        raise ValueError("an answer must have a status")
    return _row(webhook, job, started_ms, state, took_ms, delay_ms, status, evidence, disable)


def keep_sent(settlement: port.Settlement, job: Job) -> port.Settlement:
    """Settle with what was sent, though it was taken: its delivery may have been cancelled or
    parked meanwhile, and another try of that sends the same bytes. What was made before it waited
    is kept as well, and goes once it is delivered."""
    waited = job.shaped and job.attempt == 1
    return msgspec.structs.replace(settlement, sent=job.body if waited else job.sent)


def waiting(
    webhook: Webhook, job: Job, started_ms: int, waits: WaitsFor, delay_s: float
) -> port.Settlement:
    """Return the settlement of what is not to be done yet, and is looked at again in `delay_s`
    seconds."""
    delay_ms = max(1, round(delay_s * 1000))
    return _row(webhook, job, started_ms, State.WAITING, 0, delay_ms, None, None, None, waits)


def unshaped(why: ShapeRefused | ShapeLater) -> AttemptResult | NotYet:
    """Settle what was not sent: refused for good by the webhook's own shaping, put off by ours, or
    not to be done yet."""
    if isinstance(why, ShapeNotYet):
        return NotYet(why.waits, why.delay_s)
    if isinstance(why, ShapeRefused):
        notes = tuple(map(note_of, why.steps))
        return of_fault(TransportFault(why.kind, False, why.reason, duration_ms=0.0, notes=notes))
    return of_fault(
        TransportFault(why.kind, False, why.reason, duration_ms=0.0, wait_s=why.delay_s)
    )


def check_wait(not_yet: NotYet, *, left: bool) -> None:
    """Raise TypeError or ValueError for a wait that nobody may believe: without a reason or an
    end, or of a message that has `left`, whose receiver may have got it."""
    if left:
        raise TypeError("an attempt must have a result once it has left")
    if type(not_yet.waits) is not WaitsFor:
        raise TypeError("a wait must have a reason")
    if not (0 <= not_yet.wait_s < FOREVER and 0 <= not_yet.lane_pause_s < FOREVER):
        raise ValueError("a wait must have an end")


def in_vain(not_yet: NotYet) -> AttemptResult:
    """Return the result of what has waited to its end, or where nothing waits."""
    return of_fault(TransportFault(FaultKind.WAITS, False, not_yet.waits.detail, duration_ms=0.0))


def _row(
    webhook: Webhook,
    job: Job,
    started_ms: int,
    state: State,
    took_ms: int,
    delay_ms: int | None,
    status: int | None,
    evidence: port.Evidence | None,
    disable: str | None = None,
    waits: WaitsFor | None = None,
) -> port.Settlement:
    keeps_sent = webhook.type.keeps_sent
    return port.Settlement(
        job.delivery,
        webhook.number,
        job.key,
        state,
        attempt=job.attempt,
        version=webhook.version,
        started_ms=started_ms,
        duration_ms=took_ms,
        status=status,
        delay_ms=delay_ms,
        evidence=evidence,
        sent=None if state is State.DELIVERED and not keeps_sent else job.sent,
        left_out=None if job.sent is None else job.left_out,  # nothing was sent, or shaped
        disable=disable,
        keeps_sent=keeps_sent,
        cut=job.cut and job.sent is not None,
        waits=waits,
    )


def _evidence(ending: Ending) -> port.Evidence:
    """Return what is kept of the ending, in texts that can be kept: a driver may say what is
    none."""
    if isinstance(ending, ReceiverAnswer):
        headers, body = _storable(ending.headers), bytes(ending.body)
        detail = _storable_text(ending.detail)
        return port.Evidence(
            None, detail, headers, body=body, truncated=ending.truncated, timings=ending.timings
        )
    notes, detail = _storable(ending.notes), _storable_text(ending.detail)
    return port.Evidence(
        ending.kind, detail, notes, body=b"", truncated=False, timings=ending.timings
    )


def _storable(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((_storable_text(name), _storable_text(value)) for name, value in pairs)


def _storable_text(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()
