"""The actions of an org: how they do, what each does, and what came of its latest runs."""

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.console.json_view import body_of
from tidings.console.pages.webhooks.summary import WebhookSummary, bars, summaries
from tidings.console.pages.webhooks.webhooks import VERBS, sayable
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.core.ids import show as show_id
from tidings.engine.webhooks.records import WebhookState
from tidings.reads.actions.views import (
    ActionView,
    action_records,
    action_views,
    own_action,
    show_row,
    show_whole,
    warnings_of,
)
from tidings.reads.delivery.delivery_view import advice_for, all_attempts
from tidings.reads.delivery.next_attempts import look
from tidings.reads.events.log_pages import newest_first
from tidings.store.port import DeliveryQuery, StoredDelivery

AT = "/actions"
SHOWN = 12  # of the latest runs
NEXT_SHOWN = 8  # of those that come
# Which runs are shown, by the word in the address: its label, and their states.
WHICH: dict[str, tuple[str, tuple[State, ...]]] = {
    "all": ("All", ()),
    "waiting": ("Waiting", (State.PENDING, State.HELD, State.WAITING, State.RETRYING)),
    "failed": ("Failed", (State.FAILED, State.PARKED)),
    "not-done": ("Skipped, with a reason", (State.CANCELLED,)),
    "done": ("Done", (State.DELIVERED,)),
}
AGAIN = (State.FAILED, State.PARKED, State.CANCELLED)


async def show_all(visit: Visit) -> Response:
    """List the actions by name; what is wrong stands first."""
    services, org = visit.services, visit.caller.org
    records = action_records(services, org)
    views, totals = await asyncio.gather(
        action_views(services, records), summaries(services, records)
    )
    rows = [_row(view, summary) for view, summary in zip(views, totals, strict=True)]
    return visit.page(
        "actions.html",
        rows=rows,
        wanting=[row for row in rows if row["attention"]],
        waiting=sum(row["waiting"] for row in rows),
        warnings=warnings_of(services, org),
        bars=bars,
    )


async def show(visit: Visit) -> Response:
    """Show one action: how it does, what its file says of it, and its latest runs with their
    reasons."""
    services = visit.services
    view = await own_action(services, visit.caller.org, str(visit.request.path_params["name"]))
    record = view.record
    (summary,) = await summaries(services, [record])
    wanted = visit.request.query_params.get("runs", "all")
    wanted = wanted if wanted in WHICH else "all"
    query = DeliveryQuery((record.webhook.number,), WHICH[wanted][1])
    page = await newest_first(services.store, [query], None, SHOWN)
    due = await services.store.next_due(record.webhook.number, NEXT_SHOWN)
    return visit.page(
        "action.html",
        one=_row(view, summary),
        further=_further(view, summary),
        record=record,
        webhook=record.webhook,
        whole=show_whole(services, view),
        laid_out=laid_out,
        runs=await asyncio.gather(*(_run(visit, row, record) for row in page.rows)),
        next_runs=await asyncio.gather(*(_run(visit, row, record) for row in due)),
        which=WHICH,
        wanted=wanted,
        verbs=[(verb, VERBS[verb][0]) for verb in VERBS if sayable(verb, record.webhook.status)],
    )


def _further(view: ActionView, summary: WebhookSummary) -> list[str]:
    """List what ails it beside what the sentence about its health says."""
    if summary.failing or summary.held or not summary.record.webhook.sends:
        return list(view.troubles[1:])
    return [trouble for trouble in view.troubles if trouble not in summary.stuck]


def _row(view: ActionView, summary: WebhookSummary) -> dict[str, Any]:
    return show_row(view) | {
        "at": f"{AT}/{view.name}",
        "summary": summary,
        "attention": bool(view.troubles) or summary.standing.value == "paused",
        "word": summary.word,
    }


async def _run(visit: Visit, row: StoredDelivery, record: WebhookState) -> dict[str, Any]:
    """One run in the list, with why it stands where it stands."""
    seen, kept = await look(visit.services, row, record)
    attempts = all_attempts(seen.row, kept, seen.next_attempt.begun)
    advice = advice_for(
        seen.row,
        attempts,
        record,
        visit.services.clock.now_ms(),
        visit.zone,
        seen.next_attempt,
    )
    state = State(seen.row.state)
    return {
        "row": seen.row,
        "at": f"/deliveries/{show_id('dlv', row.id)}",
        "next_ms": seen.next_ms,
        "said": advice or ("It was done." if state is State.DELIVERED else ""),
        "again": state in AGAIN and record.webhook.sends,
    }


def laid_out(value: object) -> str:
    """Write a value as JSON laid out for people."""
    return "\n".join(line.text for line in body_of(msgspec.json.encode(value)).lines)
