"""A webhook is made, copied or changed: the form and its preview.

Nothing is kept before it is saved. The preview takes the fields as they stand, so that the payload
can be seen while the webhook is still a form.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from tidings.catalogue.uses import USE_OF
from tidings.console.json_view import lay_out
from tidings.console.pages.webhooks import drained, filter_builder, type_form
from tidings.console.pages.webhooks import form as webhook_form
from tidings.console.pages.webhooks.form import WebhookFormState, body_of, placed
from tidings.console.pages.webhooks.type_choices import (
    connections_for,
    offer_samples,
    offer_types,
    webhook_types_for,
)
from tidings.console.pages.webhooks.verify_lines import LANGUAGES
from tidings.console.schema_tree import schema_tree
from tidings.console.visit import SEES_EVENTS, Visit
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, EventNumber, WebhookId
from tidings.core.shaping.neo_rules import NEO, SEND_WHOLE, unknown_flow, warn_of_unknown_flow
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.name_matching import stored_name_of_type
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import FIELDS, HTTP, KINDS
from tidings.engine.webhooks.records import WebhookState, author
from tidings.engine.webhooks.webhooks import KeyReused, UnknownWebhook, WebhookMoved
from tidings.errors import Conflict, FieldRefusal, Invalid, not_found
from tidings.reads.webhooks.preview import BYTES_MAX, try_event
from tidings.reads.webhooks.trials import test_message
from tidings.store.port import EventQuery, StoredEvent

_WARNINGS_MAX = 3  # warnings: what is told on the next page travels in a cookie, which is short
# What the payload does not depend on: the preview must not wait for it.
_FILLED = {"name": "preview", "webHookUrl": "https://example.com/", "maxAllowedConnections": 1}
_FILLED |= {"webHookType": HTTP, "connection": None, **dict.fromkeys(FIELDS)}
_URL = "webHookUrl"
Refusals = Sequence[FieldRefusal]


def own(visit: Visit, webhook_id: WebhookId) -> WebhookState:
    """Find a webhook of the visitor's org. Raise UnknownWebhook for anything else."""
    return visit.services.webhooks.get(visit.caller.org, webhook_id)


def living(visit: Visit, webhook_id: WebhookId) -> WebhookState:
    """Find a webhook of the visitor's org. Raise UnknownWebhook for anything else, and where it was
    deleted."""
    record = own(visit, webhook_id)
    if record.webhook.status is WebhookStatus.DELETED:
        raise UnknownWebhook(webhook_id)
    return record


# -- the form -------------------------------------------------------------------------------------


async def show_new(visit: Visit) -> Response:
    """Show an empty form, or with `from` that of a copy."""
    query = visit.request.query_params
    kind = query.get("type", HTTP)
    shown = webhook_form.fresh(kind if kind in KINDS else HTTP)
    source = None
    if query.get("from"):
        source = own(visit, WebhookId(query["from"]))
        if source.webhook.type.of_file:
            return visit.page("webhook_of_file.html", record=source)
        shown = webhook_form.of_settings(source.config.settings, active=True)
        shown.texts["name"] = f"{source.webhook.name} copy"[:255]
    if query.get("url"):
        shown.texts[_URL] = query["url"][:2048]
    if query.get("name"):
        shown.texts["name"] = query["name"][:255]
    if query.get("event"):
        shown.names = [query["event"][:255]]
    refusals = []
    if wanted := query.get("use"):
        shown.names = list(USE_OF[wanted].types) if wanted in USE_OF else shown.names
        refusals = [] if wanted in USE_OF else [webhook_form.unknown_use(wanted)]
    return await form_page(visit, shown, source=source, refusals=refusals)


async def create(visit: Visit) -> Response:
    """Make it; its signing secret is shown this once."""
    shown, source = webhook_form.of_form(visit.form, visit.lists), copied_webhook(visit)
    body, wrong = body_of(shown)
    copied = None if source is None else source.config.settings
    if copied is not None:
        body |= _carried(copied, shown.names) | _flow(visit, copied)
    caller, once = visit.caller, visit.form.get("once", "")[:64]
    try:
        if wrong:
            raise Invalid(*_all(visit, body, wrong, source=copied))
        record, secret, warnings = await visit.services.webhooks.create(
            caller.org,
            body,
            author(caller),
            once or None,
            source=copied,
            platform=caller.platform,
        )
    except (Invalid, Conflict) as refused:
        return await form_page(visit, shown, source=source, refusals=refused.refusals)
    except KeyReused:
        message = (
            "This form has already created a webhook. Open it from the list, or start a new form."
        )
        return await form_page(
            visit, shown, source=source, refusals=[FieldRefusal("made", message, "")]
        )
    return visit.page(
        "webhook_made.html",
        record=record,
        secret=show_secret(secret),
        warnings=warnings,
        rotated=False,
        languages=LANGUAGES,
        samples=offer_samples(visit, record.webhook),
    )


async def show_edit(visit: Visit) -> Response:
    """Show the form of a webhook that is there. Of an action its file decides."""
    record = living(visit, visit.request.path_params["id"])
    if record.webhook.type.of_file:
        return visit.page("webhook_of_file.html", record=record)
    active = record.webhook.status in (WebhookStatus.ACTIVE, WebhookStatus.PAUSED)
    return await form_page(
        visit, webhook_form.of_settings(record.config.settings, active), record=record
    )


async def update(visit: Visit) -> Response:
    """Keep what was changed."""
    record = living(visit, visit.request.path_params["id"])
    shown = webhook_form.of_form(visit.form, visit.lists)
    shown.texts["name"] = record.webhook.name
    body, wrong = body_of(shown)
    body |= _flow(visit, record.config.settings)
    if record.webhook.status is WebhookStatus.DISABLED and "active" not in shown.checks:
        del body["active"]  # it is not active as it is; enabling is a step of its own
    seen = visit.form.get("version", "")
    expect = [int(seen)] if seen.isascii() and seen.isdigit() and len(seen) < 10 else None
    try:
        if wrong:
            raise Invalid(*_all(visit, body, wrong, record.webhook.id))
        caller = visit.caller
        record, warnings = await visit.services.webhooks.replace(
            caller.org,
            record.webhook.id,
            body,
            author(caller),
            expect,
            platform=caller.platform,
        )
    except (Invalid, Conflict) as refused:
        return await form_page(visit, shown, record=record, refusals=refused.refusals)
    except WebhookMoved:
        message = "Somebody else changed this webhook after you opened it. Open it again and "
        message += "repeat your change. Nothing was saved."
        return await form_page(
            visit, shown, record=record, refusals=[FieldRefusal("moved", message, "")]
        )
    messages = [
        "Saved; takes effect with the next event.",
        *(warning.message for warning in warnings[:_WARNINGS_MAX]),
    ]
    if (more := len(warnings) - _WARNINGS_MAX) > 0:
        messages.append(f"And {more} more of this kind.")
    if visit.form.get("drain") == "yes" and visit.may(drained.SCOPE):
        messages.append(await drained.begin(visit, record.webhook))
    return visit.go(f"/webhooks/{record.webhook.id}", " ".join(messages))


async def form_page(
    visit: Visit,
    shown: WebhookFormState,
    *,
    record: WebhookState | None = None,
    source: WebhookState | None = None,
    refusals: Refusals = (),
    note: str = "",
    focus: str = "",
) -> Response:
    """Show the form as it stands. `note`, `focus`: of its filter, as for `filter_builder.build`."""
    services, org = visit.services, visit.caller.org
    named = services.shaping.transformations.names(org)
    stored = record or source
    neo = None if stored is None else stored.config.settings.extra.get(NEO)
    flow = unknown_flow(neo, named)
    if shown.texts[type_form.TYPE] not in KINDS:
        shown.texts[type_form.TYPE] = HTTP if stored is None else stored.webhook.kind
    kind = shown.texts[type_form.TYPE]
    offered = await offer_types(visit)
    return visit.page(
        "webhook_form.html",
        400 if refusals else 200,
        shown=shown,
        record=record,
        source=source,
        refusals=placed(refusals),
        offered=offered,
        builder=filter_builder.build(visit, shown, placed(refusals), note=note, focus=focus),
        others="\n".join(name for name in shown.names if name not in offered.names),
        admits=services.orgs.settings(org).unknown_types == "admitted",
        transformations=[
            ("", "none"),
            *((transformation, transformation) for transformation in named),
        ]
        if named
        else [],
        flow=None if flow is None else warn_of_unknown_flow(flow, named),
        queue=KINDS[kind].over_default,
        own=type_form.OWN[kind],
        wanted=KINDS[kind],
        connections=connections_for(visit, kind, shown.texts[type_form.CONNECTION]),
        kinds=webhook_types_for(visit),
        rules=webhook_form,
        once=visit.form.get("once") or secrets.token_urlsafe(16),
    )


def _carried(settings: WebhookSettings, names: Sequence[str]) -> dict[str, Any]:
    """Collect what a copy takes along beside the fields of the page."""
    versions = {name: at for name, at in settings.event_versions if name in names}
    neo = settings.extra.get(NEO)
    return {
        type_form.TYPE: settings.kind,
        "eventVersions": versions,
        NEO: None if neo is None else msgspec.json.decode(neo),
    }


def _flow(visit: Visit, settings: WebhookSettings) -> dict[str, Any]:
    """Return the page's warning of a flow that nobody knows, where it asks; else the stored one
    stays."""
    neo = settings.extra.get(NEO)
    if neo is None or "flow" not in visit.form:
        return {}
    return {NEO: msgspec.json.decode(neo) | {SEND_WHOLE: SEND_WHOLE in visit.form}}


def copied_webhook(visit: Visit) -> WebhookState | None:
    """Return the webhook that is copied; None where none is."""
    wanted = visit.form.get("from", "")
    return own(visit, WebhookId(wanted)) if wanted else None


def _all(
    visit: Visit,
    body: dict[str, Any],
    wrong: list[FieldRefusal],
    webhook_id: WebhookId | None = None,
    source: WebhookSettings | None = None,
) -> list[FieldRefusal]:
    """List what the page could not read with what is wrong with the rest, so that all is told at
    once."""
    fields = {refusal.field for refusal in wrong}
    try:
        visit.services.webhooks.unsaved(
            visit.caller.org, body, webhook_id, source=source, platform=visit.caller.platform
        )
    except (Invalid, Conflict) as refused:
        return wrong + [refusal for refusal in refused.refusals if refusal.field not in fields]
    return wrong


# -- beside the form ------------------------------------------------------------------------------


async def show_type(visit: Visit) -> Response:
    """Show an event type's schema and example, to stand beside the list. Raise NotFound for a type
    that the org does not have."""
    name = visit.request.path_params["name"]
    kind = visit.services.events.types.get(visit.caller.org, name)
    if kind is None:
        raise not_found("eventName", "an event type of this org", name)
    example = lay_out(msgspec.json.encode(kind.example)) if kind.examples else None
    values = {"kind": kind, "tree": schema_tree(kind.schema), "example": example}
    if visit.partial:
        return visit.page("parts/type_beside.html", **values)
    return visit.page("webhook_type.html", **values)


async def check(visit: Visit) -> Response:
    """Check the URL as it stands: what to say of it; nothing where it may be used."""
    url = visit.form.get(_URL, "").strip()
    body = _FILLED | {_URL: url, "eventNames": some_type(visit)}
    refusals: list[FieldRefusal] = []
    if url:
        try:
            visit.services.webhooks.unsaved(visit.caller.org, body)
        except (Invalid, Conflict) as refused:
            refusals = [refusal for refusal in refused.refusals if refusal.field == _URL]
    return visit.page("parts/url_said.html", refusal=placed(refusals).get(_URL), url=url)


async def make_inbox(visit: Visit) -> Response:
    """Create a test inbox as the receiver; the form comes back with its URL."""
    shown = webhook_form.of_form(visit.form, visit.lists)
    kept = kept_webhook(visit)
    refusals: Refusals = ()
    name = shown.texts["name"]
    try:
        live = await visit.services.delivery.inboxes.create(visit.caller.org, {"name": name[:80]})
        shown.texts[_URL] = visit.services.delivery.inboxes.url(live)
    except (Invalid, Conflict) as refused:
        refusals = [
            FieldRefusal(refusal.code, refusal.message, _URL) for refusal in refused.refusals
        ]
    if visit.partial:
        kind = KINDS.get(shown.texts[type_form.TYPE])
        return visit.page(
            "parts/url_field.html",
            shown=shown,
            refusals=placed(refusals),
            record=kept,
            queue=kind is not None and kind.over_default,
        )
    source = None if kept is not None else copied_webhook(visit)
    return await form_page(visit, shown, record=kept, source=source, refusals=refusals)


async def preview(visit: Visit) -> Response:
    """Show the exact payload that the webhook would get for the newest event of its types."""
    values = await _previewed(visit)
    template = "parts/webhook_preview.html" if visit.partial else "webhook_preview.html"
    return visit.page(template, **values)


async def _previewed(visit: Visit) -> dict[str, Any]:
    kept, shown = kept_webhook(visit), webhook_form.of_form(visit.form, visit.lists)
    preview: dict[str, Any] = {"refusals": [], "row": None, "real": False}
    preview["scope"] = "" if visit.may(SEES_EVENTS) else SEES_EVENTS
    if not shown.names:
        return preview | {"hint": "Choose an event to see its payload here."}
    try:
        webhook = webhook_in(visit, shown, kept)
    except (Invalid, Conflict) as refused:
        return preview | {"refusals": [refusal.message for refusal in refused.refusals], "hint": ""}
    stored = await newest_of(visit, shown.names)
    real = stored is not None
    if stored is None:
        stored = example_of(visit, webhook)
    if stored is None:
        return preview | {
            "hint": "No event of these types has arrived yet, and none has an example."
        }
    if real:
        visit.view_payload("event", stored.id)
    row = await try_event(visit.services, webhook, stored, BYTES_MAX)
    text = None if row["body"] is None else row["body"]["text"]
    row |= {"shown": lay_out(text.encode()) if text else None, "raw": text}
    return preview | {"row": row, "real": real, "accepted_ms": stored.at_ms, "hint": ""}


def webhook_in(visit: Visit, shown: WebhookFormState, kept: WebhookState | None) -> Webhook:
    """Return the webhook that the form would make, whatever it says of its receiver. Invalid,
    Conflict."""
    body, wrong = body_of(shown)
    body |= _FILLED | {"webHookHeaders": {}, "active": True}
    webhook, _ = visit.services.webhooks.unsaved(
        visit.caller.org,
        body,
        None if kept is None else kept.webhook.id,
        platform=visit.caller.platform,
    )
    if wrong:
        raise Invalid(*wrong)
    return webhook


async def newest_of(visit: Visit, names: Sequence[str]) -> StoredEvent | None:
    """Find the newest event of some types whose bytes are still there; None for a visitor who may
    not see stored events."""
    if not visit.may(SEES_EVENTS):
        return None
    store, org = visit.services.store, visit.caller.org
    page = await store.log_events(EventQuery(org, tuple(names), limit=1))
    for head in page.events:
        found = await store.event(org, head.id)
        if found is not None and found.body is not None:
            return found
    return None


def example_of(visit: Visit, webhook: Webhook) -> StoredEvent | None:
    """Return the example of one of its types, as if it came now; None where there is none."""
    org, now_ms = visit.caller.org, visit.services.clock.now_ms()
    for name in sorted(webhook.event_names):
        kind = visit.services.events.types.get(org, name, webhook.version_of(name))
        if kind is not None and kind.examples:
            asked = {"eventName": name}
            event_id, body = test_message(visit.services, org, webhook, asked)
            return StoredEvent(
                seq=EventNumber(0),
                org=org,
                stored_name=stored_name_of_type(name),
                id=event_id,
                at_ms=now_ms,
                warning=None,
                body=body,
                first_delivery=DeliveryId(0),
                deliveries=0,
            )
    return None


def kept_webhook(visit: Visit) -> WebhookState | None:
    """Return the webhook that is being changed; None for a new one."""
    wanted = visit.form.get("webhook", "")
    return living(visit, WebhookId(wanted)) if wanted else None


def some_type(visit: Visit) -> list[str]:
    """Return the first of the org's event types, where the form names none."""
    return [next(iter(visit.services.events.types.names(visit.caller.org)))]
