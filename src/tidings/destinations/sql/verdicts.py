"""What PostgreSQL says of a row, or of a line to it: what becomes of the message, and in words.

Whoever owns a webhook need not know where its connection leads, nor what others have written: of
the server's texts only those are passed on that speak of the row itself.
"""

from contextlib import suppress
from typing import NamedTuple

import psycopg

from tidings.connections.postgresql_faults import is_full, is_starting, reason_of
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    Limit,
    ReceiverAnswer,
    Timings,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.retry_policy import RetryPolicy

WORDS_MAX = 300
OPERATOR = "Ask the operator."
_TIMEOUT = "57014"


class _Explanation(NamedTuple):
    status: int
    verdict: DeliveryVerdict
    got: str = ""
    do: str = OPERATOR
    quotes: bool = False  # the server's words are of the row
    slow: bool = False
    limit: Limit | None = None
    of_value: bool = False  # no such column could hold it


_CORRECT = "Correct sql.columns or the transformation, or ask the operator."
_ROW = _Explanation(422, DeliveryVerdict.NEVER, "it refuses it", do=_CORRECT, quotes=True)
_VALUE = _ROW._replace(got="a value is beyond what its column can hold", of_value=True)
_LARGE = _Explanation(
    413, DeliveryVerdict.NEVER, "the row is too large or too deep for it", do=_CORRECT
)
_NO_TABLE = _Explanation(404, DeliveryVerdict.AGAIN, "there is no such table")
_UNFIT = _Explanation(500, DeliveryVerdict.AGAIN, "it is not as it was declared")
_LATER = "Tidings will retry."
_BUSY = _Explanation(
    503, DeliveryVerdict.AGAIN, "the database has no room for more", do=_LATER, slow=True
)
_OTHER = _Explanation(500, DeliveryVerdict.AGAIN, "the database fails")

# By SQLSTATE, or by its class.
EXPLANATIONS = {
    "22": _ROW,
    "22003": _VALUE,  # a number out of range
    "22008": _VALUE,  # a date or a time out of range
    "22015": _VALUE,  # a span of time
    "22021": _VALUE,  # signs that the database's encoding has not
    "22P05": _VALUE,
    "23": _ROW,
    "44": _ROW,
    "54": _LARGE,
    "42P01": _NO_TABLE,
    "3F000": _NO_TABLE,
    "42501": _Explanation(403, DeliveryVerdict.AGAIN, "our user lacks a right on it"),
    "42703": _UNFIT._replace(got="it lacks a column that it was declared with"),
    "42P10": _UNFIT._replace(got="it has no unique index of its key, or of its id"),
    "42": _UNFIT,
    "40": _Explanation(
        409, DeliveryVerdict.AGAIN, "others write to it at the same time", do=_LATER
    ),
    "53300": _BUSY._replace(limit=Limit.STATED),
    "53": _BUSY._replace(limit=Limit.LIKELY),
    "55": _Explanation(503, DeliveryVerdict.AGAIN, "it is in use", do=_LATER, slow=True),
    "57": _Explanation(
        503, DeliveryVerdict.AGAIN, "the database starts or stops", do=_LATER, slow=True
    ),
    "25006": _Explanation(503, DeliveryVerdict.AGAIN, "the database takes no writes"),
}


def written(rows: int, *, trial: bool, took_ms: float, timings: Timings | None) -> AttemptResult:
    """Build the result of a statement that has changed `rows` rows."""
    detail = (
        "The row was written." if rows else "Nothing was changed: it was there, or a newer one."
    )
    if trial:
        detail += " It was taken back: this was a test."
    status = 201 if rows else 200
    answer = ReceiverAnswer(
        status=status,
        headers=(),
        body=b"",
        truncated=False,
        duration_ms=took_ms,
        timings=timings,
        detail=detail,
    )
    return AttemptResult(DeliveryVerdict.DELIVERED, answer)


def refused(
    error: psycopg.Error,
    table: str,
    policy: RetryPolicy,
    took_ms: float,
    timings: Timings | None,
    *,
    sent: bool = True,
    column: str = "",
    value: bytes = b"",
) -> AttemptResult:
    """Judge a statement that the server did not do, or under which the line broke. `column`: whose
    `value`, as JSON, it refuses, where that is known."""
    state = error.sqlstate
    if state == _TIMEOUT:
        return of_fault(too_late(took_ms, timings, sent=sent))
    if state is None or state.startswith("08"):
        return of_fault(
            TransportFault(
                FaultKind.RESET,
                sent,
                "The database must keep the connection until it has answered; it was closed. The "
                "row is sent again by itself, and is written once.",
                duration_ms=took_ms,
                timings=timings,
            )
        )
    explanation = EXPLANATIONS.get(state) or EXPLANATIONS.get(state[:2]) or _OTHER
    words = error.diag.message_primary if explanation.quotes else None
    answer = ReceiverAnswer(
        status=explanation.status,
        headers=(("sqlstate", state),),
        body=(words or "")[:WORDS_MAX].encode(),
        truncated=False,
        duration_ms=took_ms,
        timings=timings,
        detail=f"The table {table} must take the row; "
        f"{explanation.got}{_column(column)}{_quoted(words)}. {explanation.do}",
    )
    verdict = explanation.verdict
    if explanation.status in policy.fail_also:
        verdict = DeliveryVerdict.NEVER
    elif explanation.status in policy.retry_also:
        verdict = DeliveryVerdict.AGAIN
    spares = (explanation.of_value or _is_beyond(value)) and verdict is DeliveryVerdict.NEVER
    return AttemptResult(
        verdict, answer, slow=explanation.slow, limit=explanation.limit, spares_receiver=spares
    )


def judges_value(error: psycopg.Error) -> bool:
    """Return whether the server refuses a value, and not the row."""
    return (error.sqlstate or "").startswith("22")


def _is_beyond(value: bytes) -> bool:
    """Return whether it is a number that no integer column holds, however it is written."""
    if value[:1] in b"-0123456789":
        with suppress(ValueError):
            return abs(float(value)) >= 1 << 63
    return False


def _column(column: str) -> str:
    return f" (column {column})" if column else ""


def _quoted(words: str | None) -> str:
    return "" if not words else f": {words[:WORDS_MAX].rstrip('.')}"


def too_late(took_ms: float, timings: Timings | None, *, sent: bool) -> TransportFault:
    """Build the fault for a deadline that has passed with a line."""
    return TransportFault(
        FaultKind.TIMEOUT,
        sent,
        f"The database must write the row within the deadline; it did not within {took_ms:.0f} ms. "
        "Tidings will retry; if it lasts, ask the operator who holds a lock on the table.",
        duration_ms=took_ms,
        timings=timings,
    )


def crowded(took_ms: float) -> TransportFault:
    """Build the fault for a deadline that has passed without a line: others had them all."""
    return TransportFault(
        FaultKind.OURS,
        False,
        "One of the connection's lines must be free; others used all of them until the deadline. "
        "If it lasts, ask the operator to raise connections_max, or to declare a separate "
        "connection.",
        duration_ms=took_ms,
    )


def undialled(took_ms: float) -> AttemptResult:
    """Build the result for a deadline that has passed while a line was dialled."""
    return _unusable(
        FaultKind.CONNECT_TIMEOUT,
        f"The database must take connections; it did not within {took_ms:.0f} ms. {_TRIED}",
        took_ms,
    )


def _unusable(kind: FaultKind, detail: str, took_ms: float) -> AttemptResult:
    """No line came about, whatever the row."""
    fault = TransportFault(kind, False, detail, duration_ms=took_ms)
    slow = kind is FaultKind.CONNECT_TIMEOUT
    return AttemptResult(DeliveryVerdict.AGAIN, fault, slow=slow, unusable=True)


_TRIED = "Tidings will retry; if it lasts, ask the operator."
_TLS = FaultKind.TLS, "must be reached by TLS with certificates that fit; it was not"
# By words of libpq or of the resolver, since there is no SQLSTATE where no line comes about.
_REASONS = (
    (("SSL", "certificate"), *_TLS),
    (
        ("resolve", "translate", "Name or service", "name resolution"),
        FaultKind.DNS,
        "must have a name that resolves; it has not",
    ),
    (("refused", "No such file"), FaultKind.REFUSED, "must answer; nobody listens there"),
    (("timeout", "timed out"), FaultKind.CONNECT_TIMEOUT, "must answer; it does not"),
    (("closed the connection",), FaultKind.RESET, "must let us in; it hung up"),
)


def unreached(error: psycopg.Error, policy: RetryPolicy, took_ms: float) -> AttemptResult:
    """Judge an error that left us without a line to the database."""
    text, is_of_server = reason_of(error)
    if is_starting(error) or is_full(error):
        full = not is_starting(error)
        explanation = EXPLANATIONS["53300" if full else "57"]
        detail = f"The database must take connections; {explanation.got}. {explanation.do}"
        answer = ReceiverAnswer(
            explanation.status, (), b"", truncated=False, duration_ms=took_ms, detail=detail
        )
        # Where it is full the lines that there are go on.
        return AttemptResult(
            explanation.verdict,
            answer,
            slow=explanation.slow,
            limit=explanation.limit,
            unusable=not full,
        )
    if is_of_server:
        why = "must let us in with the connection's user and password; it does not"
        return _unusable(FaultKind.OURS, f"The database {why}. {OPERATOR}", took_ms)
    reason = text.rpartition("failed: ")[2]
    kind, why = next(
        ((kind, why) for signs, kind, why in _REASONS if any(sign in reason for sign in signs)),
        (FaultKind.UNREACHABLE, "must be reached; no way leads there"),
    )
    return _unusable(kind, f"The database {why}. {_TRIED}", took_ms)
