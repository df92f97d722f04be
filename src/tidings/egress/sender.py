"""Deliveries over HTTP/1.1: one client per webhook, pinned to an address that passed the policy.

Redirects, cookies, environment proxies, netrc and decompression are off; TLS is 1.2 or later and
always verified. A client's connections serve one webhook's own origin only, because a receiver that
appends a second answer would otherwise decide the outcome of somebody else's delivery.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tidings.core.exchange import FaultKind
from tidings.egress.address import is_literal
from tidings.egress.origin import HttpOrigin
from tidings.egress.outlet import HttpOutlet
from tidings.egress.policy import Policy
from tidings.egress.pool import ClientMaker
from tidings.egress.port import Target
from tidings.egress.resolve import CaresResolver, Resolver, Unresolved

LOOK_UP_S = 1.5  # a person waits for the answer


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

    def origin(self, target: Target, connections_max: int) -> HttpOrigin:
        """The connections to a server that is asked by GET; the target's path is not used."""
        return HttpOrigin(
            target,
            policy=self._policy,
            resolver=self._resolver,
            maker=self._maker,
            connections_max=connections_max,
            keep_answers=True,
        )

    async def unresolved(self, target: Target) -> str | None:
        """The target's host, if it has no address that may be dialled. Nothing is dialled.

        None also where our own name server does not answer: that says nothing of the host.
        """
        if is_literal(target.host):
            return None
        found = await self._resolver.resolve(target.host, LOOK_UP_S)
        if isinstance(found, Unresolved):
            return None if found.kind is FaultKind.OURS else target.host
        fits = all(self._policy.admits(address, target.port) for address in found.addresses)
        return None if fits else target.host

    async def close(self) -> None:
        """Stop the resolver and the builder's thread. Outlets are closed by who opened them."""
        await self._resolver.close()
        await asyncio.get_running_loop().run_in_executor(None, self._builder.shutdown)
