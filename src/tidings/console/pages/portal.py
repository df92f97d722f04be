"""A portal is opened, coloured and closed: the console inside another product."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidings.console.frame import Frame, Visit
from tidings.core.portal_rules import COLOUR, accents
from tidings.engine.denied import Denied
from tidings.engine.sessions import PORTAL_MS
from tidings.store.port import StoreDown

AGENT_MAX = 200
STYLE = """:root {{
  --accent: light-dark({0.light}, {0.dark});
  --accent-ink: light-dark({0.light_ink}, {0.dark_ink});
  --accent-wash: color-mix(in srgb, var(--accent) 10%, var(--paper));
}}
.brand img {{ max-width: 120px; object-fit: contain; }}
"""


class Gate:
    """The pages of a portal that need no session yet."""

    def __init__(self, frame: Frame, plain_http: bool) -> None:
        self._frame = frame
        self._plain_http = plain_http

    async def open(self, request: Request) -> Response:
        """Open a link: once. Loaded again by the browser that opened it, it leads on."""
        frame, token = self._frame, request.query_params.get("link", "")
        if not self._plain_http and not frame.secure(request):
            return frame.portal_ended(request, "It must be opened over https.", 400)
        address = request.client.host if request.client else ""
        agent = request.headers.get("user-agent", "")[:AGENT_MAX]
        try:
            had = frame.portal_token(request)
            signed = await frame.services.portals.open(token, address, agent, had)
        except Denied as denied:
            return frame.portal_ended(request, denied.message, denied.status)
        except StoreDown:
            said = "The service takes no new sessions at the moment. Load the page again."
            return frame.portal_ended(request, said, 503)
        answer = RedirectResponse("/console", 303, headers={"cache-control": "no-store"})
        if signed is not None:
            frame.put_cookie(
                request,
                answer,
                frame.portal_cookie(request),
                signed.token,
                PORTAL_MS // 1000,
                portal=frame.services.sessions.opened(signed.token),
                http_only=True,
            )
        return answer

    async def style(self, request: Request) -> Response:
        """The portal's colour, as it can be read in both themes."""
        portal = self._frame.portal(request)
        text = STYLE.format(accents(COLOUR if portal is None else portal.colour))
        headers = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}
        return Response(text, 200, headers, media_type="text/css")


async def leave(visit: Visit) -> Response:
    """Close the portal: its session ends. Any other session is left alone."""
    frame, request = visit.frame, visit.request
    if frame.portal(request) is None:
        return visit.go("/console")
    await visit.services.sessions.sign_out(visit.token)
    return frame.portal_ended(request, status=200)
