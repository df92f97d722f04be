"""Replays and cancels of an org: the list, one of them, and the form that counts first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from tidings.console.visit import Visit
from tidings.core.declaration import declared
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import read
from tidings.core.ids import show as show_id
from tidings.core.replay import JobState, ReplayKind, ReplayTransition, before
from tidings.core.replay_rules import REQUESTS, UNMATCHED
from tidings.errors import Conflict, FieldRefusal, RequestRefused
from tidings.reads.replay import A_REPLAY, ReplayCalls, unknown
from tidings.schema.page_forms import page_form
from tidings.store.port import ReplayJob

AT = "/replays"
PAGE = 25
NEWEST = 1 << 62
COUNT_S = 3.0
STEPS = (ReplayTransition.PAUSE, ReplayTransition.RESUME, ReplayTransition.CANCEL)
IDS_MAX = 200
FINAL = ("failed", "parked", "cancelled", "delivered", UNMATCHED)
UNFINISHED = ("pending", "held", "waiting", "retrying")
# What the page calls a field otherwise.
_NAMES = {
    "eventNames": "types",
    "ratePerSecond": "rate",
    "deliveryIds": "delivery",
    "eventIds": "event",
}
FORMS = {kind: page_form(declared(request), _NAMES) for kind, request in REQUESTS.items()}
# Asked in places of their own, from lists that the page has: webhooks, states.
_PLACES = {"webHookId": "webhook", "toWebHookId": "target"}
_MOMENTS, _IDS = ("missedSince", "from", "to"), ("delivery", "event")
_TEXTS = ("kind", *_PLACES.values())
_TICKS = ("states",)
_DONE = {
    ReplayTransition.PAUSE: "Paused. Deliveries that it has created are still sent.",
    ReplayTransition.RESUME: "It continues where it stopped.",
    ReplayTransition.CANCEL: "Cancelled, along with its unfinished deliveries.",
}


async def show_all(visit: Visit) -> Response:
    """List the jobs of the org, newest first."""
    before_job = visit.request.query_params.get("before", "")
    before_id = read("rpl", before_job) if before_job else NEWEST
    if before_id is None:
        raise unknown("before", A_REPLAY, before_job)
    jobs = await visit.services.store.replays(visit.caller.org, before_id, PAGE + 1)
    return visit.page(
        "replays.html",
        jobs=[_shown(visit, job) for job in jobs[:PAGE]],
        older=show_id("rpl", jobs[PAGE - 1].number) if len(jobs) > PAGE else None,
        first=not before_job,
        stop=visit.services.delivery.stops.of(visit.caller.org),
    )


async def show(visit: Visit) -> Response:
    """Show one job and how far it is; `part=progress` is asked for again and again."""
    job = await _own(visit)
    part = visit.request.query_params.get("part") == "progress"
    return visit.page("parts/replay.html" if part else "replay.html", one=_shown(visit, job))


async def move(visit: Visit) -> Response:
    """Pause it, resume it or cancel it."""
    job = await _own(visit)
    step_text = visit.form.get("step", "")
    step = next((step for step in STEPS if step == step_text), None)
    if step is None:
        return visit.go(f"{AT}/{show_id('rpl', job.number)}")
    try:
        await ReplayCalls(visit.services).moved(visit.caller.org, _id(visit), step)
    except Conflict as refused:
        one = _shown(visit, await _own(visit))
        return visit.page("replay.html", 409, one=one, trouble=refused.refusals[0].message)
    return visit.go(f"{AT}/{_id(visit)}", _DONE[step])


async def show_new(visit: Visit) -> Response:
    """Show the form of a new job; with `step=count` also what the job would do. The address holds
    all of it."""
    query = visit.request.query_params
    texts = _written(query)
    ticks = {name: query.getlist(name)[:10] for name in _TICKS}
    if query.get("step") != "count":
        return _form(visit, texts, ticks)
    try:
        job_request, found = await _looked_up(visit, texts, ticks)
        plan = await ReplayCalls(visit.services).dry_run(job_request, found, COUNT_S)
    except RequestRefused as refused:
        return _form(visit, texts, ticks, refusals=_placed(refused.refusals))
    plan["warnings"] = [warning.message for warning in job_request.warnings]
    plan["unknown"] = found.unknown
    return _form(visit, texts, ticks, plan=plan)


async def start(visit: Visit) -> Response:
    """Start what was counted."""
    texts = _written(visit.form)
    ticks = {name: visit.lists.get(name, [])[:10] for name in _TICKS}
    try:
        job_request, found = await _looked_up(visit, texts, ticks)
        job = await ReplayCalls(visit.services).begin(visit.caller, job_request, found)
    except RequestRefused as refused:
        return _form(visit, texts, ticks, refusals=_placed(refused.refusals))
    if not visit.may("replay:read"):
        return visit.go(f"{AT}/new", "Started.")
    return visit.go(
        f"{AT}/{show_id('rpl', job.number)}", "Started. It counts once more, then continues."
    )


def _written(form: Mapping[str, str]) -> dict[str, str]:
    """Collect the fields of the form, of either kind."""
    asked = FORMS[ReplayKind.REPLAY].written(form, 4096)
    return asked | {name: form.get(name, "")[:4096] for name in _TEXTS}


def _form(
    visit: Visit,
    texts: dict[str, str],
    ticks: dict[str, list[str]],
    *,
    refusals: dict[str, str] | None = None,
    plan: dict[str, Any] | None = None,
) -> Response:
    org = visit.caller.org
    records = [record.webhook for record in visit.services.webhooks.list(org)]
    living = [
        record
        for record in records
        if record.status is not WebhookStatus.DELETED and record.has_target
    ]
    kind = _kind(texts)
    states = FINAL if kind is ReplayKind.REPLAY else UNFINISHED
    return visit.page(
        "replay_new.html",
        400 if refusals else 200,
        kind=kind,
        form=FORMS[kind],
        filled=texts | {name: texts[name] or text for name, text in FORMS[kind].fresh().items()},
        ticks=ticks,
        states=states,
        webhooks=sorted(
            ((webhook.id, webhook.name) for webhook in living), key=lambda one: one[1].lower()
        ),
        types=list(visit.services.events.types.names(org)),
        zone=visit.zone,
        refusals=refusals or {},
        told=plan,
        hidden=[(name, value) for name, value in texts.items() if value]
        + [(name, value) for name, values in ticks.items() for value in values],
        other=urlencode({"kind": "replay" if kind is ReplayKind.CANCEL else "cancel"}),
    )


async def _looked_up(visit: Visit, texts: dict[str, str], ticks: dict[str, list[str]]) -> Any:
    """Return what the form asks for, and what it comes to in the org. Refused."""
    kind, zone = _kind(texts), visit.zone
    body = _body(kind, texts, ticks, zone)
    return await ReplayCalls(visit.services).look_up(visit.caller.org, kind, body)


def _body(
    kind: ReplayKind, form_texts: dict[str, str], ticks: dict[str, list[str]], zone: tzinfo
) -> dict[str, Any]:
    """Build the body of `POST /v1/replays`. What cannot be read is passed on as it came: the
    refusal then names it."""
    texts = form_texts | {name: form_texts[name].replace(",", " ") for name in ("types", *_IDS)}
    texts |= {name: " ".join(texts[name].split()[:IDS_MAX]) for name in _IDS}
    texts |= {name: _time(form_texts[name], zone) for name in _MOMENTS}
    body = FORMS[kind].body(texts, new=True)
    fields = {field: form_texts[name].strip() for field, name in _PLACES.items()}
    if kind is ReplayKind.CANCEL:
        fields.pop("toWebHookId")
    body |= {field: text for field, text in fields.items() if text}
    return body | ({"states": ticks["states"]} if ticks["states"] else {})


def _kind(texts: dict[str, str]) -> ReplayKind:
    return ReplayKind.CANCEL if texts["kind"] == "cancel" else ReplayKind.REPLAY


def _time(text: str, zone: tzinfo) -> str:
    """A time without a zone is one of the org."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=zone).isoformat()


def _placed(refusals: Sequence[FieldRefusal]) -> dict[str, str]:
    named = [
        msgspec.structs.replace(refusal, field=_PLACES.get(refusal.field, refusal.field))
        for refusal in refusals
    ]
    return FORMS[ReplayKind.REPLAY].placed(named, *_PLACES.values(), *_TICKS)


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


async def _own(visit: Visit) -> ReplayJob:
    number = read("rpl", _id(visit))
    job = None
    if number is not None:
        job = await visit.services.store.replay(visit.caller.org, number)
    if job is None:
        raise unknown("id", A_REPLAY, _id(visit))
    return job


def _shown(visit: Visit, job: ReplayJob) -> dict[str, Any]:
    """A job as `/v1` shows it, with what a page needs beside that."""
    name = _names(visit)
    state = JobState(job.state)
    return ReplayCalls(visit.services).shown(job) | {
        "job": job,
        "source": name(job.spec.source),
        "target": name(job.spec.target),
        "final": state.final,
        "done": state.final and job.closed,
        "steps": [step.value for step in STEPS if state in before(step)],
    }


def _names(visit: Visit) -> Callable[[int | None], str]:
    def name(number: int | None) -> str:
        record = None if number is None else visit.services.webhooks.by_number(number)
        return "" if record is None else record.webhook.name

    return name


# Of the address of a new job, which holds all that is asked for.
PARAMETERS = ("step", *_TICKS, *_written({}))
