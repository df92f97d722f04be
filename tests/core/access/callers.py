"""Callers for tests, by their org and the name of their credential."""

from tidings.core.events.call_reader import Caller
from tidings.core.ids import OrgId


def caller_of(org: int, credential: str, *, platform: bool = False) -> Caller:
    """A caller whose credential was verified."""
    return Caller(OrgId(org), platform, credential)
