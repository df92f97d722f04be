"""A source is made or changed: the form, and a dry run of it on a sample.

Nothing is kept before it is saved. The dry run takes the fields as they stand, so that a mapping
can be seen at work while it is still a form.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from tidings.console.json_view import body_of as body_view
from tidings.console.pages.sources import form as source_form
from tidings.console.pages.sources.form import (
    SAMPLE_BODY,
    SAMPLE_HEADERS,
    SCHEME,
    SourceFormState,
    body_of,
)
from tidings.console.pages.sources.sources import own
from tidings.console.visit import Visit
from tidings.core.sources.source import NAMED, Source
from tidings.core.sources.source_types import KINDS, WEBHOOK
from tidings.core.webhooks.masks import looks_masked
from tidings.engine.sources.live_source import LiveSource
from tidings.errors import Conflict, FieldRefusal, Invalid, RequestRefused
from tidings.reads.sources import try_message
from tidings.schema.forms import choices

EVENTS_SHOWN = 20  # of a message that becomes many
SAMPLE_BYTES_MAX = 100_000  # of a message set aside that fits into a form
_FILLED = {"name": "sample"}  # what a dry run does not depend on
Refusals = Sequence[FieldRefusal]


async def show_new(visit: Visit) -> Response:
    """Show an empty form of the type that the address names."""
    return _form(visit, source_form.fresh(_kind(visit.request.query_params.get("type", ""))))


async def create(visit: Visit) -> Response:
    """Make it."""
    shown = source_form.of_form(visit.form, _kind(visit.form.get("type", "")))
    body, wrong = body_of(shown, new=True)
    try:
        if wrong:
            raise Invalid(*_all(visit, body, wrong, None))
        live = await visit.services.sources.sources.create(visit.caller, body)
    except (Invalid, Conflict) as refused:
        return _form(visit, shown, refusals=refused.refusals)
    message = (
        "was created. Give its address to the sender." if shown.kind == WEBHOOK else "was created."
    )
    return visit.go(f"/sources/{live.id}", f"{live.source.name} {message}")


async def show_edit(visit: Visit) -> Response:
    """Show the form of a source that is there, with a message that it has set aside as the sample
    where the address names one."""
    live = own(visit)
    shown = source_form.of_source(live.source)
    note = ""
    if wanted := visit.request.query_params.get("sample"):
        message = await visit.services.sources.sources.dead_letter(live, wanted)
        lines = [f"{name}: {value}" for name, value in message.headers]
        shown.texts[SAMPLE_HEADERS] = "\n".join(lines)
        try:
            text = message.body.decode()
        except UnicodeDecodeError:
            note = "The body of the message is not text: write a similar one."
        else:
            if len(message.body) > SAMPLE_BYTES_MAX:
                note = "The body of the message is too long for a form: write a similar one."
            else:
                shown.texts[SAMPLE_BODY] = text
    return _form(visit, shown, live=live, note=note)


async def update(visit: Visit) -> Response:
    """Keep what was changed."""
    live = own(visit)
    shown = _filled(visit, live)
    body, wrong = body_of(shown, new=False)
    try:
        if wrong:
            raise Invalid(*_all(visit, body, wrong, live))
        await visit.services.sources.sources.change(visit.caller, live.id, body)
    except (Invalid, Conflict) as refused:
        return _form(visit, shown, live=live, refusals=refused.refusals)
    message = "Saved; takes effect with the next message."
    if live.dead_letters:
        message += " Messages set aside wait until you try them again."
    return visit.go(f"/sources/{live.id}", message)


async def try_new(visit: Visit) -> Response:
    """Show what the source of the form would make of the sample. Nothing is made or accepted."""
    shown = source_form.of_form(visit.form, _kind(visit.form.get("type", "")))
    return await _try(visit, shown, None)


async def try_changed(visit: Visit) -> Response:
    """Try the sample with the changes that the form makes to a source that is there."""
    live = own(visit)
    return await _try(visit, _filled(visit, live), live)


async def _try(visit: Visit, shown: SourceFormState, live: LiveSource | None) -> Response:
    tried, refusals = await _tried(visit, shown, live)
    if visit.partial:
        return visit.page("parts/source_tried.html", tried=tried)
    return _form(visit, shown, live=live, refusals=refusals, tried=tried)


async def _tried(
    visit: Visit, shown: SourceFormState, live: LiveSource | None
) -> tuple[dict[str, Any], Refusals]:
    """Try the sample: what it would become, and what keeps the fields from saying it."""
    sources, memory = visit.services.sources.sources, visit.services.web.answer_memory
    body, wrong = body_of(shown, new=live is None)
    if live is None:
        body["name"] = _FILLED["name"]
    message, bad_line = source_form.sample_of(shown)
    if bad_line:
        return {"refusals": [bad_line]}, ()
    old = None if live is None else live.source
    try:
        if wrong:
            raise Invalid(*_all(visit, body, wrong, live))
        source, unproved = _source(visit, body, old)
        now_ms = visit.services.clock.now_ms()
        trial = await try_message(memory, sources, visit.caller, live, source, message, now_ms)
    except (Invalid, Conflict) as refused:
        return {"refusals": [refusal.message for refusal in refused.refusals]}, refused.refusals
    except RequestRefused as refused:
        return {"refusals": [refused.reason.message]}, ()
    shown_events, rest = trial["events"][:EVENTS_SHOWN], trial["events"][EVENTS_SHOWN:]
    for event in shown_events:
        event["body"] = None if event["event"] is None else body_view(bytes(event["event"]))
    faulty = sum(event["error"] is not None for event in rest)
    more = {"accepted": len(rest) - faulty, "aside": faulty} if rest else None
    masks = any(looks_masked(value) for _, value in message.headers)
    sender = source.verification is not None
    trial |= {"events": shown_events, "more": more, "count": len(shown_events) + len(rest)}
    return trial | {"refusals": [], "sender": sender, "unproved": unproved, "masks": masks}, ()


def _source(visit: Visit, body: dict[str, Any], old: Source | None) -> tuple[Source, str]:
    """The source that the fields say. Where only its sender cannot be known yet, the rest is tried
    all the same: then with why, and with proof that nobody has."""
    sources = visit.services.sources.sources
    try:
        return sources.checked(visit.caller, body, old), ""
    except Invalid as refused:
        if any(not refusal.field.startswith(SCHEME) for refusal in refused.refusals):
            raise
        nobody = {"type": "header", "header": "X-Nobody", "value": secrets.token_hex(16)}
        message = " ".join(refusal.message for refusal in refused.refusals)
        return sources.checked(visit.caller, body | {SCHEME: nobody}, old), message


def _filled(visit: Visit, live: LiveSource) -> SourceFormState:
    shown = source_form.of_form(visit.form, live.source.kind)
    shown.texts["name"] = live.source.name
    return shown


def _kind(kind: str) -> str:
    return kind if kind in KINDS else WEBHOOK


def _connections(visit: Visit, kind: str) -> list[tuple[str, str]]:
    """The connections of a type that the visitor may name, as a choice."""
    caller = visit.caller
    return [
        (name, name)
        for name, connection in sorted(visit.services.sources.sources.connections.items())
        if connection.kind == kind
        and connection.may_be_named_by(caller.org, platform=caller.platform)
    ]


def _all(
    visit: Visit, body: dict[str, Any], wrong: list[FieldRefusal], live: LiveSource | None
) -> list[FieldRefusal]:
    """List what the page could not read with what is wrong with the rest, so that all is told at
    once."""
    fields = {refusal.field for refusal in wrong}
    try:
        visit.services.sources.sources.checked(
            visit.caller, body, None if live is None else live.source
        )
    except Invalid as refused:
        return wrong + [refusal for refusal in refused.refusals if refusal.field not in fields]
    return wrong


def _form(
    visit: Visit,
    shown: SourceFormState,
    *,
    live: LiveSource | None = None,
    refusals: Refusals = (),
    tried: dict[str, Any] | None = None,
    note: str = "",
) -> Response:
    new = live is None
    return visit.page(
        "source_form.html",
        400 if refusals else 200,
        live=live,
        shown=shown,
        refusals=source_form.placed(refusals, shown),
        tried=tried,
        note=note,
        rules=source_form,
        kinds=[(kind, source_form.kind_label(kind)) for kind in KINDS],
        verified=shown.kind == WEBHOOK,
        extras=source_form.extras(shown.kind, new=new),
        choices=choices,
        connections=_connections(visit, shown.kind),
        asks_orgs=visit.caller.platform or shown.texts["orgs"] == NAMED,
        at="/sources/new" if live is None else f"/sources/{live.id}/edit",
        try_at="/sources/try" if live is None else f"/sources/{live.id}/try",
    )
