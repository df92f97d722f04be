"""A test message is sent to the receiver of a webhook, saved or still a form."""

from typing import Any

import msgspec
from starlette.responses import Response

from tidings.console.json_view import lay_out
from tidings.console.pages.webhooks import drained, edit
from tidings.console.pages.webhooks import form as webhook_form
from tidings.console.pages.webhooks.form import body_of
from tidings.console.visit import Visit
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.trial import TooSoon
from tidings.errors import Invalid, RequestRefused
from tidings.reads.webhooks.drains import offer_drain
from tidings.reads.webhooks.trials import sent, show_tested, signed, test_message


async def send_test(visit: Visit) -> Response:
    """Send one signed test message to the URL of the form, and show the answer. Nothing is kept."""
    kept, shown = edit.kept_webhook(visit), webhook_form.of_form(visit.form, visit.lists)
    org, services = visit.caller.org, visit.services
    source = edit.copied_webhook(visit) if kept is None else None
    body, wrong = body_of(shown)
    body["name"] = body["name"] or "test"
    body["eventNames"] = body["eventNames"] or edit.some_type(visit)
    trial: dict[str, Any] = {"refusals": [], "warnings": [], "tested": None, "secret": None}
    webhook_id = None if kept is None else kept.webhook.id
    try:
        if wrong:
            raise Invalid(*wrong)
        webhook, warnings = services.webhooks.unsaved(
            org,
            body,
            webhook_id,
            source=None if source is None else source.config.settings,
            tried=True,
            platform=visit.caller.platform,
        )
        webhook, made, _ = signed(services.webhooks, org, webhook, body, webhook_id)
        event_id, message = await _test_event(visit, webhook)
        saved = None if kept is None else kept.webhook
        tested = await sent(services, org, webhook, event_id, message, saved)
        trial |= await drained.offer_after_save(visit, saved, tested)
        trial["tested"] = _readable(show_tested(tested, webhook))
        trial["warnings"] = [warning.message for warning in warnings]
        trial["secret"] = None if made is None else show_secret(made)
    except TooSoon:
        trial["refusals"] = ["A test message can be sent once a second. Try again in a moment."]
    except RequestRefused as refused:
        trial["refusals"] = [refusal.message for refusal in refused.refusals]
    template = "parts/webhook_tested.html" if visit.partial else "webhook_tested.html"
    return visit.page(template, **trial)


async def test_saved(visit: Visit) -> Response:
    """Send one test message to a saved webhook, and show the answer."""
    record = edit.living(visit, visit.request.path_params["id"])
    webhook, services = record.webhook, visit.services
    trial: dict[str, Any] = {"refusals": [], "warnings": [], "tested": None, "secret": None}
    try:
        event_id, message = await _test_event(visit, webhook)
        tested = await sent(services, visit.caller.org, webhook, event_id, message, webhook)
        trial["tested"] = _readable(show_tested(tested, webhook))
        if tested.delivered:
            drains, may = services.delivery.drains, visit.may("replay:write")
            trial |= {"webhook": webhook, "drain": await offer_drain(drains, webhook, may=may)}
    except TooSoon:
        trial["refusals"] = ["A test message can be sent once a second. Try again in a moment."]
    except RequestRefused as refused:
        trial["refusals"] = [refusal.message for refusal in refused.refusals]
    template = "parts/webhook_tested.html" if visit.partial else "webhook_tested.html"
    return visit.page(template, **trial)


async def _test_event(visit: Visit, webhook: Webhook) -> tuple[str, bytes]:
    """Choose the event of a test: the newest real event of the webhook's types, else an example."""
    asked: dict[str, Any] = {}
    stored = await edit.newest_of(visit, sorted(webhook.event_names))
    if stored is not None:
        visit.view_payload("event", stored.id)
        asked = {"eventName": stored.name, "event": msgspec.json.decode(stored.body or b"{}")}
    return test_message(visit.services, visit.caller.org, webhook, asked)


def _readable(tested: dict[str, Any]) -> dict[str, Any]:
    """The bodies of a test message and its answer, JSON laid out."""
    for side in ("request", "answer"):
        if tested[side] is not None:
            body = tested[side]["body"]
            text = body["text"]
            body["shown"] = f"{body['bytes']} bytes" if text is None else lay_out(text.encode())
    return tested
