"""A portal is opened, coloured and closed: the console inside another product."""

import contextlib
import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.api.answers import status_of
from tidings.api.http.front import address_of
from tidings.console.frame import PageFrame
from tidings.console.place import PageScope
from tidings.console.visit import Visit
from tidings.core.access.portal_rules import COLOUR, accents
from tidings.engine.access.session_table import PortalSession
from tidings.engine.access.sessions import PORTAL_MS
from tidings.engine.audit.current_actor import act_as, stranger
from tidings.errors import Denied
from tidings.store.port import StoreDown

AGENT_MAX = 200
_COLOUR = re.compile(r"#[0-9a-f]{6}")
STYLE = """:root {{
  --accent: light-dark({0.light}, {0.dark});
  --accent-ink: light-dark({0.light_ink}, {0.dark_ink});
  --accent-wash: color-mix(in srgb, var(--accent) 10%, var(--paper));
}}
.brand img {{ max-width: 120px; object-fit: contain; }}
"""


class PortalEntrance:
    """The pages of a portal that need no session yet."""

    def __init__(self, frame: PageFrame, plain_http: bool) -> None:
        self._frame = frame
        self._plain_http = plain_http

    async def open(self, request: Request) -> Response:
        """Open a link: once. Loaded again by the browser that opened it, it leads on. Whatever else
        the browser is signed in to stays as it is."""
        frame, token = self._frame, request.query_params.get("link", "")
        if not self._plain_http and not frame.secure(request):
            return frame.portal_ended(request, None, "It must be opened over https.", 400)
        if request.headers.get("sec-fetch-mode", "navigate") != "navigate":
            return frame.portal_ended(request, None, "It must be opened as a page.", 400)
        address = address_of(request.scope)
        act_as(stranger("console", address))
        agent = request.headers.get("user-agent", "")[:AGENT_MAX]
        portals = frame.services.access.portals
        before = portals.opened_by(token, frame.portal_tokens(request))
        if before is not None:
            return _into(before)
        try:
            signed, opened = await portals.open(token, address, agent)
        except Denied as denied:
            return frame.portal_ended(request, None, denied.reason.message, status_of(denied))
        except StoreDown:
            message = "The service cannot open new sessions at the moment. Reload the page."
            return frame.portal_ended(request, None, message, 503)
        answer = _into(opened)
        name = frame.portal_cookie(request, opened.org)
        if had := request.cookies.get(name):  # the browser forgets it now
            with contextlib.suppress(StoreDown):  # out of force in any case
                await frame.services.access.sessions.sign_out(had)
        lasts_s = PORTAL_MS // 1000
        frame.put_cookie(
            request, answer, name, signed.token, lasts_s, portal=opened, http_only=True
        )
        return answer

    async def style(self, request: Request) -> Response:
        """Serve a portal's colour, which the address names, as a style sheet in which it can be
        read in both themes."""
        colour = f"#{request.url.query}"
        text = STYLE.format(accents(colour if _COLOUR.fullmatch(colour) else COLOUR))
        headers = {"cache-control": "private, max-age=3600"}
        return Response(text, 200, headers, media_type="text/css")


async def leave(visit: Visit) -> Response:
    """Close the portal: its session ends. Any other session is left alone."""
    await visit.services.access.sessions.sign_out(visit.token)
    return visit.frame.portal_ended(visit.request, visit.place.org, status=200)


def _into(opened: PortalSession) -> Response:
    there = PageScope(opened.org, portal=True).at()
    return RedirectResponse(there, 303, headers={"cache-control": "no-store"})
