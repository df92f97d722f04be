"""How the control API answers: JSON by msgspec, and errors in the shape that their path has.

`/v3` speaks the original's envelope `{data, errors, warnings}`, everything else ours,
`{"error": {code, message, path}}`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.core.form import Refusal
from tidings.reads.refusals import (
    BadQuestion,
    Conflict,
    NotAccepted,
    NotThere,
    Overload,
    QuestionRefused,
    TooLarge,
)

_encode = msgspec.json.Encoder().encode
_STATUS: dict[type[QuestionRefused], int] = {
    BadQuestion: 400,
    NotThere: 404,
    Conflict: 409,
    TooLarge: 413,
    NotAccepted: 422,
    Overload: 503,
}
_CHALLENGE = {"www-authenticate": 'Basic realm="tidings", charset="UTF-8"'}


class Refused(Exception):
    """A call is refused; becomes an error answer in the shape of its path."""

    def __init__(
        self,
        status: int,
        refusals: Sequence[Refusal],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(refusals[0].message)
        self.status = status
        self.refusals = refusals
        self.headers = dict(headers or {})


def refused(status: int, code: int | str, message: str, field: str = "", **headers: str) -> Refused:
    """A refusal for one reason. Header names are written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refused(status, [Refusal(code, message, field)], named)


def status_of(wrong: QuestionRefused) -> int:
    """The status that says this kind of refusal, to programs and browsers alike."""
    return _STATUS[type(wrong)]


def as_refused(wrong: QuestionRefused) -> Refused:
    """The refused call that it becomes."""
    again = {"retry-after": "1"} if isinstance(wrong, Overload) else {}
    return Refused(status_of(wrong), wrong.refusals, again)


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(_encode(value), status, dict(headers or {}), "application/json")


def envelope(
    data: Any = None,
    errors: Sequence[Refusal] | None = None,
    warnings: Sequence[Refusal] | None = None,
) -> dict[str, Any]:
    """The original's shape: null where there is nothing."""
    return {"data": data, "errors": errors or None, "warnings": warnings or None}


def error_answer(path: str, refusal: Refused) -> Response:
    """The answer to a refused call, in the shape of its path."""
    headers = dict(refusal.headers)
    if refusal.status == 401:
        headers = _CHALLENGE | headers
    if path.startswith("/v3/"):
        return answer(envelope(errors=refusal.refusals), refusal.status, headers)
    first = refusal.refusals[0]
    error = {"code": str(first.code), "message": first.message, "path": first.field}
    return answer({"error": error}, refusal.status, headers)
