"""What fails over all cells, as one page of groups; and what is done with those it names."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from tidings.api.cells.question import CellQuestion, ask_every_cell
from tidings.api.context import Services
from tidings.core.audit.actor import Actor
from tidings.core.cells.families import CellId
from tidings.core.delivery.receivers.problem_groups import (
    GroupBounds,
    Problems,
    merge_problems,
)
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.engine.audit.current_actor import acting_as, current_actor
from tidings.engine.webhooks.faults import UnknownWebhook, WebhookMoved
from tidings.engine.webhooks.judgements import COUNTED
from tidings.engine.webhooks.records import Author
from tidings.errors import RequestRefused
from tidings.reads.webhooks.failing import find_problems
from tidings.store.port import FamilyAway, StoreDown, StoreUnanswered

BulkVerb = Literal["acknowledge", "drain", "pause", "disable"]
NAMED_MAX = 200  # webhooks of one order
ORDER_S = 30.0
CHANGED = "It has been changed since it was shown. Nothing was done with it; look at it again."
NO_INCIDENT = "No incident of it is open yet. Nothing was done with it; try again in a few seconds."
RECOVERED = "It does not fail any more. Nothing was done with it."
GONE = "It was deleted, or its org is being moved. Nothing was done with it."
UNKNOWN = "Its cell has not answered: whether it was done is not known. Look at it again."
AWAY = "The store cannot accept writes at the moment. Nothing was done with it. Try again."


class FailingAsked(msgspec.Struct, frozen=True):
    """Ask a cell for what fails in it."""


class NamedWebhook(msgspec.Struct, frozen=True):
    """A webhook as somebody was shown it."""

    org: OrgId
    id: WebhookId
    version: int


class BulkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Have the same done with some failing webhooks, each as it was shown."""

    verb: BulkVerb
    named: list[NamedWebhook]
    by: Author
    actor: Actor  # who asks, for the audit log
    note: str = ""  # of an acknowledgement


class BulkOutcome(msgspec.Struct, frozen=True):
    """Hold what came of it for one webhook; `why` it was not done is a sentence, empty where it
    was."""

    org: OrgId
    id: WebhookId
    why: str = ""


class BulkOutcomes(msgspec.Struct, frozen=True):
    """Hold the outcomes of those webhooks that this cell has."""

    outcomes: list[BulkOutcome]


async def _find(services: Services, asked: FailingAsked) -> Problems:
    return await find_problems(services, None)


async def _carry_out(services: Services, order: BulkOrder) -> BulkOutcomes:
    own = [named for named in order.named[:NAMED_MAX] if services.orgs.get(named.org) is not None]
    with acting_as(order.actor):
        return BulkOutcomes(
            [
                BulkOutcome(named.org, named.id, await _change(services, order, named))
                for named in own
            ]
        )


async def _change(services: Services, order: BulkOrder, named: NamedWebhook) -> str:
    """Do it with one webhook; why not, in a sentence."""
    webhooks = services.webhooks
    try:
        record = webhooks.get(named.org, named.id)
        if record.webhook.status is WebhookStatus.DELETED:
            return GONE
        if record.webhook.version != named.version:
            return CHANGED
        if services.delivery.judgements.of(record.webhook).condition not in COUNTED:
            return RECOVERED
        if order.verb == "acknowledge":
            return await _acknowledge(services, order, record.webhook.number)
        if order.verb == "drain":
            await services.delivery.drains.begin(record.webhook, order.actor.id)
        else:
            expect = [named.version]
            await webhooks.change_status(named.org, named.id, order.verb, order.by, expect)
    except WebhookMoved:
        return CHANGED
    except (UnknownWebhook, FamilyAway):
        return GONE
    except (StoreDown, StoreUnanswered):
        return AWAY
    except RequestRefused as refused:
        return refused.refusals[0].message
    return ""


async def _acknowledge(services: Services, order: BulkOrder, webhook: int) -> str:
    """Acknowledge the open incidents of a webhook; why not, in a sentence."""
    tracker = services.delivery.incidents
    known = tracker.of(webhook)
    for incident in known:
        await tracker.acknowledge(incident, order.actor.id, order.note)
    return "" if known else NO_INCIDENT


FAILING = CellQuestion(name="failing", asks=FailingAsked, finds=Problems, answer=_find)
BULK = CellQuestion(
    name="bulk-order",
    asks=BulkOrder,
    finds=BulkOutcomes,
    answer=_carry_out,
    answer_s=ORDER_S,
)


async def find_all_problems(
    services: Services, bounds: GroupBounds
) -> tuple[Problems, Sequence[CellId]]:
    """Find what fails over all orgs of all cells; beside it the cells that have not answered."""
    gathered = await ask_every_cell(services, FAILING, FailingAsked())
    found = merge_problems(gathered.by_cell.values(), services.clock.now_ms(), bounds)
    return found, gathered.missing


async def carry_out(
    services: Services,
    verb: BulkVerb,
    named: Sequence[NamedWebhook],
    by: Author,
    note: str = "",
) -> list[BulkOutcome]:
    """Do the same with some webhooks, at most `NAMED_MAX`, in whatever cells they are; `note`: of
    an acknowledgement. Return what came of each, in their order."""
    order = BulkOrder(verb=verb, named=[*named], by=by, actor=current_actor(), note=note)
    gathered = await ask_every_cell(services, BULK, order)
    done = {
        (outcome.org, outcome.id): outcome
        for found in gathered.by_cell.values()
        for outcome in found.outcomes
    }
    otherwise = UNKNOWN if gathered.missing else GONE
    return [
        done.get((webhook.org, webhook.id)) or BulkOutcome(webhook.org, webhook.id, otherwise)
        for webhook in named
    ]
