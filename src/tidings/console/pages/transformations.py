"""The org's transformations: all of them, one with its versions, and the form with its trials.

A check and a trial take the template as it stands in the form, and keep nothing: the webhook is
chosen there, and what its newest events become stands beside what the template was given.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from tidings.api.answers import status_of
from tidings.console.changed_by import changed_by
from tidings.console.json_view import Body, JsonLine, body_of
from tidings.console.pages.webhooks.edit import example_of, living
from tidings.console.visit import SEES_EVENTS, Visit
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import WebhookId
from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping.transformations import TRANSFORMATIONS_MAX
from tidings.errors import Conflict, FieldRefusal, Invalid
from tidings.reads.shaping import VERSIONS_BYTES
from tidings.reads.webhooks.preview import newest
from tidings.reads.webhooks.template_trials import TriedTemplate, try_template
from tidings.store.port import StoredEvent, StoredTransformation
from tidings.transform.port import RenderLater

AT = "/transformations"
EVENTS = 3  # that a template is tried on
VERSIONS = 10  # of which a page shows the templates
FRESH = """{
  "eventId": {{ event.eventId }},
  "eventName": {{ event.eventName }},
  "orgId": {{ event.orgId }},
  "data": {{ data }}
}"""
_LINE = re.compile(r" in line (\d+):")


class ShownTrial(msgspec.Struct, frozen=True):
    """One event, and what a template makes of it, as the page shows it."""

    row: dict[str, Any]
    accepted_ms: int
    real: bool
    given: Body | None
    made: Body | None
    refused: str
    place: Body | None
    """Of the template: the line that the refusal names."""


async def show_all(visit: Visit) -> Response:
    """List the org's transformations by name."""
    org, transformations = visit.caller.org, visit.services.shaping.transformations
    rows = [(stored, _users(visit, stored.name)) for stored in transformations.list(org)]
    return visit.page("transformations.html", rows=rows, most=TRANSFORMATIONS_MAX)


async def show(visit: Visit) -> Response:
    """Show one: its template, who uses it, and its newest versions."""
    stored, services = _own(visit), visit.services
    async with services.web.answer_memory.holding(visit.caller.org, VERSIONS_BYTES):
        versions = await services.shaping.transformations.versions(stored.org, stored.name)
        return visit.page(
            "transformation.html",
            stored=stored,
            users=_users(visit, stored.name),
            versions=versions[1 : VERSIONS + 1],
            more=len(versions) > VERSIONS + 1,
            changed=await changed_by(visit, "transformation", stored.name),
        )


async def show_new(visit: Visit) -> Response:
    """Show an empty form."""
    return _form(visit, {"template": FRESH})


async def create(visit: Visit) -> Response:
    """Check it, try it, or keep it."""
    return await _send(visit, None)


async def show_edit(visit: Visit) -> Response:
    """Show the form of one that is there."""
    stored = _own(visit)
    return _form(visit, {"template": stored.template or ""}, stored)


async def update(visit: Visit) -> Response:
    """Check the change, try it, or make it."""
    return await _send(visit, _own(visit))


async def delete(visit: Visit) -> Response:
    """Ask first; with `sure` take it away. Refused while a webhook uses it."""
    stored, refused = _own(visit), ""
    if visit.form.get("sure") == "yes":
        try:
            await visit.services.shaping.transformations.delete(
                stored.org, stored.name, visit.caller.credential
            )
            return visit.go(
                AT, f"{stored.name} was deleted. Its versions stay readable by the API."
            )
        except Conflict as conflict:
            refused = conflict.refusals[0].message
    return visit.page(
        "transformation_sure.html",
        409 if refused else 200,
        stored=stored,
        users=_users(visit, stored.name),
        refused=refused,
    )


async def _send(visit: Visit, stored: StoredTransformation | None) -> Response:
    """Do what the button says."""
    transformations, org = visit.services.shaping.transformations, visit.caller.org
    texts = {
        "name": visit.form.get("name", "").strip()[:200],
        "template": visit.form.get("template", "").replace("\r\n", "\n")[: TEMPLATE_MAX + 1],
        "webhook": visit.form.get("webhook", "")[:64],
    }
    template, by, what = texts["template"], visit.caller.credential, visit.form.get("do", "")
    try:
        if what in ("check", "try"):
            await transformations.check(org, template)
            if what == "check":
                return _form(visit, texts, stored, fits="The template can be read.")
            trials = await _trials(visit, texts["webhook"], template)
            return _form(visit, texts, stored, trials=trials)
        if stored is None:
            saved = await transformations.create(org, texts["name"], template, by)
        elif visit.form.get("version", "") != str(stored.version):
            raise Conflict(_moved())
        else:
            saved = await transformations.replace(org, stored.name, template, by)
    except (Invalid, Conflict) as refused:
        return _form(visit, texts, stored, refusals=refused.refusals, status=status_of(refused))
    except RenderLater as later:
        refusals = [FieldRefusal("not_run_now", later.reason, "template")]
        return _form(visit, texts, stored, refusals=refusals, status=503)
    message = f"{saved.name} is saved, version {saved.version}. It is in force now."
    return visit.go(f"{AT}/{quote(saved.name, safe='')}/versions", message)


async def _trials(visit: Visit, webhook_id: str, template: str) -> Sequence[ShownTrial]:
    """Try a template on the newest events of a webhook's types, which is noted for the audit log;
    on an example where there are none, or the visitor may not see them."""
    webhook, services = living(visit, WebhookId(webhook_id)).webhook, visit.services
    names, found = sorted(webhook.event_names), list[ShownTrial]()
    if visit.may(SEES_EVENTS):
        async for stored in newest(services.store, webhook.org, names, EVENTS):
            visit.view_payload("event", stored.id)
            tried = await try_template(services, webhook, template, stored)
            found.append(_shown(tried, template, stored, real=True))
    if not found and (example := example_of(visit, webhook)) is not None:
        tried = await try_template(services, webhook, template, example)
        found.append(_shown(tried, template, example, real=False))
    return found


def _shown(tried: TriedTemplate, template: str, stored: StoredEvent, *, real: bool) -> ShownTrial:
    return ShownTrial(
        row=tried.row,
        accepted_ms=stored.at_ms,
        real=real,
        given=None if tried.given is None else body_of(tried.given),
        made=None if tried.made is None else body_of(tried.made),
        refused=tried.refused,
        place=place_in(template, tried.refused),
    )


def place_in(template: str, refusal: str) -> Body | None:
    """Return the template with the line marked that a refusal names; None where it names none."""
    found = _LINE.search(refusal)
    if found is None:
        return None
    lines = [
        JsonLine(f"{number:>3}  {text}", number == int(found[1]))
        for number, text in enumerate(template.split("\n"), 1)
    ]
    return Body(lines, len(template), False, kind="text")


def _own(visit: Visit) -> StoredTransformation:
    """Find one of the visitor's org. Raise UnknownTransformation for anything else."""
    name = str(visit.request.path_params["name"])
    return visit.services.shaping.transformations.get(visit.caller.org, name)


def _users(visit: Visit, name: str) -> list[Webhook]:
    return [webhook for webhook in _webhooks(visit) if webhook.transformation == name]


def _webhooks(visit: Visit) -> list[Webhook]:
    """List the org's webhooks that a template can make the messages of, by name."""
    found = [state.webhook for state in visit.services.webhooks.list(visit.caller.org)]
    fitting = [
        webhook
        for webhook in found
        if webhook.has_target
        and not webhook.type.acts
        and webhook.status is not WebhookStatus.DELETED
    ]
    return sorted(fitting, key=lambda webhook: (webhook.name, webhook.id))


def _moved() -> FieldRefusal:
    sentence = (
        "The template must be the one that you opened; somebody else has saved another version "
        "since. Copy your text, open the page again and repeat your change."
    )
    return FieldRefusal.build("template_moved", sentence, field="template")


def _form(
    visit: Visit,
    texts: Mapping[str, str],
    stored: StoredTransformation | None = None,
    *,
    refusals: Sequence[FieldRefusal] = (),
    fits: str = "",
    trials: Sequence[ShownTrial] | None = None,
    status: int = 200,
) -> Response:
    placed: dict[str, str] = {}
    for refusal in refusals:
        placed.setdefault("name" if refusal.field == "name" else "template", refusal.message)
    webhooks = _webhooks(visit)
    name = "" if stored is None else stored.name
    webhooks.sort(key=lambda webhook: webhook.transformation != name)
    return visit.page(
        "transformation_form.html",
        status,
        texts={"name": "", "template": "", "webhook": ""} | dict(texts),
        stored=stored,
        version=visit.form.get("version") or (stored.version if stored is not None else ""),
        at=f"{AT}/new" if stored is None else f"{AT}/{quote(stored.name, safe='')}/edit",
        refusals=placed,
        place=place_in(texts["template"], placed.get("template", "")),
        fits=fits,
        trials=trials,
        webhooks=[(str(webhook.id), webhook.name) for webhook in webhooks],
        most=TEMPLATE_MAX,
    )
