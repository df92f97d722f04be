"""What an answer of `POST /v1/events` means for the events that were sent.

A refusal is believed only where it has the form in which the service refuses: what a proxy says in
its place is no word on an event, and the same call is made again.
"""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

ROWS = (202, 422)  # answers with a row for each event
TOO_LARGE = 413
NOT_US = frozenset((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 411, 415, 421, 431))
"""The same call will be answered the same until somebody has changed something."""
SAID_MAX = 300  # characters of a text of the other side


@dataclass(frozen=True)
class Answer:
    """The service's answer to a call."""

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The outcome of one event. Refused where it has a code."""

    duplicate: bool = False
    code: str = ""
    said: str = ""
    field: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Settled:
    """Every event has its verdict, in the order in which they were sent."""

    verdicts: Sequence[Verdict]


@dataclass(frozen=True)
class Smaller:
    """The call was too large: send fewer events. `alone` is the verdict on a single one."""

    alone: Verdict


@dataclass(frozen=True)
class Later:
    """Nothing was promised: make the same call again."""

    said: str
    after_s: float | None = None
    mend: bool = False
    """Somebody has to mend something: the credential, the address."""


Judgement = Union[Settled, Smaller, Later]


def judge(answer: Answer, event_ids: Sequence[str]) -> Judgement:
    """Judge an answer to a call with these events."""
    count = len(event_ids)
    status, body = answer.status, _object(answer.body)
    if status in ROWS:
        verdicts = _verdicts(body, event_ids)
        if verdicts is not None:
            return Settled(verdicts)
        return Later(f"{_must(count)}; got {status} with another body. It is tried again.")
    error = body.get("error")
    refusal = _refusal(error) if isinstance(error, dict) else None
    if status == TOO_LARGE:
        return Smaller(refusal or Verdict(code="too_large", said="It is answered 413 alone."))
    if status == 400 and refusal is not None:
        return Smaller(refusal)  # of one event alone it is a word on that event
    reason = f": {refusal.said}" if refusal is not None else ". It is tried again"
    return Later(
        f"{_must(count)}; got {status}{reason}", _seconds(answer.retry_after), status in NOT_US
    )


def _must(count: int) -> str:
    rows = "a row" if count == 1 else f"{count} rows"
    return f"The service must answer 202 with {rows}"


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty where there is none."""
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _verdicts(body: dict[str, Any], event_ids: Sequence[str]) -> list[Verdict] | None:
    rows = body.get("events")
    if not isinstance(rows, list) or len(rows) != len(event_ids):
        return None
    found = [_verdict(row, event_id) for row, event_id in zip(rows, event_ids)]
    return [verdict for verdict in found if verdict is not None] if None not in found else None


def _verdict(row: Any, event_id: str) -> Verdict | None:
    if not isinstance(row, dict):
        return None
    status, error, named = row.get("status"), row.get("error"), row.get("eventId")
    if named != event_id and not (status == "rejected" and named is None):
        return None
    if status == "rejected":
        return _refusal(error) if isinstance(error, dict) else None
    if status not in ("accepted", "duplicate"):
        return None
    return Verdict(duplicate=status == "duplicate", warning=_text(row.get("warning")))


def _refusal(error: dict[str, Any]) -> Verdict | None:
    code, message = _text(error.get("code")), _text(error.get("message"))
    if not code or not message:
        return None
    return Verdict(code=code, said=message, field=_text(error.get("path")))


def _text(value: object) -> str:
    """A text of the other side, on one line and of a bounded length."""
    if not isinstance(value, str):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in value[:SAID_MAX])


def _seconds(retry_after: str | None) -> float | None:
    """Both forms of `Retry-After`; None where it is neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - time.time())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
