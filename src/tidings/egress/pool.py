"""Makes the HTTP clients of outlets, with everything off that a webhook sender must not do."""

import asyncio
import re
from concurrent.futures import Executor
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.http import Url

from tidings.egress.address import is_literal, url_of
from tidings.egress.port import Target

CONNECT_S = 5.0
IDLE_S = 30.0
# How long a send waits for one of its outlet's connections before the outlet looks into why.
POOL_WAIT_S = 1.0

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class ClientMaker:
    """What all clients of a sender have in common."""

    def __init__(self, *, executor: Executor, user_agent: str, ca_pem: bytes) -> None:
        self._executor = executor
        self._user_agent = user_agent
        self._authorities = _CERTIFICATE.findall(ca_pem)

    async def make(
        self, target: Target, address: str, connections_max: int, deadline_s: float
    ) -> Client:
        """A client that dials `address` and nothing else for the target's name."""
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, self._build, target, address, connections_max, deadline_s
        )

    def _build(
        self, target: Target, address: str, connections_max: int, deadline_s: float
    ) -> Client:
        # Connecting must time out before the whole does, or the two could not be told apart.
        connect_s = min(CONNECT_S, deadline_s * 0.8)
        builder = (
            ClientBuilder()
            .no_proxy()
            .follow_redirects(False)
            .referer(False)
            .default_cookie_store(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .http1_only()
            .min_tls_version("TLSv1.2")
            .user_agent(self._user_agent)
            .default_headers({"Accept-Encoding": "identity"})
            .max_connections(connections_max)
            .pool_max_idle_per_host(connections_max)
            .pool_idle_timeout(timedelta(seconds=IDLE_S))
            .pool_timeout(timedelta(seconds=POOL_WAIT_S))
            .connect_timeout(timedelta(seconds=connect_s))
            .https_only(target.scheme == "https")
        )
        for pem in self._authorities:
            builder = builder.add_root_certificate_pem(pem)
        if not is_literal(target.host):
            builder = builder.resolve(target.host, address, target.port)
        return builder.build()


def url_for(target: Target) -> Url | None:
    """The client's own reading of a target's URL, or None if it differs from ours."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    url = Url(url_of(target))
    path = url.path if url.query_string is None else f"{url.path}?{url.query_string}"
    ours = (target.scheme, host, target.port, target.path)
    return url if (url.scheme, url.host_str, url.port_or_known_default, path) == ours else None
