"""The socket that connections come in through. Processes may share one: each accepts what it can,
and what one has not accepted when it ends is accepted by the others."""

import socket

from tidings.server.bounds import Bounds

BACKLOG = 4096  # the system's own bound (net.core.somaxconn) may be lower


def make_listening(host: str, port: int, bounds: Bounds) -> socket.socket:
    """Return a socket that listens. Raise OSError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is accepted inherits it: an answer that nobody reads holds no more of the kernel.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, bounds.socket_bytes)
        if bounds.mute_s and hasattr(socket, "TCP_DEFER_ACCEPT"):
            # Who has spoken by the time it is accepted is never taken for one that is mute,
            # however late its first bytes are.
            deferred = (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, bounds.mute_s)
            listening.setsockopt(*deferred)
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
