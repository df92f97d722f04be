"""One webhook's connections: vet the addresses, send, and let no answer cost more than it may.

The client's plain `send()` reads a whole body into memory before it gives the status, and loses
the status if the body stalls. So the streamed form is used, with no read-ahead: the head comes
alone. Of a 2xx body only what keeps the connection usable is taken: a short one of known length is
let go, and the client's thread takes it off the connection; a long one costs the connection; one of
unknown length is read to its end, within bounds.

A body that was let go and never comes keeps its connection until its deadline. A receiver that does
this uses up its outlet's connections; the outlet goes on with a fresh client, once a deadline.
"""

import asyncio
from datetime import timedelta
from time import monotonic

from pyreqwest.client import Client
from pyreqwest.exceptions import PoolTimeoutError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from tidings.core.exchange import Answer, Ending, Fault, FaultKind
from tidings.egress.address import is_literal
from tidings.egress.body import KEEP_BYTES, close_body, drain, head_of, read_body
from tidings.egress.faults import NOT_CONNECTED, classify, no_connection, unsent
from tidings.egress.policy import Policy
from tidings.egress.pool import ClientMaker, url_for
from tidings.egress.port import Target
from tidings.egress.resolve import Resolver, Unresolved

BLOCKED = "blocked by policy"
_NEVER = float("-inf")


class HttpOutlet:
    """See `egress.port.Outlet`. After `close` the next send opens it again."""

    def __init__(
        self,
        target: Target,
        *,
        policy: Policy,
        resolver: Resolver,
        maker: ClientMaker,
        connections_max: int,
        keep_answers: bool,
    ) -> None:
        self._target = target
        self._policy = policy
        self._resolver = resolver
        self._maker = maker
        self._connections_max = connections_max
        self._keep_answers = keep_answers
        self._tls = target.scheme == "https"
        url = url_for(target)
        self._refused = url is None  # the client would dial something else than we checked
        self._url = url or ""
        self._lock = asyncio.Lock()
        self._client: Client | None = None
        self._address = ""
        self._addresses: tuple[str, ...] = ()
        self._fresh_until = _NEVER
        self._retired_until = _NEVER
        self._deadline_s = 0.0
        self._timeout = timedelta()
        self._in_flight = 0

    async def send(
        self, method: str, headers: list[tuple[str, str]], body: bytes, deadline_s: float
    ) -> Ending:
        """One attempt under one absolute deadline in seconds. Never raises, except CancelledError.

        A cancelled send is given up at once, but what is on the wire stays there until its
        deadline: the client has no way to take it back.
        """
        started = monotonic()
        client = self._client
        if client is None or started >= self._fresh_until:
            ready = await self._prepare(started, deadline_s)
            if isinstance(ready, Fault):
                return ready
            client = ready
            timeout = timedelta(seconds=max(0.001, deadline_s - (monotonic() - started)))
        elif deadline_s == self._deadline_s:
            timeout = self._timeout
        else:
            self._deadline_s = deadline_s
            timeout = self._timeout = timedelta(seconds=deadline_s)
        address = self._address  # what this client dials; another send may replace both
        self._in_flight += 1
        try:
            # Ten thousand times a second: no layer of coroutines between here and the client.
            request = (
                client.request(method, self._url)
                .headers(headers)
                .body_bytes(body)
                .timeout(timeout)
                .streamed_read_buffer_limit(0)
                .build_streamed()
            )
            response = await request.__aenter__()
            head_at = monotonic()
            status = response.status
        except Exception as error:  # a port that never raises: every cause becomes a Fault
            failed = error
        else:
            if status == 204 and not self._keep_answers:
                return Answer(status, (), b"", False, (head_at - started) * 1e3)
            return await self._conclude(request, response, started, head_at, deadline_s)
        finally:
            self._in_flight -= 1
        return await self._recover(
            failed, client, address, method, headers, body, started, deadline_s
        )

    async def close(self) -> None:
        """Close every connection; sends under way end with a fault of our own. Idempotent."""
        client, self._client = self._client, None
        self._address = ""
        self._fresh_until = self._retired_until = _NEVER
        if client is not None:
            await client.close()

    async def _conclude(
        self,
        request: StreamRequest,
        response: Response,
        started: float,
        head_at: float,
        deadline_s: float,
    ) -> Answer:
        """The answer, now that its head is here. Nothing of its body changes the status."""
        status = response.status
        duration_ms = (head_at - started) * 1e3
        if self._keep_answers or not 200 <= status < 300:
            return await self._read(
                request, response, deadline_s - (head_at - started), duration_ms
            )
        try:
            length = response.get_header("content-length")
        except Exception:  # beside chunked encoding it can be anything
            length = None
        if length == "0" or status == 204:
            return Answer(status, (), b"", False, duration_ms)
        if length is None:
            if not await drain(response, deadline_s - (head_at - started)):
                await close_body(request)
        elif len(length) > 5 or not length.isdecimal() or int(length) > KEEP_BYTES:
            await close_body(request)
        return Answer(status, (), b"", True, duration_ms)

    async def _read(
        self, request: StreamRequest, response: Response, left_s: float, duration_ms: float
    ) -> Answer:
        status = response.status
        headers = head_of(response.headers)
        if status in (204, 304):
            return Answer(status, headers, b"", False, duration_ms)
        if status == 101:  # the connection is no HTTP any more
            await close_body(request)
            return Answer(status, headers, b"", False, duration_ms)
        body = await read_body(response, left_s)
        if not body.ended:
            await close_body(request)
        return Answer(status, headers, body.kept, body.truncated, duration_ms)

    async def _prepare(self, started: float, deadline_s: float) -> Client | Fault:
        """A client that dials a vetted address. Fails closed."""
        try:
            async with asyncio.timeout(deadline_s):
                async with self._lock:
                    if self._client is None or monotonic() >= self._fresh_until:
                        refused = await self._vet(started, deadline_s)
                        if refused is not None:
                            return refused
                    if self._client is None:
                        self._client = await self._make(self._addresses[0], deadline_s)
                    return self._client
        except TimeoutError:
            detail = "Tidings could not open a connection in time. It is busy, or its DNS is."
            return unsent(FaultKind.OURS, detail, started)
        except Exception as error:
            return classify(error, tls=self._tls, duration_ms=(monotonic() - started) * 1e3)

    async def _vet(self, started: float, deadline_s: float) -> Fault | None:
        """Learn the target's addresses. All must pass; the reason names none of them."""
        target = self._target
        if self._refused:
            return unsent(FaultKind.POLICY, BLOCKED, started)
        if is_literal(target.host):
            addresses: tuple[str, ...] = (target.host,)
            fresh_until = float("inf")  # the address and the policy are both immutable
        else:
            found = await self._resolver.resolve(target.host, deadline_s)
            if isinstance(found, Unresolved):
                return unsent(found.kind, found.detail, started)
            addresses, fresh_until = found.addresses, found.fresh_until
        if not all(self._policy.admits(address, target.port) for address in addresses):
            self._client = None
            self._fresh_until = _NEVER
            return unsent(FaultKind.POLICY, BLOCKED, started)
        if self._address not in addresses:
            self._client = None  # what is under way ends on its own; idle connections close
        self._addresses, self._fresh_until = addresses, fresh_until
        return None

    async def _make(self, address: str, deadline_s: float) -> Client:
        client = await self._maker.make(self._target, address, self._connections_max, deadline_s)
        self._address = address
        return client

    async def _recover(
        self,
        error: Exception,
        client: Client,
        address: str,
        method: str,
        headers: list[tuple[str, str]],
        body: bytes,
        started: float,
        deadline_s: float,
    ) -> Ending:
        """Go on elsewhere, if the request provably never left."""
        tried = {address}
        while True:
            fault = self._fault_of(error, started)
            left_s = deadline_s - (monotonic() - started)
            if left_s <= 0:
                return fault
            try:
                async with asyncio.timeout(left_s):
                    fresh = await self._replace(error, fault, client, tried, deadline_s)
            except TimeoutError:
                return fault
            if fresh is None:
                return fault
            client = fresh
            try:
                return await self._again(client, method, headers, body, started, deadline_s)
            except Exception as another:
                error = another

    async def _again(
        self,
        client: Client,
        method: str,
        headers: list[tuple[str, str]],
        body: bytes,
        started: float,
        deadline_s: float,
    ) -> Answer:
        left_s = max(0.001, deadline_s - (monotonic() - started))
        self._in_flight += 1
        try:
            request = (
                client.request(method, self._url)
                .headers(headers)
                .body_bytes(body)
                .timeout(timedelta(seconds=left_s))
                .streamed_read_buffer_limit(0)
                .build_streamed()
            )
            response = await request.__aenter__()
            return await self._conclude(request, response, started, monotonic(), deadline_s)
        finally:
            self._in_flight -= 1

    def _fault_of(self, error: Exception, started: float) -> Fault:
        if isinstance(error, PoolTimeoutError):
            count = self._connections_max
            return no_connection(count, ours=self._in_flight >= count, started=started)
        return classify(error, tls=self._tls, duration_ms=(monotonic() - started) * 1e3)

    async def _replace(
        self,
        error: Exception,
        fault: Fault,
        client: Client,
        tried: set[str],
        deadline_s: float,
    ) -> Client | None:
        """The client to go on with, or None if this fault is the end."""
        stuck = isinstance(error, PoolTimeoutError) and fault.kind is FaultKind.TIMEOUT
        if not stuck and not (fault.kind in NOT_CONNECTED and not fault.sent):
            return None
        async with self._lock:
            if self._client is None:  # closed meanwhile
                return None
            if self._client is not client:  # another send has replaced it
                if not stuck and self._address in tried:
                    return None
            elif stuck:
                if monotonic() < self._retired_until:
                    return None
                self._retired_until = monotonic() + deadline_s
                self._client = await self._make(self._address, deadline_s)
            else:
                untried = [each for each in self._addresses if each not in tried]
                if not untried:
                    return None
                self._client = await self._make(untried[0], deadline_s)
            tried.add(self._address)
            return self._client
