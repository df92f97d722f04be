"""Deliveries over HTTP/1.1: to an address that passed the policy, on the webhook's own connections.

There are no redirects, cookies, environment proxies, netrc or decompression: they are not turned
off, they are not here. An outlet's connections serve one webhook's own origin only, because a
receiver that appends a second answer would otherwise decide somebody else's delivery.
"""

from pathlib import Path
from typing import TypeVar

from tidings.core.delivery.exchange import FaultKind
from tidings.core.running.lease import EndlessLease, OwnerLease
from tidings.egress.address import is_literal
from tidings.egress.answer import KEEP_BYTES
from tidings.egress.budget import UNBOUNDED, ConnectionBudget
from tidings.egress.dial import Dialler
from tidings.egress.outlet import HttpOrigin, HttpOutlet
from tidings.egress.policy import Policy
from tidings.egress.port import ReceiverAddress
from tidings.egress.resolve import CaresResolver, ResolutionFault, Resolver

LOOK_UP_S = 1.5  # a person waits for the answer
_ENDLESS = EndlessLease()

Outlet = TypeVar("Outlet", bound=HttpOutlet)


class HttpSender:
    """The sender of one process and one event loop."""

    def __init__(
        self,
        policy: Policy,
        resolver: Resolver | None = None,
        *,
        ca_bundle: Path | None = None,
        user_agent: str = "Tidings",
        connections_max: int = UNBOUNDED,
        lease: OwnerLease = _ENDLESS,
    ) -> None:
        """`connections_max` bounds those of all its outlets together. Without the `lease` no
        request of an outlet leaves; what only asks, by GET, may."""
        self._lease = lease
        self._policy = policy
        self._resolver = resolver or CaresResolver()
        self._dialler = Dialler(ca_bundle)
        self._user_agent = user_agent
        self.budget = ConnectionBudget(connections_max)

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool = False
    ) -> HttpOutlet:
        """Open an outlet for one webhook. `keep_answers` also reads headers and body of 2xx
        answers."""
        return self._made(HttpOutlet, target, connections_max, keep_answers, lease=self._lease)

    def origin(
        self, target: ReceiverAddress, connections_max: int, kept_bytes: int = KEEP_BYTES
    ) -> HttpOrigin:
        """Make the connections to a server that is asked by GET; the target's path is not used."""
        return self._made(HttpOrigin, target, connections_max, True, kept_bytes)

    def _made(
        self,
        kind: type[Outlet],
        target: ReceiverAddress,
        connections_max: int,
        keep_answers: bool,
        kept_bytes: int = KEEP_BYTES,
        lease: OwnerLease = _ENDLESS,
    ) -> Outlet:
        return kind(
            target,
            policy=self._policy,
            resolver=self._resolver,
            dialler=self._dialler,
            connections_max=connections_max,
            keep_answers=keep_answers,
            user_agent=self._user_agent,
            budget=self.budget,
            lease=lease,
            kept_bytes=kept_bytes,
        )

    async def unresolved(self, target: ReceiverAddress) -> str | None:
        """Resolve the target's host, and return it if it has no address that may be dialled.
        Nothing is dialled.

        Return None also where our own name server does not answer: that says nothing of the host.
        """
        if is_literal(target.host):
            return None
        found = await self._resolver.resolve(target.host, LOOK_UP_S)
        if isinstance(found, ResolutionFault):
            return None if found.kind is FaultKind.OURS else target.host
        fits = all(self._policy.admits(address, target.port) for address in found.addresses)
        return None if fits else target.host

    async def close(self) -> None:
        """Stop the resolver. Outlets are closed by who opened them."""
        await self._resolver.close()
