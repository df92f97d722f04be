"""Who looks at a page, and how a page is made: session, org, form protection, headers.

A page is `async def page(visit: Visit) -> Response`. `Frame.page` lets in who is signed in and
holds the scope in the org of the address; everybody else is sent to the sign-in and comes back to
the page they wanted. A page that changes something is reached by POST alone, and its form carries a
token of the session and of this very address, org and all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import jinja2
import msgspec
from markupsafe import Markup
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.answers import RefusalAnswer, as_refused, status_of
from tidings.api.context import BODY_WAIT_S, Services
from tidings.api.http.body_guard import CALLER
from tidings.api.http.front import LOOPBACK, address_of
from tidings.console.form_fields import parse_fields
from tidings.console.kept_pages import KeptPages, pack_page
from tidings.console.menu import menu_of
from tidings.console.place import OUTSIDE, PageScope, form_fits, org_of_form, place_of
from tidings.console.static import Static
from tidings.console.visit import (
    FORM_FIELD,
    FORM_HEADER,
    MESSAGE_COOKIE,
    PlainVisit,
    Visit,
    message_path,
    named,
)
from tidings.console.words import FILTERS, FUNCTIONS, visible
from tidings.core.access.from_browser import from_page_of
from tidings.core.cells.door import note_away
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.denials import demand
from tidings.engine.access.remote_sessions import AWAY_RETRY_S, SessionAway
from tidings.engine.access.session_table import PortalSession
from tidings.engine.access.sessions import Seat
from tidings.engine.audit.current_actor import act_as, actor_of
from tidings.errors import (
    Denied,
    FieldRefusal,
    Forbidden,
    NotFound,
    RequestRefused,
    TooLarge,
    TooSlow,
    Unauthenticated,
)
from tidings.store.port import ASKING_ORG, FamilyAway, StoreDown, StoreUnanswered

SIGN_IN = OUTSIDE.at("/sign-in")
COOKIE = "tidings"
HOST_COOKIE = f"__Host-{COOKIE}"
PORTAL_COOKIE = f"{COOKIE}-portal"
FORM_BYTES_MAX = 512 * 1024
FORM_FIELDS_MAX = 400
URLENCODED = "application/x-www-form-urlencoded"
STALE = (
    "The form must belong to this page and your current session; got another one. Nothing was "
    "changed. Reload the page and submit it again."
)
ELSEWHERE = FieldRefusal.build(
    "foreign_origin",
    "The form must be sent from a page of this service; this one came from another site. Nothing "
    "was changed. Reload the page at its own address and submit it there.",
    header="Origin",
)
NO_ORG = "The address must hold the number of an org; got none. Look for it among your orgs."
POLICY = (
    "default-src 'self'; img-src 'self' data:{images}; object-src 'none'; worker-src 'none'; "
    "manifest-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
OPEN_PAGES = ("sign_in.html", "error.html", "parts/trouble.html", "portal_ended.html")
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


SomeVisit = TypeVar("SomeVisit", bound=PlainVisit)
Page = Callable[[Visit], Awaitable[Response]]
PlainPage = Callable[[PlainVisit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]
QueryCheck = Callable[[QueryParams], None]


@cache
def templates(static: Static) -> jinja2.Environment:
    """Build the environment of the pages' templates, which name these files; each is compiled once
    in a process."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tidings.console", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
        auto_reload=False,  # else each page asks the disk whether its files have changed
    )
    made.filters.update(FILTERS)
    made.globals.update(FUNCTIONS | {"static": static.url})
    return made


class PageFrame:
    """Around every page."""

    def __init__(self, services: Services, static: Static) -> None:
        self.services = services
        self._templates = templates(static)
        self._kept_pages = KeptPages()

    # -- who is there -----------------------------------------------------------------------------

    def secure(self, request: Request) -> bool:
        """Return whether a browser keeps secure cookies of this address: https, or this very
        machine."""
        return request.url.scheme == "https" or request.url.hostname in LOOPBACK

    def cookie(self, request: Request) -> str:
        """Return the session cookie's name. `__Host-` binds it to this very host, where it can
        be."""
        return HOST_COOKIE if self.secure(request) else COOKIE

    def from_here(self, request: Request) -> bool:
        """Return whether a form comes from a page of ours, as far as its browser says where
        from."""
        heard = request.headers.get
        ours = self.services.own_origins(request)
        return from_page_of(ours, heard("origin"), heard("referer"), heard("sec-fetch-site"))

    def token(self, request: Request, place: PageScope) -> str:
        """Return the token of the session that a place is of; empty without one."""
        org = place.org if place.portal else None
        name = self.cookie(request) if org is None else self.portal_cookie(request, org)
        return request.cookies.get(name, "")

    def portal_cookie(self, request: Request, org: OrgId) -> str:
        """Return the name of the cookie of an org's portal: apart from one's own session and from
        the portals of other orgs, so that none of them ends another."""
        name = f"{PORTAL_COOKIE}-{org}"
        return f"__Host-{name}" if self.secure(request) else name

    def portal_tokens(self, request: Request) -> Iterator[str]:
        """Return the tokens of all portals that the browser has opened."""
        start = self.portal_cookie(request, OrgId(0)).removesuffix("0")
        return (value for name, value in request.cookies.items() if name.startswith(start))

    def portal(self, request: Request, place: PageScope) -> PortalSession | None:
        """Return the portal that a place is of, while its session is in force; None otherwise."""
        if not place.portal:
            return None
        opened = self.services.access.sessions.opened(self.token(request, place))
        return opened if opened is not None and opened.org == place.org else None

    def put_cookie(
        self,
        request: Request,
        answer: Response,
        name: str,
        value: str,
        max_age_s: int,
        path: str = "/",
        portal: PortalSession | None = None,
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

    def drop_portal(self, request: Request, answer: Response, org: OrgId) -> None:
        """End the cookie of an org's portal, whether or not it was partitioned."""
        name = self.portal_cookie(request, org)
        for embed_in in ((), ("",)):
            of = PortalSession(OrgId(0), "", "", embed_in=embed_in)
            self.put_cookie(request, answer, name, "", 0, "/", of, http_only=True)

    def page(
        self, page: Page, scope: str | None = None, check: QueryCheck | None = None
    ) -> Endpoint:
        """Make an endpoint for visitors who are signed in and hold the scope in the org of the
        address."""

        def enter(request: Request) -> Visit:
            place = place_of(path_of(request))
            token = self.token(request, place)
            caller = self._caller(token, place)
            if scope is not None:
                demand(caller, scope)
            return Visit(
                frame=self,
                request=request,
                place=place,
                token=token,
                caller=caller,
                seats=self._seats(token),
            )

        return self._endpoint(enter, page, check)

    def plain(self, page: PlainPage, check: QueryCheck | None = None) -> Endpoint:
        """Make an endpoint for visitors who are signed in, of a page that belongs to no org."""

        def enter(request: Request) -> PlainVisit:
            token = self.token(request, OUTSIDE)
            own = self._own(token, OUTSIDE)
            grants = own.grants if own.platform else frozenset[str]()  # what holds in no org alone
            caller = msgspec.structs.replace(own, org=0, grants=grants)
            return PlainVisit(
                frame=self,
                request=request,
                place=OUTSIDE,
                token=token,
                caller=caller,
                seats=self._seats(token),
            )

        return self._endpoint(enter, page, check)

    def _endpoint(
        self,
        enter: Callable[[Request], SomeVisit],
        page: Callable[[SomeVisit], Awaitable[Response]],
        check: QueryCheck | None,
    ) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = None
            try:
                place = place_of(path_of(request))
                if not place.portal:  # a portal's session is where its org is
                    await self.services.access.everywhere.find(self.token(request, place))
                visit = enter(request)
                request.scope[CALLER] = visit.caller
                ASKING_ORG.set(visit.caller.org)
                act_as(actor_of(visit.caller, "console", address_of(request.scope)))
                if request.method not in ("GET", "HEAD"):
                    await self._take_form(visit)
                elif check is not None:
                    check(request.query_params)
                return await page(visit)
            except Denied as denied:
                return self._denied(request, denied, visit)
            except (RefusalAnswer, RequestRefused) as wrong:
                refused = wrong if isinstance(wrong, RefusalAnswer) else as_refused(wrong)
                page_of_it = self.error(request, refused.status, refused.refusals[0].message, visit)
                if (wait := refused.headers.get("retry-after")) is not None:
                    page_of_it.headers["retry-after"] = wait
                return page_of_it
            except SessionAway as away:
                page_of_it = self.error(request, 503, str(away))
                page_of_it.headers["retry-after"] = str(AWAY_RETRY_S)
                return page_of_it
            except StoreUnanswered:
                message = "The store did not answer in time. Ask for less, or try again in 5 s."
                return self.error(request, 503, message, visit)
            except FamilyAway as away:
                note_away(request.scope)
                return self.error(request, 503, str(away), visit)
            except StoreDown:
                message = (
                    "The store cannot accept writes at the moment. Nothing was changed. Try again."
                )
                return self.error(request, 503, message, visit)

        return endpoint

    def _seats(self, token: str) -> list[Seat]:
        return list(self.services.access.sessions.seats(token))

    def _own(self, token: str, place: PageScope) -> AuthenticatedCaller:
        """Return the caller of a session: a portal's is good on its pages alone, and any other on
        all others. Denied."""
        own = self.services.access.sessions.caller(token)
        if place.portal != (self.services.access.sessions.opened(token) is not None):
            raise Unauthenticated.because(
                "signed_out", "The session must belong to this place.", place="session"
            )
        return own

    def _caller(self, token: str, place: PageScope) -> AuthenticatedCaller:
        """Return the caller, in the org of the address and in no other. Denied; NotFound for no
        org."""
        self._own(token, place)
        if place.org is None:  # 07, or a number that no org has
            raise NotFound(FieldRefusal("not_found", NO_ORG, ""))
        try:
            return self.services.access.sessions.caller(token, place.org)
        except Forbidden:
            raise Forbidden.because(
                "forbidden_org",
                f"Org {place.org} must be one that you have access to; it is not, or it does not "
                "exist. Ask one of its owners for an invitation, or sign in as another user.",
                place="address",
            ) from None

    async def _take_form(self, visit: PlainVisit) -> None:
        """The fields that were sent, once it is sure that a page of ours sent them, for this
        session and this address. Refused before anything is done."""
        request = visit.request
        form = await read_form(request)
        header = request.headers.get(FORM_HEADER)
        given = [str(token) for token in form.getlist(FORM_FIELD)] if header is None else [header]
        path = path_of(request)
        if not any(form_fits(visit.token, path, token) for token in given):
            raise self._misplaced(visit, given)
        if not self.from_here(request):
            raise Forbidden(ELSEWHERE)
        visit.form = {name: str(value) for name, value in form.items()}
        visit.lists = {name: [str(value) for value in form.getlist(name)] for name in form.keys()}

    def _misplaced(self, visit: PlainVisit, given: Sequence[str]) -> Forbidden:
        """Say why a form is not taken: it is of another org, which is named, or of another
        session."""
        orgs = {org for token in given if (org := org_of_form(token)) is not None}
        here, other = visit.place.org, next(iter(orgs), None)
        if here is None or other is None or here in orgs:
            return Forbidden.because("stale_form", STALE, field="csrf")
        try:
            self.services.access.sessions.caller(
                visit.token, other
            )  # else its name is not for them
            known = self.services.orgs.get(other)
        except Denied:
            known = None
        own = self.services.orgs.get(here)
        return Forbidden.because(
            "foreign_form",
            f"The form must belong to the org in its address, {named(own) if own else here}; got "
            f"one of {named(known) if known else f'org {other}'}. Nothing was changed. Open the "
            "page of the org that you mean and submit the form there.",
            field=FORM_FIELD,
        )

    def _denied(self, request: Request, denied: Denied, visit: PlainVisit | None) -> Response:
        if not isinstance(denied, Unauthenticated):
            why, elsewhere = denied.reason, denied.reason.code == "forbidden_org"
            return self.error(request, status_of(denied), why.message, visit, elsewhere=elsewhere)
        place = place_of(path_of(request))
        if place.portal:
            return self.portal_ended(request, place.org)
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
        """Render a page as an answer, with the headers that all pages carry.

        Templates say `here` for the base of the org's pages; on a page of no org there is none, and
        a template that says it fails. `outside` is the base of what belongs to no org.
        """
        visit: PlainVisit | None = values.get("visit")
        message = request.cookies.get(MESSAGE_COOKIE)
        path = path_of(request)
        place = place_of(path)
        portal = self.portal(request, place)
        around: dict[str, Any] = {"outside": OUTSIDE.base, "org": None}
        if place.org is not None:
            around["here"] = place.base
        if isinstance(visit, Visit):
            around |= {"org": visit.org, "in_org": in_org(visit.named)}
        around |= {
            "visit": visit,
            "menu": None if visit is None else menu_of(visit),
            "path": path,
            "query": request.query_params,
            "said": _unquoted(message),
            "portal": portal,
        }

        def make() -> str:
            return self._templates.get_template(template).render(around | values)

        is_open = visit is None and message is None and portal is None
        if is_open and template in OPEN_PAGES and not values.get("name"):
            page = self._kept_pages.find(template, f"{path}?{request.url.query}", values, make)
        else:
            page = pack_page(make())
        headers = dict(HEADERS)
        headers["content-security-policy"] = POLICY.format(
            images=f" {portal.logo_origin}" if portal and portal.logo_origin else "",
            ancestors=" ".join(portal.embed_in) if portal and portal.embed_in else "'none'",
        )
        body = page.plain
        if page.packed and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            headers["vary"] = "accept-encoding"
            body = page.packed
        answer = Response(body, status, headers, media_type="text/html")
        if message is not None and not (visit and visit.partial):
            self.put_cookie(request, answer, MESSAGE_COOKIE, "", 0, message_path(path), portal)
        return answer

    def portal_ended(
        self, request: Request, org: OrgId | None, message: str = "", status: int = 401
    ) -> Response:
        """Answer with the page that stands where a portal was. It says nothing of anybody, so any
        page may frame it: which ones may hold the portal is known no more."""
        answer = self.render(request, "portal_ended.html", status, message=message)
        answer.headers["content-security-policy"] = POLICY.format(images="", ancestors="*")
        if org is not None:
            self.drop_portal(request, answer, org)
        return answer

    def error(
        self,
        request: Request,
        status: int,
        message: str,
        visit: PlainVisit | None = None,
        *,
        elsewhere: bool = False,
    ) -> Response:
        """Render a page that says what went wrong and what to do; a sentence alone where a part of
        a page was asked for. It leads back into the org of the address, or `elsewhere`."""
        partial = request.headers.get("hx-request") == "true"
        template = "parts/trouble.html" if partial else "error.html"
        place = place_of(path_of(request))
        back = OUTSIDE if place.org is None or elsewhere else place
        orgs = None if place.portal else OUTSIDE.at("/orgs")
        return self.render(
            request,
            template,
            status,
            visit=visit,
            message=message,
            status=status,
            back=back.at(),
            bare=quote(path_of(request)) if status == 400 and request.url.query else None,
            orgs=orgs,
        )


def path_of(request: Request) -> str:
    """Return the path of an address, decoded: the one that routes go by."""
    return str(request.scope["path"])


def in_org(named: str) -> Markup:
    """Build what the accessible name of a button that changes something has behind its verb. It is
    not painted: the bar over the page, which is always in view, shows the org."""
    name, _, id = named.rpartition(" ")
    return Markup(' <span class="quiet">in {} {}</span>').format(name, id)


async def read_form(request: Request) -> FormData:
    """Read the fields of a form. Raise TooLarge for a form that is too long or of unknown length,
    TooSlow where it does not come in time."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > FORM_BYTES_MAX:
        raise TooLarge(
            FieldRefusal("too_large", "The form must be at most 512 KB. Shorten it.", "")
        )
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            if not request.headers.get("content-type", "").startswith(URLENCODED):
                return await request.form(max_fields=FORM_FIELDS_MAX, max_files=0)
            body = await request.body()
    except TimeoutError:
        message = f"The form must arrive within {BODY_WAIT_S:.0f} s; it did not. Send it again."
        raise TooSlow(FieldRefusal("too_slow", message, "")) from None
    return await parse_fields(body, FORM_FIELDS_MAX)


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)[:400]
