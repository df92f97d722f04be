"""Errors that nobody has foreseen: counted, logged once for each kind, and told to the operator.

An attempt may fail in ways that no driver, template or rule of ours has a word for. Whatever it is,
it is our fault and not the receiver's: the attempt ends with a reason, its slot is free, and it is
tried again on the schedule. What was raised may hold the event, so that only its kind and the line
of code are logged.
"""

import asyncio
from contextlib import suppress
from enum import StrEnum
from pathlib import PurePath
from time import monotonic

import structlog

from tidings.core.delivery.exchange import AttemptResult, FaultKind, TransportFault, of_fault

KINDS_MAX = 200  # kinds of errors that are known apart; of further ones only the count is kept
NOTICE_S = 3600.0  # how long the last one stands in the notices

log = structlog.get_logger(__name__)


class AttemptStep(StrEnum):
    """The steps of an attempt."""

    SHAPE = "shape"
    OPEN = "open"
    SIGN = "sign"
    SEND = "send"
    JUDGE = "judge"
    SETTLE = "settle"
    OBSERVE = "observe"
    FOLLOW = "follow"
    CLOSE = "close"
    SHOW = "show"
    START = "start"
    HANDOVER = "hand-over"


_DOING = {
    AttemptStep.SHAPE: "make this message",
    AttemptStep.OPEN: "open the connections of this webhook",
    AttemptStep.SIGN: "sign this message",
    AttemptStep.SEND: "send this message",
}
_ENDS = (asyncio.CancelledError, GeneratorExit)


def is_end(error: BaseException, task: "asyncio.Task[None] | None") -> bool:
    """Return whether what was raised in a task is meant for the task itself: somebody has cancelled
    it, or the process ends. A driver may raise the same by itself, which then is a failure of
    it."""
    if isinstance(error, KeyboardInterrupt):
        return True
    if isinstance(error, asyncio.CancelledError):
        return task is None or task.cancelling() > 0
    if isinstance(error, GeneratorExit):  # as it is closed, another one runs, or none
        with suppress(RuntimeError):
            return task is None or asyncio.current_task() is not task
        return True
    return False


class UnforeseenErrors:
    """The unforeseen errors of a process."""

    def __init__(self) -> None:
        self.count = 0
        self.lost_slots = 0
        self._kinds: dict[tuple[str, str, str], int] = {}  # by step, class and place
        self._last: tuple[str, str, float] | None = None  # step, class, when
        self._slot_lost_s: float | None = None

    def note(self, error: BaseException, step: AttemptStep, kind: str = "") -> None:
        """Count one; it is logged where it is the first of its kind. `kind` of the webhook. Raises
        nothing."""
        self.count += 1
        name = type(error).__name__
        self._last = step, name, monotonic()
        with suppress(Exception):
            known = step.value, name, _place_of(error)
            count = self._kinds.get(known, 0)
            if not count and len(self._kinds) >= KINDS_MAX:
                return
            self._kinds[known] = count + 1
            if not count:
                log.error("an unforeseen error", step=known[0], error=name, at=known[2], type=kind)

    def result(
        self,
        error: BaseException,
        step: AttemptStep,
        kind: str,
        *,
        sent: bool,
        took_ms: float = 0.0,
    ) -> AttemptResult:
        """Count one that has ended an attempt, and say what is kept of that: our own fault.
        `sent`: its first byte had left."""
        self.note(error, step, kind)
        doing = _DOING.get(step, "judge what came of this message")
        left = " The receiver may have got it." if sent else " Nothing was sent."
        detail = (
            f"Tidings could not {doing}, because of an error of its own ({type(error).__name__}). "
            f"That is not the receiver's fault.{left} Tidings will retry; see the server log for "
            "the cause."
        )
        return of_fault(TransportFault(FaultKind.OURS, sent, detail, duration_ms=took_ms))

    def slots_lost(self, count: int) -> None:
        """Report that so many slots were held by nobody, and are free again."""
        self.lost_slots += count
        self._slot_lost_s = monotonic()
        log.error("send slots that nobody held are free again", count=count)

    def notices(self) -> list[str]:
        """List what an operator should know, in sentences; no org and no webhook is named."""
        found, now_s = [], monotonic()
        if self._last is not None and now_s - self._last[2] < NOTICE_S:
            step, name, at_s = self._last
            found.append(
                f"Tidings has failed {self.count:,} time{'' if self.count == 1 else 's'} by an "
                f"error of its own since it started, the last time {_ago(now_s - at_s)} ({name}, "
                f"step {step}). Deliveries are tried again; look for "
                '"an unforeseen error" in the log, and report it.'
            )
        if self._slot_lost_s is not None and now_s - self._slot_lost_s < NOTICE_S:
            found.append(
                f"Send slots were held by nobody and have been given back: {self.lost_slots:,} "
                f"since the start, the last {_ago(now_s - self._slot_lost_s)}. Report this."
            )
        return found


def _ago(seconds: float) -> str:
    return f"{seconds / 60:.0f} min ago" if seconds >= 60 else f"{seconds:.0f} s ago"


def _place_of(error: BaseException) -> str:
    """Return the line of code that raised an error: file, number and function."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"{PurePath(code.co_filename).name}:{trace.tb_lineno} {code.co_name}"
