"""An action is tried: what it would make of an event, and by a second step really does.

Whoever tries one sees what the event and the look-ups say of a customer: it takes the right to make
tests and the right to read events.
"""

from typing import Any

from starlette.responses import Response

from tidings.console.json_view import body_of
from tidings.console.pages.delivery.mail_frame import html_of, mail_answer, mail_note
from tidings.console.visit import Visit
from tidings.engine.delivery.trial import TooSoon
from tidings.errors import Invalid
from tidings.reads.actions.trials import (
    EXAMPLE,
    NEWEST,
    TrialEvent,
    do_as_test,
    example_names,
    passed_by,
    trial_event,
    try_out,
)
from tidings.reads.actions.views import ActionView, own_action

_SOON = "An action can be tried once a second. Try again in a moment."
_NO_MAIL = "The action makes no mail with HTML of this event."
_MAY_NOT = "To see the mail, you also need the scope to read logs: it shows customer data."
_NO_EVENT = "There is no such event, or its payload is no longer kept. Choose another one."


async def show(visit: Visit) -> Response:
    """Show the choice of an event; nothing is asked yet."""
    return await _page(visit, await _own(visit), visit.request.query_params.get("event", NEWEST))


async def attempt(visit: Visit) -> Response:
    """Show what an action would make of the event; with `do`, what came of really doing it."""
    view = await _own(visit)
    wanted = visit.form.get("event", NEWEST)
    if view.action is None or not visit.may("logs:read"):
        return await _page(visit, view, wanted)
    services, org, webhook = visit.services, visit.caller.org, view.record.webhook
    trial: dict[str, Any] = {}
    try:
        event = await trial_event(services, org, webhook, wanted)
        if event is None:
            return await _page(visit, view, wanted, trouble=_NO_EVENT)
        if event.at_ms is not None:
            visit.view_payload("event", event.id)
        trial = {"event": event}
        if visit.form.get("do") == "yes" and passed_by(webhook, event) is None:
            trial["done"] = _laid_out(await do_as_test(services, org, webhook, event))
        else:
            trial["found"] = _laid_out(await try_out(services, org, webhook, view.action, event))
    except TooSoon:
        return await _page(visit, view, wanted, trouble=_SOON)
    except Invalid as refused:
        return await _page(visit, view, wanted, trouble=refused.refusals[0].message)
    return await _page(visit, view, _chosen(wanted, event), **trial)


async def show_mail(visit: Visit) -> Response:
    """Show the HTML of the mail that the action would make of the event, as its reader would see
    it: what a frame of the page loads."""
    view = await _own(visit)
    if view.action is None:
        return mail_note(visit, _NO_MAIL, 404)
    if not visit.may("logs:read"):
        return mail_note(visit, _MAY_NOT, 403)
    services, org, webhook = visit.services, visit.caller.org, view.record.webhook
    try:
        event = await trial_event(services, org, webhook, visit.form.get("event", NEWEST))
        if event is None:
            return mail_note(visit, _NO_EVENT, 404)
        if event.at_ms is not None:
            visit.view_payload("event", event.id)
        found = await try_out(services, org, webhook, view.action, event)
    except TooSoon:
        return mail_note(visit, _SOON, 429)
    except Invalid as refused:
        return mail_note(visit, refused.refusals[0].message, 400)
    html = html_of(found["made"])
    if html is None:
        return mail_note(visit, found["why"] or _NO_MAIL, 200)
    return mail_answer(visit, html)


async def _own(visit: Visit) -> ActionView:
    return await own_action(visit.services, visit.caller.org, visit.request.path_params["name"])


def _chosen(wanted: str, event: TrialEvent) -> str:
    """Return the event for the second step: the very one that was looked at, also where a newer one
    has come meanwhile."""
    return wanted if event.at_ms is None else event.id


async def _page(
    visit: Visit, view: ActionView, chosen: str, trouble: str = "", **trial: Any
) -> Response:
    services, org, webhook = visit.services, visit.caller.org, view.record.webhook
    choices = [(NEWEST, "The newest matching event")]
    choices += [
        (EXAMPLE + name, f"The example of {name}") for name in example_names(services, org, webhook)
    ]
    if chosen not in dict(choices):
        event: TrialEvent | None = trial.get("event")
        choices.append((chosen, f"{'The event' if event is None else event.name} {chosen}"))
    values = {"found": None, "done": None, "event": None} | trial
    return visit.page(
        "action_test.html",
        view=view,
        webhook=webhook,
        choices=choices,
        chosen=chosen,
        trouble=trouble,
        **values,
    )


def _laid_out(trial: dict[str, Any]) -> dict[str, Any]:
    """With bodies as people read them."""
    for side in ("request", "answer"):
        one = trial.get(side)
        text = None if one is None else one["body"]["text"]
        trial[f"{side}Body"] = None if not text else body_of(text.encode())
    return trial
