"""Whether an org's letters may come to an address: its owner says so."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.api.http.front import address_of
from tidings.console.frame import ELSEWHERE, PageFrame, read_form
from tidings.errors import RequestRefused
from tidings.store.port import StoreDown


class Consent:
    """Pages on which the owner of an address agrees to an org's letters. Nobody is signed in, and
    only a form counts: programs open the links of letters too."""

    def __init__(self, frame: PageFrame) -> None:
        self._frame = frame

    async def show(self, request: Request) -> Response:
        """Ask the owner of an address whether the org's letters may come."""
        token = request.query_params.get("token", "")
        return self._page(request, token)

    async def confirm(self, request: Request) -> Response:
        """Record that the owner of the address agrees."""
        try:
            form = await read_form(request)
        except RequestRefused as refused:
            return self._frame.error(request, status_of(refused), refused.reason.message)
        if not self._frame.from_here(request):
            return self._frame.error(request, 403, ELSEWHERE.message)
        token, consents = str(form.get("token", "")), self._frame.services.notices.consents
        try:
            await consents.confirm(token, address_of(request.scope))
        except RequestRefused as refused:
            return self._frame.error(request, status_of(refused), refused.reason.message)
        except StoreDown:
            message = "The store cannot accept writes at the moment. Try again."
            return self._frame.error(request, 503, message)
        return self._page(request, token)

    def _page(self, request: Request, token: str) -> Response:
        consents = self._frame.services.notices.consents
        try:
            asked = consents.asked(token)
        except RequestRefused as refused:
            return self._frame.error(request, status_of(refused), refused.reason.message)
        awaits = consents.awaits(asked.org, asked.address)
        return self._frame.render(
            request, "consent.html", visit=None, token=token, asked=asked, awaits=awaits
        )
