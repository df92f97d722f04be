"""Incidents over all cells: found, shown and acknowledged where the org of each lives."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidings.api.answers import refused
from tidings.api.cells.question import CellQuestion, ask_every_cell
from tidings.api.context import Services
from tidings.core.audit.actor import Actor
from tidings.core.cells.families import CellId
from tidings.core.ids import OrgId
from tidings.engine.audit.current_actor import acting_as, current_actor
from tidings.reads.webhooks.incidents import (
    IncidentQuestion,
    find_incident,
    find_incidents,
    show_incident,
    unknown_incident,
)

ORDER_S = 30.0
RETRY_S = "5"


class OneIncident(msgspec.Struct, frozen=True):
    """Ask a cell for an incident by its id."""

    id: str


class AcknowledgeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Have an incident acknowledged by whoever has it."""

    id: str
    note: str
    by: str
    actor: Actor  # who asks, for the audit log


class FoundIncidents(msgspec.Struct, frozen=True):
    """Hold the incidents that a cell has, as they are shown."""

    incidents: list[dict[str, Any]]


async def _find_all(services: Services, asked: IncidentQuestion) -> FoundIncidents:
    return FoundIncidents(await find_incidents(services, asked))


async def _find_one(services: Services, asked: OneIncident) -> FoundIncidents:
    found = await find_incident(services, None, asked.id)
    return FoundIncidents([] if found is None else [show_incident(services, found)])


async def _acknowledge(services: Services, order: AcknowledgeOrder) -> FoundIncidents:
    with acting_as(order.actor):
        shown = await acknowledge_own(services, None, order.id, order.by, order.note)
    return FoundIncidents([] if shown is None else [shown])


INCIDENTS = CellQuestion(
    name="incidents", asks=IncidentQuestion, finds=FoundIncidents, answer=_find_all
)
INCIDENT = CellQuestion(name="incident", asks=OneIncident, finds=FoundIncidents, answer=_find_one)
ACKNOWLEDGE = CellQuestion(
    name="acknowledge-incident",
    asks=AcknowledgeOrder,
    finds=FoundIncidents,
    answer=_acknowledge,
    answer_s=ORDER_S,
)


async def acknowledge_own(
    services: Services, org: OrgId | None, shown_id: str, by: str, note: str
) -> dict[str, Any] | None:
    """Acknowledge an incident of an org, or, without one, of any org of this cell. Return it as it
    is shown then; None where there is none. StoreDown: nothing has changed."""
    found = await find_incident(services, org, shown_id)
    if found is None:
        return None
    return show_incident(services, await services.delivery.incidents.acknowledge(found, by, note))


async def list_all_incidents(
    services: Services, question: IncidentQuestion
) -> tuple[list[dict[str, Any]], Sequence[CellId]]:
    """List incidents of all orgs of all cells, the newest first; beside them the cells that have
    not answered."""
    gathered = await ask_every_cell(services, INCIDENTS, question)
    found = [shown for part in gathered.by_cell.values() for shown in part.incidents]
    found.sort(key=lambda shown: str(shown["id"]), reverse=True)  # ids sort as their numbers
    return found[: question.limit], gathered.missing


async def find_anywhere(services: Services, shown_id: str) -> dict[str, Any]:
    """Find an incident in whatever cell it is. Raise NotFound; answer 503 where a cell that
    may have it has not answered."""
    gathered = await ask_every_cell(services, INCIDENT, OneIncident(shown_id))
    return _only([*gathered.by_cell.values()], gathered.missing, shown_id)


async def acknowledge_anywhere(
    services: Services, shown_id: str, by: str, note: str
) -> dict[str, Any]:
    """Acknowledge an incident in whatever cell it is. Raise as `find_anywhere`."""
    order = AcknowledgeOrder(id=shown_id, note=note, by=by, actor=current_actor())
    gathered = await ask_every_cell(services, ACKNOWLEDGE, order)
    return _only([*gathered.by_cell.values()], gathered.missing, shown_id)


def _only(
    parts: Sequence[FoundIncidents], missing: Sequence[CellId], shown_id: str
) -> dict[str, Any]:
    for part in parts:
        for shown in part.incidents:
            return shown
    if missing:
        cells = ", ".join(str(cell) for cell in missing)
        raise refused(
            503,
            "cell_away",
            f"Every cell must answer before an incident can be called unknown; got no answer from "
            f"{cells}. Try again in a moment.",
            retry_after=RETRY_S,
        )
    raise unknown_incident(shown_id)
