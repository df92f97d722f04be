"""Deliveries over HTTP/1.1: one client per webhook, pinned to an address that passed the policy.

Redirects, cookies, environment proxies, netrc and decompression are off; TLS is 1.2 or later and
always verified. A client's connections serve one webhook's own origin only, because a receiver that
appends a second answer would otherwise decide the outcome of somebody else's delivery.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tidings.egress.outlet import HttpOutlet
from tidings.egress.policy import Policy
from tidings.egress.pool import ClientMaker
from tidings.egress.port import Target
from tidings.egress.resolve import CaresResolver, Resolver


class HttpSender:
    """The sender of one process and one event loop."""

    def __init__(
        self,
        policy: Policy,
        resolver: Resolver | None = None,
        *,
        ca_bundle: Path | None = None,
        user_agent: str = "Tidings",
    ) -> None:
        self._policy = policy
        self._resolver = resolver or CaresResolver()
        # A client takes about 6 ms to make (it reads the system's certificates): not on the loop.
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="tidings-egress")
        self._maker = ClientMaker(
            executor=self._builder,
            user_agent=user_agent,
            ca_pem=ca_bundle.read_bytes() if ca_bundle else b"",
        )

    def open(
        self, target: Target, connections_max: int, *, keep_answers: bool = False
    ) -> HttpOutlet:
        """An outlet for one webhook. `keep_answers` also reads headers and body of 2xx answers."""
        return HttpOutlet(
            target,
            policy=self._policy,
            resolver=self._resolver,
            maker=self._maker,
            connections_max=connections_max,
            keep_answers=keep_answers,
        )

    async def close(self) -> None:
        """Stop the resolver and the builder's thread. Outlets are closed by who opened them."""
        await self._resolver.close()
        await asyncio.get_running_loop().run_in_executor(None, self._builder.shutdown)
