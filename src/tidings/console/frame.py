"""Who looks at a page, and how a page is made: session, org, form protection, headers.

A page is `async def page(visit: Visit) -> Response`. `Frame.page` lets in who is signed in and
holds the scope; everybody else is sent to the sign-in and comes back to the page they wanted. A
page that changes something is reached by POST alone and carries the session's form token.
"""

import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import jinja2
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.answers import Refused
from tidings.api.context import Services
from tidings.console.static import Static
from tidings.console.words import FILTERS, FUNCTIONS
from tidings.core.calls import Caller
from tidings.engine.denied import Denied, demand
from tidings.engine.sessions import Opened, Seat, csrf_fits, csrf_of
from tidings.store.port import Org, StoreDown

SIGN_IN = "/console/sign-in"
ORG_COOKIE = "tidings-org"
PORTAL_COOKIE = "tidings-portal"
SAID_COOKIE, SAID_S = "tidings-said", 20
FORM_FIELD = "csrf"
FORM_HEADER = "x-csrf"
FORM_BYTES_MAX = 512 * 1024
FORM_FIELDS_MAX = 400
PACK_BYTES_MIN = 1024
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY = (
    "default-src 'self'; img-src 'self' data:{images}; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors {ancestors}"
)
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass
class Visit:
    """One look at one page by somebody who is signed in."""

    frame: "Frame"
    request: Request
    token: str
    caller: Caller
    seats: list[Seat]
    form: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)  # fields that stand several times

    @property
    def services(self) -> Services:
        """The running service."""
        return self.frame.services

    @property
    def org(self) -> Org:
        """Where the visitor works."""
        found = self.services.orgs.get(self.caller.org)
        assert found is not None
        return found

    def may(self, scope: str) -> bool:
        """Whether the visitor holds a scope; templates ask it before they offer an action."""
        return scope in self.caller.grants

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """The page, or the part of it that `template` makes."""
        return self.frame.render(self.request, template, status, visit=self, **values)

    def go(self, path: str, said: str | None = None) -> Response:
        """To another page, after something was done; `said` is told there."""
        answer: Response
        if self.partial:
            answer = Response(status_code=204, headers={"hx-redirect": path})
        else:
            answer = RedirectResponse(path, 303)
        if said is not None:
            frame, request = self.frame, self.request
            portal = frame.portal(request)
            frame.put_cookie(request, answer, SAID_COOKIE, quote(said), SAID_S, "/console", portal)
        return answer


Page = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Frame:
    """Around every page."""

    def __init__(self, services: Services, static: Static) -> None:
        self.services = services
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("tidings.console", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)
        self._templates.globals.update(FUNCTIONS | {"static": static.url})

    # -- who is there -----------------------------------------------------------------------------

    def secure(self, request: Request) -> bool:
        """Whether a browser keeps secure cookies of this address: https, or this very machine."""
        return request.url.scheme == "https" or request.url.hostname in LOOPBACK

    def cookie(self, request: Request) -> str:
        """The session cookie's name. `__Host-` binds it to this very host, where it can be."""
        return "__Host-tidings" if self.secure(request) else "tidings"

    def token(self, request: Request) -> str:
        """The session's token; empty without one. While a portal is open, that of the portal."""
        own = request.cookies.get(self.cookie(request), "")
        return self.portal_token(request) or own

    def portal_cookie(self, request: Request) -> str:
        """The name of a portal's cookie: apart from the other, so that neither ends the other."""
        return f"__Host-{PORTAL_COOKIE}" if self.secure(request) else PORTAL_COOKIE

    def portal_token(self, request: Request) -> str:
        """The token of a portal's session; empty without one."""
        return request.cookies.get(self.portal_cookie(request), "")

    def portal(self, request: Request) -> Opened | None:
        """The portal that the browser looks at."""
        return self.services.sessions.opened(self.portal_token(request))

    def put_cookie(
        self,
        request: Request,
        answer: Response,
        name: str,
        value: str,
        max_age_s: int,
        path: str = "/",
        portal: Opened | None = None,
        *,
        http_only: bool = False,
    ) -> None:
        """Set a cookie; 0 s end it. In a frame of another site a browser keeps only such as are
        partitioned by that site, and those must be secure."""
        secure = self.secure(request)
        parts = [f"{name}={value}", f"Max-Age={max_age_s}", f"Path={path}"]
        if portal is not None and portal.embed_in and secure:
            parts += ["SameSite=None", "Partitioned"]
        else:
            parts.append("SameSite=Lax")
        parts += ["Secure"] * secure + ["HttpOnly"] * http_only
        answer.headers.append("set-cookie", "; ".join(parts))

    def drop_portal(self, request: Request, answer: Response) -> None:
        """End a portal's cookie, whether or not it was partitioned."""
        name = self.portal_cookie(request)
        for embed_in in ((), ("",)):
            of = Opened(0, "", "", embed_in=embed_in)
            self.put_cookie(request, answer, name, "", 0, "/", of, http_only=True)

    def page(self, page: Page, scope: str | None = None) -> Endpoint:
        """An endpoint for who is signed in and holds the scope."""

        async def endpoint(request: Request) -> Response:
            try:
                visit = await self._visit(request, scope)
                return await page(visit)
            except Denied as denied:
                return self._denied(request, denied)
            except Refused as refused:
                return self.error(request, refused.status, refused.refusals[0].message)
            except StoreDown:
                said = "The store takes no writes at the moment. Nothing was changed. Try again."
                return self.error(request, 503, said)

        return endpoint

    async def _visit(self, request: Request, scope: str | None) -> Visit:
        token = self.token(request)
        wanted = request.cookies.get(ORG_COOKIE, "")
        org = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 17 else None
        sessions = self.services.sessions
        try:
            caller = sessions.caller(token, org)
        except Denied as denied:
            if denied.status != 403:
                raise
            caller = sessions.caller(token)  # the org of the cookie is theirs no longer
        if scope is not None:
            demand(caller, scope)
        visit = Visit(self, request, token, caller, list(sessions.seats(token)))
        if request.method not in ("GET", "HEAD"):
            form = await read_form(request)
            given = request.headers.get(FORM_HEADER) or str(form.get(FORM_FIELD, ""))
            if not csrf_fits(token, given) or not _same_origin(request):
                raise Denied(
                    403, "stale_form", "The form is of another session. Load the page again."
                )
            visit.form = {name: str(value) for name, value in form.items()}
            visit.lists = {
                name: [str(value) for value in form.getlist(name)] for name in form.keys()
            }
        return visit

    def _denied(self, request: Request, denied: Denied) -> Response:
        if denied.status != 401:
            return self.error(request, denied.status, denied.message)
        if self.portal_token(request):
            return self.portal_ended(request)
        back = request.url.path
        if request.url.query:
            back += "?" + request.url.query
        there = f"{SIGN_IN}?to={quote(back, safe='')}" if request.method == "GET" else SIGN_IN
        if request.headers.get("hx-request") == "true":
            return Response(status_code=204, headers={"hx-redirect": there})
        return RedirectResponse(there, 303)

    # -- making pages -----------------------------------------------------------------------------

    def render(
        self, request: Request, template: str, status: int = 200, /, **values: Any
    ) -> Response:
        """A page as an answer, with the headers that all pages carry."""
        visit: Visit | None = values.get("visit")
        said = request.cookies.get(SAID_COOKIE)
        portal = self.portal(request)
        text = self._templates.get_template(template).render(
            {
                "visit": visit,
                "csrf": csrf_of(visit.token) if visit else "",
                "path": request.url.path,
                "query": request.query_params,
                "said": _unquoted(said),
                "portal": portal,
            }
            | values
        )
        headers = dict(HEADERS)
        headers["content-security-policy"] = POLICY.format(
            images=f" {portal.logo_origin}" if portal and portal.logo_origin else "",
            ancestors=" ".join(portal.embed_in) if portal and portal.embed_in else "'none'",
        )
        body = text.encode()
        if len(body) >= PACK_BYTES_MIN and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            headers["vary"] = "accept-encoding"
            body = gzip.compress(body, 5, mtime=0)
        answer = Response(body, status, headers, media_type="text/html")
        if said is not None and not (visit and visit.partial):
            self.put_cookie(request, answer, SAID_COOKIE, "", 0, "/console", portal)
        return answer

    def portal_ended(self, request: Request, message: str = "", status: int = 401) -> Response:
        """What stands where a portal was. It says nothing of anybody, so any page may frame it:
        which ones may hold the portal is known no more."""
        answer = self.render(request, "portal_ended.html", status, message=message)
        answer.headers["content-security-policy"] = POLICY.format(images="", ancestors="*")
        self.drop_portal(request, answer)
        return answer

    def error(self, request: Request, status: int, message: str) -> Response:
        """A page that says what went wrong and what to do; a sentence where a part was asked."""
        partial = request.headers.get("hx-request") == "true"
        template = "parts/trouble.html" if partial else "error.html"
        return self.render(request, template, status, message=message, status=status)


async def read_form(request: Request) -> FormData:
    """The fields of a form. Denied where there are too many bytes."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > FORM_BYTES_MAX:
        raise Denied(413, "too_large", "The form must be of at most 512 KB. Shorten it.")
    return await request.form(max_fields=FORM_FIELDS_MAX, max_files=0)


def _same_origin(request: Request) -> bool:
    """Whether a form comes from a page of ours, as far as the browser says where from."""
    origin = request.headers.get("origin")
    if origin in (None, "", "null"):
        return request.headers.get("sec-fetch-site") in (None, "same-origin")
    return urlsplit(origin).netloc == request.headers.get("host")


def _unquoted(said: str | None) -> str | None:
    return None if said is None else unquote(said)[:400]
