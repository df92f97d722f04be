"""Many deliveries at once: what a replay or a cancel would do, said with a count, then done."""

from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response

from tidings.console.pages.events import log_filters
from tidings.console.pages.replays import FORMS
from tidings.console.visit import Visit
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import read_delivery, show
from tidings.core.replay import ReplayKind
from tidings.core.replay_rules import ReplayRequest
from tidings.engine.replay.requests import ResolvedRequest
from tidings.errors import FieldRefusal, Invalid, RequestRefused
from tidings.reads.filters import ATTRIBUTES, DELIVERIES
from tidings.reads.replay import ReplayCalls

WEBHOOKS_MAX = 10  # that one question counts for
SELECTED_MAX = 200
COUNT_S = 3.0
# What of a list's question a replay and a cancel can be asked for (`_narrowed`).
NARROWS = frozenset(
    ("values", "event_names", "webhook_ids", "states", "event_id", "from_ms", "to_ms")
)
FORM = FORMS[ReplayKind.REPLAY]
Bodies = list[dict[str, Any]]


class BulkPart(msgspec.Struct, frozen=True):
    """The effect on one webhook, or, of a cancel, on all."""

    webhook: str  # its id; empty for all
    name: str
    sentence: str
    makes: int
    skipped: int
    exact: bool


async def ask(visit: Visit) -> Response:
    """Say what it would do; with `step=start` do it."""
    what, _, scope = visit.form.get("do", "").partition(" ")
    calls = ReplayCalls(visit.services)
    kind = ReplayKind.CANCEL if what == "cancel" else ReplayKind.REPLAY
    written = FORM.written(visit.form, 40)
    refusals: list[str] = []
    parts: list[BulkPart] = []
    try:
        bodies = await _bodies(visit, kind, scope == "all")
        wanted = [await calls.look_up(visit.caller.org, kind, body) for body in bodies]
        if visit.form.get("step") == "start" and wanted:
            return await _start(visit, kind, wanted)
        parts = [
            await _part(visit, job_request, found, COUNT_S / len(wanted))
            for job_request, found in wanted
        ]
    except RequestRefused as refused:
        refusals = [refusal.message for refusal in refused.refusals]
    return visit.page(
        "many.html",
        400 if refusals else 200,
        kind=kind,
        do=f"{kind} {scope}",
        all=scope == "all",
        parts=parts,
        makes=sum(part.makes for part in parts),
        refusals=refusals,
        ids=visit.lists.get("id", [])[:SELECTED_MAX],
        search=visit.form.get("query", "")[:4096],
        asks=[FORM[name] for name in ("rate", "again")],
        filled=FORM.fresh() | {name: text for name, text in written.items() if text},
    )


async def _start(
    visit: Visit, kind: ReplayKind, wanted: list[tuple[ReplayRequest, ResolvedRequest]]
) -> Response:
    calls = ReplayCalls(visit.services)
    jobs = [await calls.begin(visit.caller, job_request, found) for job_request, found in wanted]
    message = "Started. It counts once more, then continues."
    if len(jobs) == 1 and visit.may("replay:read"):
        return visit.go(f"/replays/{show('rpl', jobs[0].number)}", message)
    return visit.go("/replays", message)


async def _part(
    visit: Visit, job_request: ReplayRequest, found: ResolvedRequest, for_s: float
) -> BulkPart:
    plan = await ReplayCalls(visit.services).dry_run(job_request, found, for_s)
    webhook, name = job_request.webhook_id or "", "" if found.target is None else found.target.name
    makes = plan["matched"] - plan["skipped"]
    return BulkPart(
        webhook=webhook,
        name=name,
        sentence=plan["sentence"],
        makes=makes,
        skipped=plan["skipped"],
        exact=plan["exact"],
    )


async def _bodies(visit: Visit, kind: ReplayKind, everything: bool) -> Bodies:
    """Build the bodies of `POST /v1/replays`, one for each webhook. Refused."""
    common = _common(visit, kind)
    if not everything:
        return await _selected(visit, kind, common)
    services, org = visit.services, visit.caller.org
    query = QueryParams(visit.form.get("query", "")[:4096])
    filters = log_filters.read(visit, DELIVERIES, query)
    if filters.question is None:
        raise _refused(*filters.refusals.values())
    body = common | _narrowed(filters, kind, "again" in common)
    chosen = list(filters.question.webhook_ids)
    if kind is ReplayKind.CANCEL:
        return [body | {"webHookId": webhook_id} for webhook_id in chosen] if chosen else [body]
    alive = [record.webhook for record in services.webhooks.list(org)]
    chosen = chosen or [
        webhook.id
        for webhook in alive
        if webhook.status is not WebhookStatus.DELETED and webhook.has_target
    ]
    counted = visit.lists.get("counted")  # those for which the page before had something to do
    if counted and visit.form.get("step") == "start":
        chosen = [webhook_id for webhook_id in chosen if webhook_id in counted]
    if not 0 < len(chosen) <= WEBHOOKS_MAX:
        raise _refused(
            f"A replay must cover 1 to {WEBHOOKS_MAX} webhooks at once; this one would cover "
            f"{len(chosen)}. Choose one in the filters first."
        )
    return [body | {"webHookId": webhook_id} for webhook_id in chosen]


def _common(visit: Visit, kind: ReplayKind) -> dict[str, Any]:
    if kind is ReplayKind.CANCEL:
        return {}
    texts = FORM.written(visit.form, 40)
    return FORM.body({name: texts[name] for name in ("rate", "again")}, new=True)


async def _selected(visit: Visit, kind: ReplayKind, common: dict[str, Any]) -> Bodies:
    """Build the bodies of those that were ticked, by webhook."""
    ids = visit.lists.get("id", [])[:SELECTED_MAX]
    numbers = [number for delivery_id in ids if (number := read_delivery(delivery_id)) is not None]
    store, org = visit.services.store, visit.caller.org
    listed = await store.listed_deliveries(org, numbers) if numbers else ()
    if not listed:
        raise _refused("At least one delivery must be chosen; none is. Tick some in the list.")
    body = common | {"deliveryIds": ids}
    if kind is ReplayKind.CANCEL:
        return [body]
    records = [
        visit.services.webhooks.by_number(number)
        for number in {delivery.webhook for delivery in listed}
    ]
    named = sorted(record.webhook.id for record in records if record is not None)
    if len(named) > WEBHOOKS_MAX:
        raise _refused(
            f"They must belong to at most {WEBHOOKS_MAX} webhooks at once; they belong to "
            f"{len(named)}. Choose fewer at a time."
        )
    return [body | {"webHookId": webhook_id} for webhook_id in named]


def _narrowed(filters: log_filters.Filters, kind: ReplayKind, again: bool) -> dict[str, Any]:
    """The filters of the list in the words of a replay. Refused where it has none for them."""
    question = filters.question
    assert question is not None
    for parameter in filters.asked:
        if filters.shown[parameter.field.page] and ATTRIBUTES[parameter] not in NARROWS:
            raise _refused(
                f'Bulk actions cannot be filtered by "{parameter.field.label}"; the filters '
                "have it. Remove it, or tick deliveries in the list."
            )
    if len(question.values) > 1:
        raise _refused(
            f"The search must use one value; the filters have {len(question.values)}. Keep one of "
            "value, customer, bill, card and request id."
        )
    body: dict[str, Any] = {
        "eventNames": list(question.event_names),
        "from": question.from_ms,
        "to": question.to_ms,
        "search": question.values[0] if question.values else None,
        "eventIds": [question.event_id] if question.event_id else None,
        "states": _states(question.states, kind, again),
    }
    return {name: value for name, value in body.items() if value not in (None, [])}


def _states(states: tuple[int, ...], kind: ReplayKind, again: bool) -> list[str] | None:
    """Of the states that are filtered by, those that the deed is about; None for its usual ones."""
    if not states:
        return None
    final = kind is ReplayKind.REPLAY
    fitting = [State(state) for state in states if State(state).final == final]
    if final and not again:
        fitting = [state for state in fitting if state is not State.DELIVERED]
    if fitting:
        return [state.word for state in fitting]
    if final and State.DELIVERED in states:
        raise _refused(
            'Delivered events are replayed only if "also delivered events" is ticked; it is '
            "not. Tick it to send them once more."
        )
    raise _refused(
        "A replay covers finished deliveries, and the filters ask for unfinished ones, which are "
        "sent anyway. Choose failed or parked."
        if final
        else "A cancel covers unfinished deliveries, and the filters ask for finished ones. Choose "
        "pending, held, waiting or retrying."
    )


def _refused(*sentences: str) -> Invalid:
    return Invalid(*(FieldRefusal("not_so", sentence, "") for sentence in sentences))
