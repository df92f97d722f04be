"""Makes connections: to an address that was checked, and to that one alone, within a time.

TLS is 1.2 or later and always verified, for the target's name, before a byte of a request is sent.
There is no proxy, and nothing is resolved here.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from time import monotonic

from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.egress import faults
from tidings.egress.port import ReceiverAddress
from tidings.egress.wire import Wire

CONNECT_S = 5.0


class Dialler:
    """State that all connections of a sender share."""

    def __init__(self, ca_bundle: Path | None = None) -> None:
        """`ca_bundle` holds authorities, in PEM, that are trusted beside the system's."""
        self._ca_bundle = ca_bundle

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Made for the first connection by TLS: reading the system's authorities takes 30 ms."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_bundle is not None:
            context.load_verify_locations(self._ca_bundle)
        return context

    async def dial(
        self,
        target: ReceiverAddress,
        address: str,
        seconds: float,
        started: float,
        released: Callable[[Wire], None],
        gone: Callable[[Wire], None],
    ) -> Wire | TransportFault:
        """Open a connection to `address` within `seconds`, for an attempt begun at `started`.

        `released` and `gone` are those of the wire.
        """
        began = monotonic()
        until = began + seconds
        try:
            sock = socket.socket(
                socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM
            )
        except OSError as error:
            return faults.not_connected(error, started)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            refused = await _connect(sock, address, target.port, seconds, started)
            if refused is None:
                wire = Wire(sock, address, target.scheme == "https", released, gone)
                connected = monotonic()
                wire.connect_ms = (connected - began) * 1e3
                refused = await self._open(sock, wire, target, until - connected, started)
                if refused is None:
                    if target.scheme == "https":
                        wire.tls_ms = (monotonic() - connected) * 1e3
                    return wire
        except BaseException:
            sock.close()
            raise
        sock.close()
        return refused

    async def _open(
        self,
        sock: socket.socket,
        wire: Wire,
        target: ReceiverAddress,
        seconds: float,
        started: float,
    ) -> TransportFault | None:
        """Hand the socket to the wire, through TLS where the target wants it."""
        loop = asyncio.get_running_loop()
        if target.scheme != "https":
            await loop.create_connection(lambda: wire, sock=sock)
            return None
        try:
            async with asyncio.timeout(max(0.001, seconds)):
                await loop.create_connection(
                    lambda: wire, sock=sock, ssl=self._context, server_hostname=target.host
                )
        except TimeoutError:
            return faults.connect_timeout(started, handshake=True)
        except (OSError, ssl.CertificateError) as error:
            return faults.handshake(error, started)
        return None


async def _connect(
    sock: socket.socket, address: str, port: int, seconds: float, started: float
) -> TransportFault | None:
    try:
        async with asyncio.timeout(max(0.001, seconds)):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
        if ip_address(sock.getpeername()[0]) != ip_address(address):
            return faults.unsent(FaultKind.POLICY, faults.BLOCKED, started)
    except TimeoutError:
        return faults.connect_timeout(started, handshake=False)
    except OSError as error:
        return faults.not_connected(error, started)
    return None
