"""Coming and going: sign in by password, credential or link; sign out; see who is signed in."""

import contextlib
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.answers import RefusalAnswer, status_of
from tidings.api.http.front import address_of
from tidings.console.frame import ELSEWHERE, SIGN_IN, PageFrame, read_form
from tidings.console.visit import PlainVisit
from tidings.core.access.from_browser import HOME, opened_by_hand, return_path
from tidings.engine.access.guards.sign_in_guard import TooManyTries
from tidings.engine.access.remote_sessions import SessionAway
from tidings.engine.access.sessions import SignedIn
from tidings.engine.audit.current_actor import act_as, stranger
from tidings.errors import Denied, FieldRefusal, RequestRefused
from tidings.store.port import StoreDown

Signing = Coroutine[Any, Any, SignedIn]
WEEK_S = 7 * 86_400
DEVICE_COOKIE, DEVICE_S = "tidings-device", 180 * 86_400
UNSAFE = (
    "Sign in over https, or on the machine itself by http://127.0.0.1: elsewhere a browser keeps "
    "no safe cookie. Where a proxy ends TLS, tell the service about it: set public_url and "
    "trusted_proxies. With tidings serve --dev plain http is let in."
)


class SignInPages:
    """The pages of who is not signed in yet."""

    def __init__(self, frame: PageFrame, plain_http: bool) -> None:
        self._frame = frame
        self._plain_http = plain_http

    async def show(self, request: Request) -> Response:
        """Show the sign-in form. A link's token in the address signs in at once where the browser
        says that a person opened it and no session is open; otherwise a page asks first."""
        act_as(stranger("console", address_of(request.scope)))
        if token := request.query_params.get("link"):
            heard = request.headers.get
            by_hand = opened_by_hand(heard("sec-fetch-site"), heard("sec-fetch-mode"))
            if (
                request.method != "GET"
                or not by_hand
                or request.cookies.get(self._frame.cookie(request))
            ):
                return self._frame.render(request, "sign_in_link.html", visit=None, link=token)
            sign_in = self._frame.services.access.sessions.by_link
            return await self._try(request, "", HOME, sign_in(token, *_who(request)))
        return self._form(request, "", return_path(request.query_params.get("to", "")))

    async def sign_in(self, request: Request) -> Response:
        """Begin a session by what the form says: a link's token, an e-mail address with a password,
        or a credential."""
        act_as(stranger("console", address_of(request.scope)))
        try:
            form = await read_form(request)
        except RequestRefused as refused:
            return self._form(request, "", HOME, refused.reason.message, status_of(refused))
        to = return_path(str(form.get("to", "")))
        if not self._frame.from_here(request):
            return self._form(request, "", to, ELSEWHERE.message, 403)
        sessions = self._frame.services.access.sessions
        if token := str(form.get("link", "")):
            return await self._try(request, "", to, sessions.by_link(token, *_who(request)))
        name, secret = str(form.get("name", "")).strip(), str(form.get("secret", ""))
        way = sessions.by_password if "@" in name else sessions.by_credential
        device = request.cookies.get(self._device_cookie(request), "")
        signing = way(name, secret, *_who(request), device)
        return await self._try(request, name, to, signing)

    def _device_cookie(self, request: Request) -> str:
        return f"__Host-{DEVICE_COOKIE}" if self._frame.secure(request) else DEVICE_COOKIE

    async def _try(self, request: Request, name: str, to: str, signing: Signing) -> Response:
        try:
            if not self._plain_http and not self._frame.secure(request):
                signing.close()
                return self._form(request, name, to, UNSAFE, 400)
            signed = await signing
        except TooManyTries as tries:
            return self._form(request, name, to, slow_down(tries), status_of(tries))
        except (Denied, RefusalAnswer) as denied:
            return self._form(request, name, to, str(denied), 401)
        except StoreDown:
            return self._form(
                request, name, to, "The store cannot accept writes at the moment. Try again.", 503
            )
        frame = self._frame
        if had := request.cookies.get(frame.cookie(request)):
            with contextlib.suppress(StoreDown, SessionAway):  # the browser forgets it
                await frame.services.access.everywhere.sign_out(had)
        answer = RedirectResponse(to, 303)
        if signed.device:
            name = self._device_cookie(request)
            frame.put_cookie(request, answer, name, signed.device, DEVICE_S, http_only=True)
        name = frame.cookie(request)
        frame.put_cookie(request, answer, name, signed.token, WEEK_S, http_only=True)
        return answer

    def _form(
        self, request: Request, name: str, to: str, message: str = "", status: int = 200
    ) -> Response:
        return self._frame.render(
            request, "sign_in.html", status, visit=None, name=name, to=to, message=message
        )


async def sign_out(visit: PlainVisit) -> Response:
    """End this session."""
    await visit.services.access.everywhere.sign_out(visit.token)
    answer = RedirectResponse(SIGN_IN, 303)
    frame, request = visit.frame, visit.request
    answer.delete_cookie(
        frame.cookie(request), path="/", secure=frame.secure(request), httponly=True
    )
    answer.headers["clear-site-data"] = '"cache"'
    return answer


async def show_sessions(visit: PlainVisit) -> Response:
    """List all sessions of the visitor."""
    found, missing = await visit.services.access.everywhere.list(visit.token)
    return visit.page("sessions.html", sessions=found, missing=missing)


async def sign_out_everywhere(visit: PlainVisit) -> Response:
    """End all of them."""
    await visit.services.access.everywhere.sign_out_everywhere(visit.token)
    return RedirectResponse(SIGN_IN, 303)


def slow_down(tries: TooManyTries) -> str:
    """Build the page's text for somebody who tries too often and whose browser may be known."""
    sentence = (
        f"Too many sign-ins from here, or to this account. Wait {tries.wait_s:.0f} s, then try "
        "once with the right pair, or in a browser where you have signed in before."
    )
    return FieldRefusal.build("too_many_tries", sentence).message


def _who(request: Request) -> tuple[str, str]:
    return address_of(request.scope), request.headers.get("user-agent", "")
