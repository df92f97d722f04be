"""The one ASGI application that is served: events to the accept path, the rest to the control API.

A path that matches exactly is all the routing that an event pays for. Every other answer leaves
through here, with the headers of `answer_headers`. Where test inboxes have a host of their own,
nothing else is served there, and they are served nowhere else: what a tenant chose is then never
of the console's origin.
"""

import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tidings.api.http.answer_headers import with_all
from tidings.api.http.front import Front
from tidings.api.http.head import answer_head
from tidings.api.http.refusals import messages, refusal, request_id
from tidings.api.http.whole_call import WholeCall, WholeCallApp
from tidings.errors import FieldRefusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

EVENTS_PATH = "/v1/events"
INBOX_STEM = "/inbox/"
SOURCE_STEM = "/in/"
_NAME = re.compile(r"\[[^\]]*\]|[^:]*")
HEALTH_PATHS = ("/livez", "/readyz")


def keeps(method: str, path: str) -> bool:
    """Return whether the server keeps a place for such a call: for events and health."""
    return path in HEALTH_PATHS or (path == EVENTS_PATH and method == "POST")


class HttpGate:
    """ASGI 3, and a `WholeCallApp` for events and for what is sent to sources.

    `inbox_host` is the name of the host that serves test inboxes alone; `front` knows the proxies
    before it; `direct` is asked before `accept`, for calls that may need no task, and `senders` for
    those to the addresses of sources; `is_explained`
    hears what a call has raised for want of memory, and says whether the operator is told: then
    the call is left without an answer of its own.
    """

    def __init__(
        self,
        accept: App,
        control: App,
        inbox_host: str | None = None,
        front: Front | None = None,
        is_explained: Callable[[BaseException], bool] = lambda error: False,
        direct: WholeCallApp | None = None,
        senders: WholeCallApp | None = None,
    ) -> None:
        self._is_explained = is_explained
        self._accept = accept
        self._direct = direct
        self._senders = senders
        self._front = front or Front()
        self._control = self._front.around(control)
        self._inbox_host = inbox_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        try:
            if scope["type"] != "http":
                await self._control(scope, receive, send)
            elif self._inbox_host is not None and self._is_elsewhere(scope):
                await _say_elsewhere(scope, with_all(send))
            elif scope["path"] == EVENTS_PATH and scope["method"] == "POST":
                await self._accept(scope, receive, send)
            elif scope["method"] == "HEAD" and not scope["path"].startswith(INBOX_STEM):
                await answer_head(self._control, scope, receive, with_all(send))
            else:
                await self._control(scope, receive, with_all(send))
        except MemoryError as error:
            if not self._is_explained(error):
                raise

    def begin(self, call: WholeCall) -> bool:
        """See `WholeCallApp`: an event, or what is sent to a source, if its path is served on the
        host that it was sent to."""
        request = call.request
        if request.path == EVENTS_PATH and request.method == "POST":
            app = self._direct
        elif request.path.startswith(SOURCE_STEM):
            app = self._senders
        else:
            return False
        if self._inbox_host is not None and self._is_elsewhere(call.scope()):
            return False
        return app is not None and app.begin(call)

    def _is_elsewhere(self, scope: Scope) -> bool:
        """Return whether the path is served, if at all, on the other host."""
        asked = scope["path"].startswith(INBOX_STEM)
        return bool((name_of(self._front.host(scope)) == self._inbox_host) != asked)


def name_of(host: str) -> str:
    """Return the name of a host that a call was made to, in lower case and without its port.

    The port is left out because cookies know none, and proxies may pass it on or not.
    """
    found = _NAME.match(host)
    return "" if found is None else found[0].strip("[]").lower()


async def _say_elsewhere(scope: Scope, send: Send) -> None:
    inbox = scope["path"].startswith(INBOX_STEM)
    here, other = ("every other path", "inbox_url") if inbox else ("/inbox/{token}", "public_url")
    message = (
        f"The call must be made to the host that serves its path; got one to the host of {here}. "
        f"Use the host in the setting {other}."
    )
    reason = FieldRefusal.build("other_host", message, header="Host")
    call = request_id(dict(scope["headers"]), lambda: str(uuid.uuid4()))
    start, end = messages(refusal(404, reason, call, close=True))
    await send(start)
    await send(end)
