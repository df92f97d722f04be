"""Callers for tests, by their org and the name of their credential."""

from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId


def caller_of(org: int, credential: str, *, platform: bool = False) -> AuthenticatedCaller:
    """A caller whose credential was verified."""
    return AuthenticatedCaller(OrgId(org), platform, credential)
