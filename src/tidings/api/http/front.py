"""How a call was made, as its caller sees it: address, scheme and authority. Asked in one place.

Behind a proxy the connection says none of it. What a trusted proxy tells counts
(`core/access/forwarded.py`), and where the operator has said at which URL the service is reached,
that is its authority. A call on this very machine, straight to the port, is left as it is.
"""

from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Send

from tidings.core.access.forwarded import Origin, Proxies
from tidings.core.access.from_browser import own_origins

Scope = MutableMapping[str, Any]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
AS_SENT = "/inbox/"  # a test inbox shows its calls as they came
CLIENT = "tidings.client"  # of a scope: what `client_of` asks
HSTS = "max-age=31536000"


class CallOrigin(msgspec.Struct, frozen=True):
    """Address, scheme and authority of one call."""

    address: str  # of who called; empty where it is not known
    scheme: str
    authority: str


def address_of(scope: Scope) -> str:
    """Return the address of the caller of a call that has come through the front."""
    return _peer(scope)


def client_of(scope: Scope) -> str | None:
    """Return the caller's address for what an address alone opens; None where a proxy has passed
    the call on and no trusted one names its client."""
    ask: Callable[[], str | None] | None = scope.get(CLIENT)
    return Proxies().client(_peer(scope), scope["headers"]) if ask is None else ask()


class Front:
    """Before all calls but those of the accept path, which asks only where it must."""

    def __init__(self, proxies: Proxies | None = None, public_url: str = "") -> None:
        self._public_url = public_url
        public = urlsplit(public_url)
        self._proxies = proxies or Proxies()
        self._scheme, self._authority = public.scheme.lower(), public.netloc.lower()

    def address(self, scope: Scope) -> str:
        """Return the caller's address."""
        return self._origin_of(scope).address

    def reached(self, scope: Scope) -> CallOrigin:
        """Read how a call was made: its address, scheme and authority. A scope as the server made
        it, headers in lower case."""
        origin, host = self._origin_of(scope), _header(scope)
        scheme, authority = origin.scheme or scope.get("scheme", "http"), origin.authority or host
        straight = not (origin.scheme or origin.authority) and _is_loopback(host)
        if self._authority and not straight:
            scheme, authority = origin.scheme or self._scheme, self._authority
        return CallOrigin(origin.address, scheme, authority)

    def host(self, scope: Scope) -> str:
        """Return the host that a call was made to, and its port if any, whatever the service's URL
        is."""
        return self._origin_of(scope).authority or _header(scope)

    def origins(self, scope: Scope) -> set[str]:
        """Return the origins of our own pages, for a call that has not come through the front."""
        reached = self.reached(scope)
        return own_origins(reached.scheme, reached.authority, self._public_url)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return an application whose calls say how they were made, as if there were no proxy."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            reached = self.reached(scope)
            seen = dict(scope) | {"client": (reached.address, 0), "scheme": reached.scheme}
            seen[CLIENT] = partial(self._proxies.client, _peer(scope), scope["headers"])
            if not scope["path"].startswith(AS_SENT):
                host = (b"host", reached.authority.encode("latin-1"))
                others = [pair for pair in scope["headers"] if pair[0] != b"host"]
                seen["headers"] = [host, *others] if reached.authority else others

            async def send_safely(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).setdefault("strict-transport-security", HSTS)
                await send(message)

            await app(seen, receive, send_safely if reached.scheme == "https" else send)

        return serve

    def _origin_of(self, scope: Scope) -> Origin:
        return self._proxies.origin_of(_peer(scope), scope["headers"])


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _header(scope: Scope) -> str:
    hosts = (value for name, value in scope["headers"] if name == b"host")
    return next(hosts, b"").decode("latin-1")


def _is_loopback(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False
