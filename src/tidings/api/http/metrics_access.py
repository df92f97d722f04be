"""Who may read `/metrics`: its figures are of the whole service, and tell a stranger its load.

Beside the platform's own credential, which may always, there are two ways that Prometheus knows: a
bearer token that opens nothing else, and the networks that it asks from. A call that a proxy has
passed on is judged by the address that a trusted proxy tells, and never by a proxy's own.
"""

import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from tidings.api.answers import refused
from tidings.api.http.front import client_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SCHEME = "bearer "
TOKEN_HEADER = "x-cap-api-oauth-token"


@dataclass(frozen=True, kw_only=True)
class MetricsReaders:
    """As the operator has set it. Nobody, where nothing is."""

    everybody: bool = False
    token: str | None = None
    networks: tuple[Network, ...] = ()

    def admit(self, authorization: str | None, address: str | None) -> bool:
        """Return whether a call with this header, from this address, may read without a credential;
        None stands for an unknown address."""
        return self.everybody or self._knows(authorization) or self._is_near(address)

    def admit_call(self, request: Request) -> bool:
        """Return whether a call may read without a credential."""
        return self.admit(request.headers.get("authorization"), client_of(request.scope))

    def check(self, request: Request, by_credential: Callable[[], object]) -> None:
        """Raise RefusalAnswer or Denied where a call may not read the metrics. `by_credential` is
        asked where there is one, and refuses all but the platform's own."""
        if self.admit_call(request):
            return
        if "authorization" in request.headers or TOKEN_HEADER in request.headers:
            by_credential()
            return
        # Asked for a token, not for a name and a password: a browser would remember those, and
        # send them with every call to this host.
        raise refused(
            401,
            "metrics_closed",
            "The call must carry the token of the setting metrics_token, or come from a network of "
            "metrics_from; got neither. The platform's own credential works too.",
            header="Authorization",
            www_authenticate='Bearer realm="tidings"',
        )

    def _knows(self, authorization: str | None) -> bool:
        if self.token is None or authorization is None:
            return False
        if authorization[: len(SCHEME)].lower() != SCHEME:
            return False
        given = authorization[len(SCHEME) :].strip().encode("utf-8", "replace")
        return hmac.compare_digest(given, self.token.encode())

    def _is_near(self, peer: str | None) -> bool:
        try:
            address = ipaddress.ip_address(peer or "")
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.networks)
