"""One webhook's connections: vet the addresses, send, and let no answer cost more than it may.

A connection belongs to one outlet and goes to an address that was checked while it was fresh.
Idle ones are kept for the next send, the one used last first; `connections_max` bounds them all.
A connection that is still busy with the rest of a body gives way when all are wanted.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

import msgspec

from tidings.core.delivery.exchange import Ending, FaultKind, Timings, TransportFault
from tidings.core.running.lease import EndlessLease, OwnerLease
from tidings.egress import faults
from tidings.egress.address import TargetRefused, is_literal, parse_target, url_of
from tidings.egress.answer import KEEP_BYTES
from tidings.egress.budget import ConnectionBudget
from tidings.egress.dial import CONNECT_S, Dialler
from tidings.egress.policy import Policy
from tidings.egress.port import Headers, Leaves, ReceiverAddress
from tidings.egress.request import RequestWriter
from tidings.egress.resolve import ResolutionFault, Resolver
from tidings.egress.wire import Wire

IDLE_S = 30.0
LINGER_S = 0.25  # how long a send waits for the rest of another one's body before it is cut
ROOM_S = 1.0  # how long a send waits for one of its outlet's connections
TRIES_MAX = 3  # of one question to an origin
_NEVER = float("-inf")
_ENDLESS = EndlessLease()
_AGAIN = (*faults.NOT_CONNECTED, FaultKind.STALE, FaultKind.RESET)


class HttpOutlet:
    """See `egress.port.Outlet`. After `close` the next send opens it again."""

    def __init__(
        self,
        target: ReceiverAddress,
        *,
        policy: Policy,
        resolver: Resolver,
        dialler: Dialler,
        connections_max: int,
        keep_answers: bool,
        user_agent: str,
        budget: ConnectionBudget | None = None,
        kept_bytes: int = KEEP_BYTES,
        lease: OwnerLease = _ENDLESS,
    ) -> None:
        self._target = target
        self._lease = lease
        self._policy = policy
        self._resolver = resolver
        self._dialler = dialler
        self._connections_max = connections_max
        self._budget = budget or ConnectionBudget()
        self._keep_answers = keep_answers
        self._kept_bytes = kept_bytes
        self._writer = RequestWriter(target, user_agent)
        self._refused = not reads_back(target)
        self._vetting = asyncio.Lock()
        self._addresses: tuple[str, ...] = ()
        self._good = ""  # the address that took the last connection
        self._fresh_until = _NEVER
        self._wires: set[Wire] = set()
        self._idle: list[Wire] = []
        self._dialling = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._opened = 0  # raised by `close`

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float, path: str | None = None
    ) -> Ending | None:
        """See `egress.port.Outlet`. To another `path` of the origin where one is given.

        A cancelled send is taken off the wire by closing its connection.
        """
        started = monotonic()
        timings: Timings | None = None
        if started >= self._fresh_until:
            refused = await self._vet(started, deadline_s)
            if not is_literal(self._target.host):
                timings = Timings(dns_ms=(monotonic() - started) * 1e3)
            if refused is not None:
                return _timed(refused, timings)
        wire = self._take_idle()
        if wire is None:
            got = await self._connect(started, deadline_s)
            if isinstance(got, TransportFault):
                return _timed(got, timings)
            wire = got
            dns_ms = None if timings is None else timings.dns_ms
            timings = Timings(dns_ms, wire.connect_ms, wire.tls_ms)
            if (early := wire.ended_early(started)) is not None:
                return _timed(early, timings)
        try:
            # Nothing is awaited from here to the first byte.
            if not self._lease.holds() or (headers := leaves()) is None:
                self._released(wire)
                return None
            try:
                request = self._writer.write(method, headers, body, path)
            except ValueError:
                self._released(wire)
                return faults.not_built(started)
            answered = wire.exchange(
                request,
                keep=self._keep_answers,
                started=started,
                deadline=started + deadline_s,
                most=self._kept_bytes,
            )
            ending = await answered
        except BaseException:  # a cancel, or whatever `leaves` raises: its place is free again
            wire.close()
            raise
        if isinstance(ending, TransportFault) and ending.kind is FaultKind.STALE:
            self._drop_idle(lambda _: True)  # as old as that one, and likely closed too
        return ending if timings is None else _timed(ending, timings)

    async def close(self) -> None:
        """Close every connection; sends under way end with a fault of our own. Idempotent."""
        self._opened += 1
        self._fresh_until = _NEVER
        for wire in list(self._wires):
            wire.close()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    # -- addresses --------------------------------------------------------------------------------

    async def _vet(self, started: float, deadline_s: float) -> TransportFault | None:
        """Learn the target's addresses. Fails closed; the reason names none of them."""
        try:
            async with asyncio.timeout(deadline_s), self._vetting:
                if monotonic() < self._fresh_until:
                    return None
                return await self._look_up(started, deadline_s)
        except TimeoutError:
            detail = "Tidings could not open a connection in time. It is busy, or its DNS is."
            return faults.unsent(FaultKind.OURS, detail, started)

    async def _look_up(self, started: float, deadline_s: float) -> TransportFault | None:
        target = self._target
        if self._refused:
            return faults.unsent(FaultKind.POLICY, faults.BLOCKED, started)
        if is_literal(target.host):
            addresses: tuple[str, ...] = (target.host,)
            fresh_until = float("inf")  # the address and the policy are both immutable
        else:
            found = await self._resolver.resolve(target.host, deadline_s)
            if isinstance(found, ResolutionFault):
                return faults.unsent(found.kind, found.detail, started)
            addresses, fresh_until = found.addresses, found.fresh_until
        if not all(self._policy.admits(address, target.port) for address in addresses):
            self._fresh_until = _NEVER
            self._drop_idle(lambda _: True)
            return faults.unsent(FaultKind.POLICY, faults.BLOCKED, started)
        self._addresses, self._fresh_until = addresses, fresh_until
        self._drop_idle(lambda wire: wire.address not in addresses)
        return None

    # -- connections ------------------------------------------------------------------------------

    def _take_idle(self) -> Wire | None:
        idle = self._idle
        while idle:
            wire = idle.pop()
            self._budget.used(wire)
            if wire.usable:
                return wire
            wire.close()
        return None

    async def _connect(self, started: float, deadline_s: float) -> Wire | TransportFault:
        """A connection to one of the addresses: the next one, where one does not take it."""
        got = await self._room(started, deadline_s)
        if got is not None:
            return got
        opened = self._opened
        self._dialling += 1
        counted = False
        try:
            counted = await self._budget.take()
            if not counted:
                return faults.no_socket(started)
            for address in sorted(self._addresses, key=lambda one: one != self._good):
                left_s = deadline_s - (monotonic() - started)
                # Connecting must time out before the whole does, or they could not be told apart.
                seconds = min(CONNECT_S, deadline_s * 0.8, left_s)
                got = await self._dialler.dial(
                    self._target, address, seconds, started, self._released, self._gone
                )
                if isinstance(got, Wire):
                    self._wires.add(got)
                    if got.closed:  # before it was known here
                        self._gone(got)
                    self._good = address
                    if opened != self._opened:
                        got.close()
                        return faults.ours_closed((monotonic() - started) * 1e3, sent=False)
                    return got
                if got.kind not in faults.NOT_CONNECTED or left_s <= seconds:
                    break
            assert got is not None
            return got
        finally:
            self._dialling -= 1
            if not isinstance(got, Wire):
                if counted:
                    self._budget.give()
                self._wake()

    async def _room(self, started: float, deadline_s: float) -> Wire | TransportFault | None:
        """Wait for room for another connection; or take one that has become idle meanwhile."""
        until = started + min(deadline_s, (monotonic() - started) + ROOM_S)
        while len(self._wires) + self._dialling >= self._connections_max:
            lingering = next((wire for wire in self._wires if wire.lingering), None)
            left_s = until - monotonic()
            if left_s <= 0:
                return faults.no_connection(self._connections_max, started)
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(freed)
            try:
                async with asyncio.timeout(left_s if lingering is None else LINGER_S):
                    await freed
            except TimeoutError:
                if lingering is not None and lingering.lingering:
                    lingering.close()
            finally:
                if freed in self._waiting:  # it has given up
                    self._waiting.remove(freed)
            if (wire := self._take_idle()) is not None:
                return wire
        return None

    def _released(self, wire: Wire) -> None:
        """An answer was read to its end: its connection is for the next send."""
        self._idle.append(wire)
        self._budget.idle(wire, wire.close)
        wire.idle_since_s = monotonic()
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._sweep_idle)
        self._wake()

    def _gone(self, wire: Wire) -> None:
        if wire in self._wires:
            self._wires.remove(wire)
            self._budget.used(wire)
            self._budget.give()
        if wire in self._idle:
            self._idle.remove(wire)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            freed = self._waiting.popleft()
            if not freed.done():
                freed.set_result(None)
                return

    def _drop_idle(self, which: Callable[[Wire], bool]) -> None:
        for wire in [wire for wire in self._idle if which(wire)]:
            wire.close()

    def _sweep_idle(self) -> None:
        """Close what has been idle for long."""
        self._sweep = None
        old = monotonic() - IDLE_S
        self._drop_idle(lambda wire: wire.idle_since_s <= old)
        if self._idle:
            wait_s = max(0.1, min(wire.idle_since_s for wire in self._idle) - old)
            self._sweep = asyncio.get_running_loop().call_later(wait_s, self._sweep_idle)


def _timed(ending: Ending, timings: Timings | None) -> Ending:
    return msgspec.structs.replace(ending, timings=timings)


def reads_back(target: ReceiverAddress) -> bool:
    """Return whether the target is one that our own reading of its URL gives: nothing made
    otherwise."""
    try:
        return parse_target(url_of(target), allow_http=True) == target
    except TargetRefused:
        return False


class HttpOrigin(HttpOutlet):
    """See `egress.port.OriginServer`: an outlet that asks, by GET on any path of one origin.

    Asking twice harms nobody: a connection that was closed meanwhile is replaced at once.
    """

    async def get(self, path: str, headers: Headers, deadline_s: float) -> Ending:
        """See `egress.port.OriginServer.get`."""
        started = monotonic()
        if not reads_back(msgspec.structs.replace(self._target, path=path)):
            return faults.unsent(FaultKind.POLICY, faults.BLOCKED, started)
        tries = 1
        while True:
            left_s = max(0.001, deadline_s - (monotonic() - started))
            ending = await self.send("GET", lambda: headers, b"", left_s, path)
            assert ending is not None
            again = isinstance(ending, TransportFault) and ending.kind in _AGAIN
            if not again or tries == TRIES_MAX or monotonic() - started >= deadline_s:
                return ending
            tries += 1
