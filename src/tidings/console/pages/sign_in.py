"""Coming and going: sign in by password, credential or link; sign out; see who is signed in."""

from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.answers import Refused
from tidings.console.frame import SIGN_IN, Frame, read_form
from tidings.console.visit import PlainVisit
from tidings.engine.denied import Denied
from tidings.engine.sessions import SignedIn
from tidings.engine.sign_in_guard import TooManyTries
from tidings.store.port import StoreDown

Signing = Coroutine[Any, Any, SignedIn]
START = "/console"
WEEK_S = 7 * 86_400
UNSAFE = (
    "Sign in over https, or on the machine itself by http://127.0.0.1: elsewhere a browser keeps "
    "no safe cookie. With tidings serve --dev plain http is let in."
)


class Door:
    """The pages of who is not signed in yet."""

    def __init__(self, frame: Frame, plain_http: bool) -> None:
        self._frame = frame
        self._plain_http = plain_http

    async def show(self, request: Request) -> Response:
        """The form; a link's token in the address signs in at once."""
        if token := request.query_params.get("link"):
            sign_in = self._frame.services.sessions.by_link
            return await self._try(request, "", START, sign_in(token, *_who(request)))
        return self._form(request, "", _inside(request.query_params.get("to", "")))

    async def sign_in(self, request: Request) -> Response:
        """The form's answer."""
        try:
            form = await read_form(request)
        except Denied as denied:
            return self._form(request, "", START, denied.message, denied.status)
        name, secret = str(form.get("name", "")).strip(), str(form.get("secret", ""))
        sessions = self._frame.services.sessions
        way = sessions.by_password if "@" in name else sessions.by_credential
        to = _inside(str(form.get("to", "")))
        return await self._try(request, name, to, way(name, secret, *_who(request)))

    async def _try(self, request: Request, name: str, to: str, signing: Signing) -> Response:
        try:
            if not self._plain_http and not self._frame.secure(request):
                signing.close()
                return self._form(request, name, to, UNSAFE, 400)
            signed = await signing
        except TooManyTries as tries:
            return self._form(request, name, to, str(tries), 429)
        except (Denied, Refused) as denied:
            return self._form(request, name, to, str(denied), 401)
        except StoreDown:
            return self._form(
                request, name, to, "The store takes no writes at the moment. Try again.", 503
            )
        answer = RedirectResponse(to, 303)
        answer.set_cookie(
            self._frame.cookie(request),
            signed.token,
            max_age=WEEK_S,
            path="/",
            secure=self._frame.secure(request),
            httponly=True,
            samesite="lax",
        )
        return answer

    def _form(
        self, request: Request, name: str, to: str, message: str = "", status: int = 200
    ) -> Response:
        return self._frame.render(
            request, "sign_in.html", status, visit=None, name=name, to=to, message=message
        )


async def sign_out(visit: PlainVisit) -> Response:
    """End this session."""
    await visit.services.sessions.sign_out(visit.token)
    answer = RedirectResponse(SIGN_IN, 303)
    frame, request = visit.frame, visit.request
    answer.delete_cookie(
        frame.cookie(request), path="/", secure=frame.secure(request), httponly=True
    )
    answer.headers["clear-site-data"] = '"cache"'
    return answer


async def show_sessions(visit: PlainVisit) -> Response:
    """All sessions of who asks."""
    return visit.page("sessions.html", sessions=visit.services.sessions.list(visit.token))


async def sign_out_everywhere(visit: PlainVisit) -> Response:
    """End all of them."""
    await visit.services.sessions.sign_out_everywhere(visit.token)
    return RedirectResponse(SIGN_IN, 303)


def _inside(to: str) -> str:
    """Where to go after the sign-in: a page of the console, never another site."""
    safe = to.startswith("/console") and not any(one in to for one in ("//", "\\", "\r", "\n"))
    return to if safe else START


def _who(request: Request) -> tuple[str, str]:
    address = request.client.host if request.client else ""
    return address, request.headers.get("user-agent", "")
