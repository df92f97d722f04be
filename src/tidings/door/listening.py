"""The port of a door: the same application, for calls that other doors pass on."""

from collections.abc import Callable, Hashable
from hashlib import blake2b
from socket import socket
from ssl import SSLContext
from typing import NamedTuple

from tidings.door.admission import DoorAdmission
from tidings.door.certificates import DoorAuthority, require_loopback
from tidings.server import App, Bounds, DirectApp, HttpServer

_SEAL_PURPOSE = b"tidings.door.seal"
Headers = list[tuple[bytes, bytes]]


class DoorTrust(NamedTuple):
    """Hold by what the doors of an installation know each other: by TLS, or by a seal."""

    listens: SSLContext | None
    calls: SSLContext | None
    seal: bytes | None


def trust_by_tls(key: bytes) -> DoorTrust:
    """Make certificates for this process by the installation's key of doors, of 32 bytes."""
    authority = DoorAuthority(key)
    return DoorTrust(authority.server_context(), authority.client_context(), None)


def trust_on_loopback(key: bytes) -> DoorTrust:
    """Do without TLS, where all doors are on one machine: heads are sealed. Whoever may listen on
    the machine's own addresses is trusted then."""
    return DoorTrust(None, None, blake2b(_SEAL_PURPOSE, key=key, digest_size=32).digest())


def door_server(
    app: App,
    direct: DirectApp | None,
    trust: DoorTrust,
    *,
    host: str,
    port: int,
    bounds: Bounds | None = None,
    keeps: Callable[[str, str], bool] = lambda method, path: False,
    known: Callable[[Headers], Hashable | None] | None = None,
    remote: Callable[[str, Headers], str] | None = None,
    is_as_sent: Callable[[str], bool] = lambda path: False,
    headers: Headers | None = None,
    listening: socket | None = None,
) -> HttpServer:
    """Make the server of a door. Its peers are doors, which stand for many callers: none of their
    connections counts against an address until a head says whose call it is. Raise `Unusable`
    where it would do without TLS before other machines. `listening`: as of `HttpServer`."""
    if trust.listens is None:
        require_loopback(host)
    return HttpServer(
        app,
        host=host,
        port=port,
        bounds=bounds,
        direct=direct,
        keeps=keeps,
        remote=remote,
        shared=lambda peer: True,
        known=known,
        headers=headers or [],
        tls=trust.listens,
        admit=DoorAdmission(trust.seal, is_as_sent).admit,
        listening=listening,
    )
