"""Answers that refuse a call: pure functions to status, headers and body.

The body is `{"error":{"code":…,"message":…,"path":…?}}`; the message says what must be, what came
and what to do. Every answer carries `X-Cap-Requestid`: the caller's own id where it is fit to be
repeated in a header and a log line, else a new one.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tidings.api.http.answer_headers import BARE
from tidings.errors import FieldRefusal

Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]

REQUEST_ID = b"x-cap-requestid"
_FIT = re.compile(rb"[A-Za-z0-9._:-]{1,128}").fullmatch


class CallRefusal(msgspec.Struct, omit_defaults=True):
    """The reason why a call, or one event of it, was refused."""

    code: str
    message: str
    path: str = ""


class RefusalBody(msgspec.Struct):
    """The body of a refused call."""

    error: CallRefusal


def request_id(headers: Mapping[bytes, bytes], new_id: Callable[[], str]) -> bytes:
    """Return the id of this call: `X-Cap-Requestid`, else `X-Request-Id`, else a new one."""
    given = headers.get(REQUEST_ID) or headers.get(b"x-request-id")
    if given is not None and _FIT(given):
        return given
    return new_id().encode("ascii")


def json_answer(status: int, body: bytes, request: bytes) -> Answer:
    """Return an answer with a JSON body."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (REQUEST_ID, request),
        *BARE,
    ]
    return status, headers, body


def refusal(
    status: int,
    reason: FieldRefusal,
    request: bytes,
    *,
    retry_after: float | None = None,
    close: bool = False,
) -> Answer:
    """Return the answer to a refused call. `close`: its body was not read to the end."""
    body = msgspec.json.encode(
        RefusalBody(CallRefusal(str(reason.code), reason.message, reason.field))
    )
    status, headers, body = json_answer(status, body, request)
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="tidings", charset="UTF-8"'))
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(retry_after))))
    if close:
        headers.append((b"connection", b"close"))
    return status, headers, body


def failed(call: str) -> FieldRefusal:
    """Build the reason for a call that failed by our own fault: that it failed, and where to read
    more."""
    message = (
        f"Tidings failed to process this call. See the server log for the cause, at request {call}."
    )
    return FieldRefusal.build("internal", message)


def messages(answer: Answer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an answer as the two ASGI messages that send it."""
    status, headers, body = answer
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}
