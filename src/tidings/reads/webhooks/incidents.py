"""Incidents, asked for and shown: those of an org, or of all orgs of this cell."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.ids import OrgId, WebhookId, read, show
from tidings.core.incidents.incident import Incident
from tidings.core.incidents.words import describe_incident
from tidings.core.times import iso
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import NotFound, not_found
from tidings.store import port

PREFIX = "inc"
NEWEST = (1 << 63) - 1


class IncidentParts(Protocol):
    """Services that know incidents."""

    @property
    def store(self) -> port.IncidentStore:
        """Return the store that keeps them."""

    @property
    def webhooks(self) -> Webhooks:
        """Return the webhooks that they are of."""

    @property
    def delivery(self) -> DeliveryServices:
        """Return the services that follow them."""


class IncidentQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question of incidents, the newest first. Empty fields ask for everything."""

    org: OrgId | None = None  # None: of all orgs
    webhook: str = ""
    kind: str = ""
    state: str = ""  # open or ended
    before: int = NEWEST
    limit: int


async def find_incidents(parts: IncidentParts, question: IncidentQuestion) -> list[dict[str, Any]]:
    """Find incidents of this cell, as they are shown. StoreDown."""
    number: int | None = None
    if question.webhook:
        number = parts.webhooks.number_anywhere(WebhookId(question.webhook))
        if number is None:
            return []
    is_open = {"open": True, "ended": False}.get(question.state)
    query = port.IncidentQuery(
        org=question.org,
        is_open=is_open,
        webhook=number,
        kind=question.kind,
        before=question.before,
        limit=question.limit,
    )
    found = await _look_up(parts, query)
    return [show_incident(parts, incident) for incident in found]


async def _look_up(parts: IncidentParts, query: port.IncidentQuery) -> list[Incident]:
    """Return the incidents of a question as they are now: some are not written yet, of others the
    store has what they were."""
    tracker = parts.delivery.incidents
    unwritten = {
        number: incident
        for number, incident in tracker.unwritten().items()
        if _is_asked_for(incident, query)
    }
    # So many rows may be none of the answer any more.
    changed = sum(query.is_open not in (None, known.is_open) for known in unwritten.values())
    rows = await parts.store.incidents(msgspec.structs.replace(query, limit=query.limit + changed))
    known = {row.number: row for row in rows} | unwritten
    found = [tracker.newest(known[number]) for number in sorted(known, reverse=True)]
    return [incident for incident in found if query.is_open in (None, incident.is_open)][
        : query.limit
    ]


def _is_asked_for(incident: Incident, query: port.IncidentQuery) -> bool:
    """Return whether a question asks for an incident, were it open or ended."""
    return (
        incident.number < query.before
        and query.org in (None, incident.org)
        and query.webhook in (None, incident.webhook)
        and query.kind in ("", incident.kind)
    )


async def find_incident(parts: IncidentParts, org: OrgId | None, shown_id: str) -> Incident | None:
    """Find an incident of an org, or, without one, of any org of this cell; None where there is
    none. StoreDown."""
    if (number := read(PREFIX, shown_id)) is None:
        return None
    tracker = parts.delivery.incidents
    known = tracker.unwritten().get(number) or await parts.store.incident(number)
    if known is None or (org is not None and known.org != org):
        return None
    return tracker.newest(known)


def unknown_incident(shown_id: str) -> NotFound:
    """Build the error for an id that leads nowhere."""
    return not_found("id", "the id of an incident of this org, as inc_…", shown_id)


def show_incident(parts: IncidentParts, incident: Incident) -> dict[str, Any]:
    """Show an incident as the API answers it."""
    record = parts.webhooks.by_number(incident.webhook)
    return {
        "id": show(PREFIX, incident.number),
        "orgId": incident.org,
        "webHookId": None if record is None else record.webhook.id,
        "webHookName": None if record is None else record.webhook.name,
        "kind": incident.kind,
        "state": "open" if incident.is_open else "ended",
        "sentence": describe_incident(incident),
        "cause": incident.cause or None,
        "previousCause": incident.previous_cause or None,
        "causeChangedAt": iso(incident.cause_changed_ms),
        "since": iso(incident.since_ms),
        "openedAt": iso(incident.opened_ms),
        "waiting": incident.waiting,
        "grew": incident.grew,
        "grewAt": iso(incident.grew_ms),
        "acknowledged": show_acknowledged(
            incident.acknowledged_ms, incident.acknowledged_by, incident.note
        ),
        "endedAt": iso(incident.ended_ms),
        "endReason": incident.end_reason or None,
    }


def show_acknowledged(at_ms: int | None, by: str, note: str) -> dict[str, Any] | None:
    """Show who has acknowledged an incident; None where nobody has."""
    return None if at_ms is None else {"by": by, "at": iso(at_ms), "note": note}


def show_open(incidents: Sequence[Incident]) -> dict[str, Any] | None:
    """Show the open incident of a webhook in short, the worst where there are several; None where
    there is none."""
    if not incidents:
        return None
    worst = incidents[0]
    return {
        "id": show(PREFIX, worst.number),
        "kind": worst.kind,
        "since": iso(worst.since_ms),
        "acknowledgedAt": iso(worst.acknowledged_ms),
    }
