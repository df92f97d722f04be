"""Incidents in the store."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId
from tidings.core.incidents.incident import Incident

INCIDENTS_KEPT = 50  # that have ended, of each webhook


class IncidentQuery(msgspec.Struct, frozen=True, array_like=True):
    """A question of incidents, the newest first. Empty fields ask for everything."""

    org: OrgId | None = None  # None: of all orgs
    is_open: bool | None = None
    webhook: int | None = None
    kind: str = ""
    before: int = 1 << 62  # those with a smaller number
    limit: int = 100


class IncidentStore(Protocol):
    """The store of incidents."""

    def put_incidents(self, incidents: Sequence[Incident]) -> Awaitable[None]:
        """Insert incidents, or replace those of their numbers. Of a webhook that the store does not
        have none is kept; of one of which an incident has ended, `INCIDENTS_KEPT` ended ones."""

    def open_incidents(self) -> Awaitable[Sequence[Incident]]:
        """Return all that are open, and those whose end nobody has heard of, by their numbers."""

    def incidents(self, query: IncidentQuery) -> Awaitable[Sequence[Incident]]:
        """Return incidents by a question, the newest first."""

    def incident(self, number: int) -> Awaitable[Incident | None]:
        """Return an incident by its number; None where there is none."""
