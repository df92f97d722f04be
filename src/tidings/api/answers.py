"""How the control API answers: JSON by msgspec, and errors in the shape that their path has.

`/v3` speaks the original's envelope `{data, errors, warnings}`, everything else ours,
`{"error": {code, message, path}}`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.errors import (
    Busy,
    Conflict,
    FieldRefusal,
    Forbidden,
    Invalid,
    NotFound,
    RequestRefused,
    Stale,
    Throttled,
    TidingsError,
    TooLarge,
    TooSlow,
    Unauthenticated,
    Unprocessable,
    Unsupported,
)

_encode = msgspec.json.Encoder().encode
# The status that says each kind of refusal, to programs and browsers alike.
STATUS: dict[type[RequestRefused], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    TooSlow: 408,
    Conflict: 409,
    Stale: 412,
    TooLarge: 413,
    Unsupported: 415,
    Unprocessable: 422,
    Throttled: 429,
    Busy: 503,
}
BUSY_S = 1.0
_CHALLENGE = {"www-authenticate": 'Basic realm="tidings", charset="UTF-8"'}


class RefusalAnswer(TidingsError):
    """A call is refused; becomes an error answer in the shape of its path."""

    def __init__(
        self,
        status: int,
        refusals: Sequence[FieldRefusal],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(refusals[0].message)
        self.status = status
        self.refusals = refusals
        self.headers = dict(headers or {})


def refused(
    status: int,
    code: int | str,
    sentence: str,
    *,
    field: str = "",
    header: str = "",
    place: str = "-",
    **headers: str,
) -> RefusalAnswer:
    """Return a refusal for one reason, put together as by `FieldRefusal.build`. Names of the
    answer's headers are written with `_` for `-`."""
    reason = FieldRefusal.build(code, sentence, field=field, header=header, place=place)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RefusalAnswer(status, [reason], named)


def status_of(wrong: RequestRefused) -> int:
    """Return the HTTP status of a refusal, by its kind."""
    return next(STATUS[kind] for kind in type(wrong).__mro__ if kind in STATUS)


def wait_of(wrong: RequestRefused) -> float | None:
    """Return after how many seconds a refused call may be tried again; None where that is
    unknown."""
    if isinstance(wrong, Throttled):
        return wrong.wait_s
    return BUSY_S if isinstance(wrong, Busy) else None


def as_refused(wrong: RequestRefused) -> RefusalAnswer:
    """Convert a refusal to the answer of a refused call. One without any sentence of its own is a
    fault of ours."""
    assert wrong.refusals, wrong
    wait_s = wait_of(wrong)
    again = {} if wait_s is None else {"retry-after": str(max(1, math.ceil(wait_s)))}
    return RefusalAnswer(status_of(wrong), wrong.refusals, again)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Build a JSON answer."""
    return Response(_encode(value), status, dict(headers or {}), "application/json")


def envelope(
    data: Any = None,
    errors: Sequence[FieldRefusal] | None = None,
    warnings: Sequence[FieldRefusal] | None = None,
) -> dict[str, Any]:
    """Build an answer in the original's shape, with null where there is nothing."""
    return {"data": data, "errors": errors or None, "warnings": warnings or None}


def error_answer(path: str, refusal: RefusalAnswer) -> Response:
    """Build the answer to a refused call, in the shape of its path."""
    headers = dict(refusal.headers)
    if refusal.status == 401:
        headers = _CHALLENGE | headers
    if path.startswith("/v3/"):
        return answer(envelope(errors=refusal.refusals), refusal.status, headers)
    first = refusal.refusals[0]
    error = {"code": str(first.code), "message": first.message, "path": first.field}
    return answer({"error": error}, refusal.status, headers)
