"""Addresses that the settings name: of the service itself, and of what it asks."""

from urllib.parse import urlsplit

from tidings.core.shaping.platform_rules import ASKED
from tidings.settings.settings import Settings


def public_url(settings: Settings) -> str:
    """Return the address of the service: as it is set, else the address and port it listens on."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"


def host_of(url: str) -> str:
    """Return the host name in a URL, in lower case; empty if it has none."""
    return urlsplit(url).hostname or ""


def platform_paths(settings: Settings) -> dict[str, str]:
    """Return the path template of each kind of record that the platform can be asked for."""
    found = {kind: getattr(settings, f"platform_{kind}_path") for kind in ASKED}
    return {kind: template for kind, template in found.items() if template is not None}
