"""What is answered where credentials, users and passwords cannot be as asked."""

import math

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import Refused, error_answer, refused
from tidings.core.form import came
from tidings.engine.access.credentials import CredentialRefused, UnknownCredential
from tidings.engine.access.passwords import TooBusy
from tidings.engine.access.sign_in_guard import TooManyTries
from tidings.engine.access.user_records import UnknownUser, UserRefused


def add_access_errors(app: FastAPI) -> None:
    """Have the application answer them."""
    app.add_exception_handler(CredentialRefused, _say)
    app.add_exception_handler(UserRefused, _say)
    app.add_exception_handler(UnknownCredential, _say_unknown)
    app.add_exception_handler(UnknownUser, _say_unknown)
    app.add_exception_handler(TooManyTries, _say_too_many)
    app.add_exception_handler(TooBusy, _say_busy)


async def _say(request: Request, error: Exception) -> Response:
    assert isinstance(error, CredentialRefused | UserRefused)
    return error_answer(request.url.path, Refused(error.status, error.refusals))


async def _say_unknown(request: Request, error: Exception) -> Response:
    what = "credential" if isinstance(error, UnknownCredential) else "user"
    unknown = refused(
        404,
        "not_found",
        f"id must be that of a {what} of this org; got {came(error.args[0])}. List them with "
        f"GET /v1/orgs/{{orgId}}/{what}s. (not_found, field id)",
        "id",
    )
    return error_answer(request.url.path, unknown)


async def _say_too_many(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooManyTries)
    wait = max(1, math.ceil(error.wait_s))
    slow = refused(
        429,
        "too_many_tries",
        f"Tries to sign in must be few; got too many. Wait {wait} s. (too_many_tries, -)",
        retry_after=str(wait),
    )
    return error_answer(request.url.path, slow)


async def _say_busy(request: Request, error: Exception) -> Response:
    busy = refused(
        503,
        "busy",
        "Passwords must be checked one after the other; too many wait. Call again in a second. "
        "(busy, -)",
        retry_after="1",
    )
    return error_answer(request.url.path, busy)
