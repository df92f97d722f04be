"""One look at one page by somebody who is signed in: who they are, where, and what they sent.

A page of an org gets a `Visit`, which has the org of the address; a page of no org a `PlainVisit`,
which has none and no rights of one. So a page cannot act in an org that its address does not name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.context import Services
from tidings.console.place import PageScope, form_token, place_of
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.orgs.org_rules import is_zone
from tidings.engine.access.denials import demand
from tidings.engine.access.session_table import PortalSession
from tidings.engine.access.sessions import Seat
from tidings.reads.actions.views import action_records
from tidings.store.port import StoredOrg

if TYPE_CHECKING:
    from tidings.console.frame import PageFrame

ZONE_COOKIE = "tidings-zone"  # set by app.js, where somebody chooses a zone
MESSAGE_COOKIE, MESSAGE_S = "tidings-said", 20
SEES_EVENTS = "logs:read"  # the scope that it takes to be shown what stored events say
LOGGED_KINDS = frozenset({"event", "delivery", "rejection"})  # whose payloads are of the log
FORM_FIELD = "csrf"
FORM_HEADER = "x-csrf"
NAME_MAX = 60  # of an org, where something is said of it


@dataclass
class PlainVisit:
    """A look at a page that belongs to no org. Of its caller only `platform` says anything."""

    frame: "PageFrame"
    request: Request
    place: PageScope
    token: str
    caller: AuthenticatedCaller
    seats: Sequence[Seat]
    form: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)  # fields that stand several times

    @property
    def services(self) -> Services:
        """The running service."""
        return self.frame.services

    @property
    def portal(self) -> PortalSession | None:
        """Return the limits of a portal's session; None for any other session."""
        return self.services.access.sessions.opened(self.token) if self.place.portal else None

    @property
    def partial(self) -> bool:
        """Return whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def zone(self) -> tzinfo:
        """Return the time zone in which all times of the page are shown, and read in its fields:
        the one that the reader has chosen, else the org's."""
        chosen = self.request.cookies.get(ZONE_COOKIE, "")
        if chosen and is_zone(chosen):
            return ZoneInfo(chosen)
        return self.services.zone(self.caller.org)

    def may(self, scope: str) -> bool:
        """Return whether the visitor holds a scope; templates ask it before they offer an
        action."""
        return self.caller.may(scope)

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """Render the page, or the part of it that `template` makes."""
        return self.frame.render(self.request, template, status, visit=self, **values)

    def at(self, path: str = "") -> str:
        """Build the address of a page of the same place: `at("/webhooks")`."""
        return self.place.at(path)

    def go(self, path: str = "", message: str | None = None) -> Response:
        """Redirect to another page of the same place, after something was done; `message` is shown
        there."""
        return self.leave(self.at(path), message)

    def leave(self, address: str, message: str | None = None) -> Response:
        """Redirect to any address of the console. What was done is shown on pages of that place
        alone: a tab of another org does not show it."""
        answer: Response
        if self.partial:
            answer = Response(status_code=204, headers={"hx-redirect": address})
        else:
            answer = RedirectResponse(address, 303)
        if message is not None:
            path, portal = message_path(address), self.portal
            self.frame.put_cookie(
                self.request, answer, MESSAGE_COOKIE, quote(message), MESSAGE_S, path, portal
            )
        return answer

    # -- for templates ----------------------------------------------------------------------------

    def open_form(self, address: str, confirm: str = "", **attributes: str) -> Markup:
        """Begin a form that changes something: its address and the token for it."""
        given = {"method": "post", "action": address}
        if confirm:
            given["data-confirm"] = confirm
        given |= {
            name.rstrip("_").replace("_", "-"): attribute for name, attribute in attributes.items()
        }
        shown = Markup(" ").join(
            Markup('{}="{}"').format(*attribute) for attribute in given.items()
        )
        hidden = Markup('<input type="hidden" name="{}" value="{}">')
        return Markup("<form {}>{}").format(
            shown, hidden.format(FORM_FIELD, form_token(self.token, address))
        )

    def form_at(self, path: str, confirm: str = "", **attributes: str) -> Markup:
        """Begin such a form for a page of the same place."""
        return self.open_form(self.at(path), confirm, **attributes)


@dataclass
class Visit(PlainVisit):
    """A look at a page of an org, by a caller who acts in it."""

    @property
    def org(self) -> StoredOrg:
        """The org that the address names."""
        found = self.services.orgs.get(self.caller.org)
        assert found is not None
        return found

    def view_payload(self, kind: str, id: str) -> None:
        """Note for the audit log that the visitor is shown the payload of an object. Raise
        Forbidden where it is one of the log, and they may not read it."""
        if kind in LOGGED_KINDS:
            demand(self.caller, SEES_EVENTS)
        self.services.web.views.view(self.caller.org, kind, id)

    @property
    def has_actions(self) -> bool:
        """Return whether the org has actions, of which there are pages then."""
        return bool(action_records(self.services, self.caller.org))

    @property
    def named(self) -> str:
        """The org as people know it, with what cannot be mistaken: `Acme (2002)`."""
        return named(self.org)

    def go(self, path: str = "", message: str | None = None) -> Response:
        """Redirect as `PlainVisit` does; the message of what was done names the org in which it
        was."""
        return super().go(path, None if message is None else f"{self.named}: {message}")

    def form_at(self, path: str, confirm: str = "", **attributes: str) -> Markup:
        """Begin a form as `PlainVisit` does; the question before it names the org."""
        asked = f"{confirm} It is in {self.named}." if confirm else ""
        return super().form_at(path, asked, **attributes)

    def button_to(self, path: str) -> Markup:
        """Return the attributes of a button that sends its form to another address than the form's
        own."""
        address = self.at(path)
        return Markup('formaction="{}" name="{}" value="{}" formnovalidate').format(
            address, FORM_FIELD, form_token(self.token, address)
        )

    def hx_post(self, path: str) -> Markup:
        """Return the attributes of an element by which htmx posts the fields around it to an
        address."""
        address = self.at(path)
        headers = f'{{"{FORM_HEADER}": "{form_token(self.token, address)}"}}'
        return Markup('hx-post="{}" hx-headers="{}"').format(address, headers)


def named(org: StoredOrg) -> str:
    """Name an org where something is said of it; a long name is cut, its id never."""
    name = org.name if len(org.name) <= NAME_MAX else org.name[: NAME_MAX - 1] + "…"
    return f"{name} ({org.id})"


def message_path(address: str) -> str:
    """Return the path of the page that tells what was done: in the whole place of an org, else on
    the one page."""
    path = address.partition("?")[0]
    place = place_of(path)
    return path if place.org is None else place.base
