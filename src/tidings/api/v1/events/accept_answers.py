"""The answers to calls that bring events: one row for each event, or why nothing was accepted."""

from typing import Literal

import msgspec

from tidings.api.http.refusals import Answer, CallRefusal, json_answer, refusal
from tidings.engine.events.intake import Acceptance, CheckUnavailable, Draft, Overloaded
from tidings.errors import FieldRefusal
from tidings.store.port import FamilyAway, StoreDown

STORE_RETRY_S = 5
OVERLOAD_RETRY_S = 1


class AcceptResult(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The outcome for one event. A refused event without an id that can be repeated has none."""

    event_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    warning: str | None = None
    error: CallRefusal | None = None


class AcceptAnswer(msgspec.Struct):
    """The body of 202 and 422; the API's description calls it `Outcome`."""

    accepted: int
    duplicates: int
    rejected: int
    events: list[AcceptResult]


def accepted_answer(draft: Draft, verdict: Acceptance, request: bytes) -> Answer:
    """Build the answer to a call with one event."""
    if verdict.status == "accepted" and draft.warning is None and verdict.warning is None:
        body = (
            b'{"accepted":1,"duplicates":0,"rejected":0,"events":[{"eventId":"%b",'
            b'"status":"accepted"}]}' % draft.event_id.encode()
        )
        return json_answer(202, body, request)
    return rows_answer([accept_result(draft, verdict)], request)


def accept_result(draft: Draft, verdict: Acceptance) -> AcceptResult:
    """Build the row of an event that was taken in."""
    return AcceptResult(draft.event_id, verdict.status, verdict.warning or draft.warning)


def rows_answer(rows: list[AcceptResult], request: bytes) -> Answer:
    """Build the answer to a call of which each event has a row: 202, or 422 where all were
    refused."""
    states = [row.status for row in rows]
    rejected = states.count("rejected")
    answer = AcceptAnswer(
        states.count("accepted"), states.count("duplicate"), rejected, events=rows
    )
    body = msgspec.json.encode(answer)
    return json_answer(422 if rejected == len(rows) else 202, body, request)


def _unchecked(request: bytes) -> Answer:
    message = "Events must be checked first; no process can check these now. Send them again."
    return refusal(
        503, FieldRefusal.build("overloaded", message), request, retry_after=OVERLOAD_RETRY_S
    )


def unavailable_answer(error: StoreDown | Overloaded, request: bytes) -> Answer:
    """Build the 503 for events that cannot be written now."""
    if isinstance(error, CheckUnavailable):
        return _unchecked(request)
    if isinstance(error, FamilyAway):
        away = FieldRefusal.build("family_away", str(error))
        return refusal(503, away, request, retry_after=STORE_RETRY_S)
    if isinstance(error, StoreDown):
        code, why, retry_s = "store_down", "the store takes no writes", STORE_RETRY_S
    else:
        why = "more events wait for their commit than may"
        code, retry_s = "overloaded", OVERLOAD_RETRY_S
    message = f"Events must be written before they are accepted; {why} now. Send them again."
    return refusal(503, FieldRefusal.build(code, message), request, retry_after=retry_s)
