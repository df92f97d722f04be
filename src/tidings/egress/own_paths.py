"""Which paths of the service's own address a webhook may lead to: those that take messages.

A message for any other path (the console, an API call, metrics) does nothing that its owner can
want. What leads to the three that take messages may come back as an event, and is counted
(`core/events/passage.py`). Judged on a parsed `ReceiverAddress`: no dot segments are left in it,
and one spelling of a host and a port. Pure.
"""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from tidings.egress.port import ReceiverAddress

# As they are routed, with nothing encoded: what a proxy in between decodes is another path.
_TAKES = re.compile(r"/inbox/[A-Za-z0-9_-]+|/in/[0-9]+/[a-z0-9-]+|/v1/events")


class OwnPaths:
    """The addresses at which the service is reached."""

    def __init__(self, urls: Iterable[str], host: str, port: int) -> None:
        """`urls`: as people write it; `host` and `port`: where it listens."""
        self._places = {_place(url) for url in urls} | {(host, port)}
        self._port = port
        self._local = host == "localhost" or _is_local(host)

    def refusal(self, target: ReceiverAddress) -> str | None:
        """Say why a webhook must not lead there; None where it may."""
        here = (target.host, target.port) in self._places
        if not here and not (self._local and target.port == self._port and _is_local(target.host)):
            return None
        path = target.path.partition("?")[0]
        if _TAKES.fullmatch(path):
            return None
        return (
            "A URL of this service itself must be that of a source (/in/…), of a test inbox "
            f"(/inbox/…) or /v1/events, which take messages; got the path {path[:200]}. Write one "
            "of these, or the URL of another receiver."
        )


def _place(url: str) -> tuple[str, int]:
    """Read host and port of an address of ours, which may be one that no webhook may have."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    with suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    return host, parts.port or (443 if parts.scheme == "https" else 80)


def _is_local(host: str) -> bool:
    """Tell whether a host is this machine, whatever it is called."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return bool(plain.is_loopback or plain.is_unspecified)
