"""Why a delivery stands where it stands, in words: what happened, when the next try is, what to do.

Pure: the time and the time zone are passed in. The sender's own faults come with sentences of their
own (`Fault.detail`: first what happened, then what to do), and so do answers of receivers that are
no HTTP servers (`Answer.detail`); others get theirs here.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from http import HTTPStatus

import msgspec

from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.next_attempt import (
    CLEAR,
    NextAttempt,
    Wait,
    next_attempt_ms,
    waits_for,
)
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.delivery.states import State
from tidings.core.delivery.statuses import status_meaning
from tidings.core.delivery.waits import WaitsFor
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import show
from tidings.core.times import zoned

LEFT_FILE = "The action is no longer in the file."
LEFT_FILE_TODO = "Add it to the file again and restart Tidings, or delete its webhook to forget it."
_SENTENCES = re.compile(r"(?<=[.]) (?=[A-Z])")

_STATUS = {
    401: "The receiver refuses the signature or the credentials: compare the end of the signing "
    "secret, and check the webhook's headers and authentication.",
    403: "Check the webhook's credentials (headers, authentication), and the receiver's firewall.",
    404: "Check the path of the webhook's URL.",
    405: "Set methodType to a method that the receiver accepts.",
    406: "Let the receiver answer without looking at Accept, or set that header on the webhook.",
    408: "Let the receiver read the request faster, or answer first and work later.",
    410: "The receiver is gone for good: give the webhook a new URL and set it active.",
    411: "Let the receiver's proxy accept a Content-Length.",
    413: "Let the receiver accept larger bodies.",
    414: "Shorten the webhook's URL.",
    415: "Let the receiver accept application/json, or set Content-Type on the webhook.",
    429: "The receiver asks for a lower rate, and gets it; set rateLimit if its limit is known.",
    431: "Remove headers from the webhook that the receiver does not need.",
    501: "Set methodType to a method that the receiver accepts.",
    502: "The receiver's gateway cannot reach its application: check that it runs.",
    503: "The receiver is overloaded or stopped: check that it runs.",
    504: "The receiver's gateway waits too long for its application: answer first and work later.",
    505: "Let the receiver speak HTTP/1.1.",
}
# The same for what an action calls, which the operator's file says.
_STATUS_OF_ACTION = {
    401: "It rejects our credential: correct the credential of the action in its file.",
    403: "Check the credential of the action in its file, and what it may do there.",
    404: "Check url and values of the action in its file.",
    405: "Correct method of the action in its file.",
    406: "Correct the headers of the action in its file.",
    410: "The target is gone: check url and values of the action in its file.",
    411: "Let its proxy accept a Content-Length.",
    413: "Let it accept larger bodies, or send less.",
    414: "Shorten url of the action in its file, or its values.",
    415: "Correct the body of the action in its file, or contentType.",
    429: "It asks for a lower rate, and gets it; set rate of the action if its limit is known.",
    431: "Remove headers from the action in its file that it does not need.",
    501: "Correct method of the action in its file.",
}
_OR_LATER = "Or raise deadline of the action in its file."
_REDIRECT_OF_ACTION = "Redirects are not followed: set url of the action to the final address."
_BYTES_OF_ACTION = "Compare what was sent with what it expects; its answer may say more."
_REDIRECT = "Redirects are not followed: set webHookUrl to the final address."
_BYTES = "Compare the body with what the receiver expects; its answer may say more."
_LOG = "Check the receiver's log at this time."

# Faults whose detail is not a sentence.
_FAULT = {
    "policy": (
        "The receiver's address is blocked by policy, so nothing was sent.",
        "Use a public address, or ask the operator to allow this one.",
    ),
    "lost": (
        "Tidings stopped while this attempt may have been under way; the receiver may have "
        "received it.",
        "Let the receiver drop duplicates by webhook-id.",
    ),
    "dns": ("The receiver's host name does not resolve.", "Check the host of webHookUrl."),
    "ours": ("Tidings could not send.", "This is not the receiver's fault."),
}


class PastAttempt(msgspec.Struct, frozen=True):
    """One attempt as it is kept."""

    status: int | None
    kind: str | None  # a FaultKind's word, or "lost"
    detail: str
    duration_ms: int | None
    ended: bool = True
    http: bool = True  # its receiver is an HTTP server: else a status is what HTTP has for the same
    acts: bool = False  # it is of an action, whose drivers of other protocols give details


def what_happened(tried: PastAttempt) -> str:
    """Describe in one sentence how an attempt ended, or that it is under way."""
    if not tried.ended:
        return "The attempt is under way."
    if tried.kind is not None:
        return _fault(tried)[0]
    if tried.detail:
        return _sentences(tried.detail)[0]
    after = "" if tried.duration_ms is None else f" after {_duration(tried.duration_ms)}"
    if tried.acts and status_meaning(tried.status or 0) == "delivered":
        return f"It was done{after}."
    if not tried.http:
        took = status_meaning(tried.status or 0) == "delivered"
        return (
            f"The receiver accepted it{after}."
            if took
            else f"The receiver did not accept it{after}."
        )
    return f"The receiver answered {_status(tried.status)}{after}."


def what_to_do(tried: PastAttempt) -> str:
    """Explain in a sentence or two what to do after an attempt; empty if nothing has to be done."""
    status = tried.status
    if tried.kind is not None:
        more = _OR_LATER if tried.acts and tried.kind == FaultKind.TIMEOUT else ""
        return f"{_fault(tried)[1]} {more}".strip()
    if tried.detail:
        return _sentences(tried.detail)[1]
    if not tried.ended or status is None or 200 <= status <= 299:
        return ""
    if tried.acts:
        return _of_action(status)
    if not tried.http:
        return _LOG
    if 300 <= status <= 399:
        return _REDIRECT
    return _STATUS.get(status) or (_BYTES if status in (400, 422) else _LOG)


def _of_action(status: int) -> str:
    if 300 <= status <= 399:
        return _REDIRECT_OF_ACTION
    usual = _BYTES_OF_ACTION if status in (400, 409, 422) else _STATUS.get(status, _LOG)
    return _STATUS_OF_ACTION.get(status, usual)


def next_try(
    due_ms: int, now_ms: int, zone: tzinfo = UTC, which: str = "Next try", earliest: bool = False
) -> str:
    """Write `Next try 14:02:31Z (in 5 s).`; with the date if it is not today."""
    due = datetime.fromtimestamp(due_ms / 1000, zone)
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    left_ms = due_ms - now_ms
    left = "now" if left_ms <= 0 else f"in {_wait(timedelta(milliseconds=left_ms))}"
    return f"{which} {zoned(due, today)}{' at the earliest' if earliest else ''} ({left})."


def advise(
    state: State,
    tried: PastAttempt | None,
    *,
    due_ms: int | None,
    now_ms: int,
    zone: tzinfo = UTC,
    status: WebhookStatus = WebhookStatus.ACTIVE,
    policy: RetryPolicy = DEFAULT_POLICY,
    next_attempt: NextAttempt = CLEAR,
    ended_by: str | None = None,
    of_action: str | None = None,
    lasted_ms: int | None = None,
    waits: WaitsFor | None = None,
) -> str:
    """Explain a delivery in words, from its state, its last attempt and what its next one waits
    for.

    `of_action`: it is a run of one; why that is disabled, or empty. `lasted_ms`: from its accept to
    its end, which tells whether its retries were over; None where that is not known. `waits`: what
    it waits for that is not to be done yet.
    """
    acts = of_action is not None
    happened = "" if tried is None else what_happened(tried)
    todo = "" if tried is None else what_to_do(tried)
    middle = ""
    if waits is not None and not next_attempt.begun:
        happened, todo = _sentences(waits.detail)
    if waits is not None and waits.on is not None and not next_attempt.begun:
        middle = _barred(next_attempt, status, acts=acts)  # when it looks again is nobody's wait
    elif not state.final:
        middle = comes(
            state,
            due_ms=due_ms,
            now_ms=now_ms,
            zone=zone,
            status=status,
            next_attempt=next_attempt,
            first=tried is None,
            acts=acts,
        )
        todo = "" if _barred(next_attempt, status, acts=acts) else todo
    elif state is State.FAILED and tried is not None:
        middle = _why_failed(tried, policy, lasted_ms)
    elif state is State.PARKED and of_action is not None:
        if tried is not None and tried.kind == FaultKind.WAITS:
            happened = ""  # nobody waits any more
        middle, todo = _parked_run(status, of_action)
    elif state is State.PARKED:
        middle, then = _why_parked(status, policy, lasted_ms)
        todo = todo or then
    elif state is State.CANCELLED:
        middle, todo = f"It was cancelled with its {'action' if acts else 'webhook'}.", ""
        if ended_by is not None:
            middle = f"It was cancelled by {ended_by}."
        elif tried is not None and tried.kind == FaultKind.SKIPPED:
            middle = "So nothing was done."
    elif ended_by is not None:  # delivered, by somebody's word
        middle, todo = (
            f"It was marked as delivered by {ended_by}: Tidings has not seen it arrive.",
            "",
        )
    return " ".join(part for part in (happened, middle, todo) if part)


def _parked_run(status: WebhookStatus, why: str) -> tuple[str, str]:
    """Explain why a run was parked, and what to do."""
    if status is not WebhookStatus.DISABLED:
        return "It was parked: it can be run again.", "Run it again once the action is healthy."
    if why == LEFT_FILE:
        return f"It was parked. {LEFT_FILE}", LEFT_FILE_TODO
    return "It was parked, because the action is disabled.", "Enable the action, and run it again."


def comes(
    state: State,
    *,
    due_ms: int | None,
    now_ms: int,
    zone: tzinfo,
    status: WebhookStatus,
    next_attempt: NextAttempt,
    first: bool = False,
    acts: bool = False,
) -> str:
    """Say when an unfinished delivery is tried next, and what it waits for beside its time."""
    if next_attempt.begun:
        return "Its attempt is under way." if first else "The next try is under way."
    if barred := _barred(next_attempt, status, acts=acts):
        return f"{_held_by(state, next_attempt)} {barred}".lstrip()
    if state is State.HELD:
        return _held_by(state, next_attempt)
    at_ms = next_attempt_ms(state, due_ms, next_attempt, now_ms)
    decides = due_ms is None or due_ms <= now_ms or (next_attempt.until_ms or 0) > due_ms
    why = waits_for(next_attempt, acts=acts) if decides else ""
    if at_ms is not None and at_ms > now_ms:
        which = "First try" if first else "Next try"
        when = next_try(at_ms, now_ms, zone, which, earliest=bool(why))
    else:
        when = "It waits for its attempt." if state is State.PENDING else "It is due now."
    return f"{when} {why}".rstrip()


def _barred(next_attempt: NextAttempt, status: WebhookStatus, *, acts: bool = False) -> str:
    """Say why nothing at all is sent to the webhook; empty where something is, or is under way."""
    if next_attempt.begun:
        return ""
    if next_attempt.why in (Wait.STOPPED_ALL, Wait.STOPPED_ORG, Wait.TYPE):
        return waits_for(next_attempt)
    if status is WebhookStatus.ACTIVE:
        # What the receiver answered before is no news while its connection holds everything up.
        held_up = next_attempt.why is Wait.CONNECTION
        return waits_for(next_attempt, acts=acts) if held_up else ""
    if acts:
        return f"The action is {status.value}: nothing is done until it is active."
    return f"The webhook is {status.value}: nothing is sent until it is active."


def _held_by(state: State, next_attempt: NextAttempt) -> str:
    """Say what a held delivery waits for; nothing of the others, whose lane does not send at
    all."""
    if state is not State.HELD:
        return ""
    if next_attempt.first is None:
        return "It waits for another delivery with the same ordering key."
    return f"It waits for delivery {show('dlv', next_attempt.first)} with the same ordering key."


def _is_over(policy: RetryPolicy, lasted_ms: int | None) -> bool:
    """Return whether a delivery that has lasted so long has used up the time of its retries."""
    return lasted_ms is not None and lasted_ms >= policy.schedule.window_s * 1000


def _why_failed(tried: PastAttempt, policy: RetryPolicy, lasted_ms: int | None) -> str:
    """Say why no attempt follows, from the fact that decided it."""
    if tried.kind == FaultKind.TRANSFORM:
        return (
            "Tidings does not retry it: nothing was sent, and without a change the next try would "
            "fail alike."
        )
    if tried.status is not None and status_meaning(tried.status, policy) == "failed":
        return "Tidings does not retry it: the receiver refuses this message for good."
    if _is_over(policy, lasted_ms):
        hours = policy.schedule.window_s / 3600
        return f"It was the last try: the {hours:g} hours of its retries are over."
    return "It is not tried again by itself."


def _why_parked(
    status: WebhookStatus, policy: RetryPolicy, lasted_ms: int | None
) -> tuple[str, str]:
    """Say why a delivery was parked, and what to do."""
    if _is_over(policy, lasted_ms):
        hours = policy.schedule.window_s / 3600
        over = (
            f"It was parked: the {hours:g} hours of its retries ended while it could not be sent."
        )
        return over, "Replay it once its receiver is back."
    if status is WebhookStatus.DISABLED:
        return (
            "It was parked, because the webhook was disabled.",
            "Set the webhook active; new events are then sent.",
        )
    return "It was parked: it waits to be replayed.", "Replay it once its receiver is back."


def _fault(tried: PastAttempt) -> tuple[str, str]:
    """Split the detail into what happened and what to do, if it is sentences."""
    if tried.detail.endswith("."):
        return _sentences(tried.detail)
    known = _FAULT.get(tried.kind or "")
    return known or ("The receiver gave no complete answer.", _LOG)


def first_sentence(detail: str) -> str:
    """Return what happened, of a detail in sentences."""
    return _sentences(detail)[0]


def _sentences(detail: str) -> tuple[str, str]:
    """Split a detail into what happened, and what to do."""
    first, *rest = _SENTENCES.split(detail)
    return first, " ".join(rest)


def _status(status: int | None) -> str:
    try:
        return f"{status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return str(status)


def _duration(ms: int) -> str:
    return f"{ms} ms" if ms < 10_000 else f"{ms / 1000:.1f} s"


def _wait(left: timedelta) -> str:
    seconds = max(1, round(left.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h"
