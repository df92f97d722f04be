"""Alert channels: where an org hears of incidents outside of Tidings, with a form and a test."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tidings.console.changed_by import changed_by
from tidings.console.visit import Visit
from tidings.core.alerts.channel import AlertChannel, ChannelType
from tidings.core.declaration import declared
from tidings.engine.alerts.channels import LiveChannel
from tidings.engine.delivery.trial import TooSoon
from tidings.errors import Conflict, Invalid
from tidings.reads.alerts import show_alert_channel
from tidings.schema.page_forms import PageForm, page_form

AT = "/alerts"
LABELS = {
    ChannelType.SLACK: "Slack",
    ChannelType.PAGERDUTY: "PagerDuty",
    ChannelType.EMAIL: "E-mail",
}
SECRETS = ("url", "routingKey")
_FIELDS = page_form(declared(AlertChannel), {"from": "quietFrom", "to": "quietTo"})
_OF_TYPE = {
    ChannelType.SLACK: ("url",),
    ChannelType.PAGERDUTY: ("routingKey", "url"),
    ChannelType.EMAIL: ("addresses",),
}
_OF_SOME = {name for names in _OF_TYPE.values() for name in names}


def _form_of(kind: ChannelType, *, new: bool) -> PageForm:
    """Return the form of a channel of a type; a new one is on."""
    hidden = {"type", *(_OF_SOME - {*_OF_TYPE[kind]}), *({"enabled"} if new else ())}
    return PageForm(tuple(ask for ask in _FIELDS.asks if ask.name not in hidden))


async def show_all(visit: Visit) -> Response:
    """List the org's channels, the oldest first."""
    found = visit.services.notices.channels.of(visit.caller.org)
    shown = [_shown(visit, channel) for channel in found]
    return visit.page("alerts.html", channels=shown, labels=LABELS)


async def show_new(visit: Visit) -> Response:
    """Show the form that makes one, of the type that the address names."""
    kind = _type(visit.request.query_params.get("type", ""))
    return _new(visit, kind, _form_of(kind, new=True).fresh())


async def create(visit: Visit) -> Response:
    """Make one and go there."""
    kind = _type(visit.form.get("type", ""))
    form = _form_of(kind, new=True)
    texts = form.written(visit.form)
    body = form.body(texts, new=True) | {"type": kind.value}
    try:
        made = await visit.services.notices.channels.create(visit.caller.org, body)
    except (Invalid, Conflict) as refused:
        return _new(visit, kind, texts, form.placed(refused.refusals))
    return visit.go(f"{AT}/{made.id}", "The alert channel was created. Send it a test message.")


async def show(visit: Visit) -> Response:
    """Show one: how it does, its test, and its settings."""
    return await _show(visit, _own(visit))


async def change(visit: Visit) -> Response:
    """Change its settings; a secret that is left empty stays."""
    channel = _own(visit)
    form = _form_of(channel.settings.type, new=False)
    texts = form.written(visit.form)
    body = form.body(texts, new=False)
    for name in SECRETS:
        if not texts.get(name):
            body.pop(name, None)
    try:
        await visit.services.notices.channels.change(visit.caller.org, channel.id, body)
    except (Invalid, Conflict) as refused:
        return await _show(visit, channel, texts, form.placed(refused.refusals))
    return visit.go(f"{AT}/{channel.id}", "Saved.")


async def test(visit: Visit) -> Response:
    """Send a test message, and show what the other side has answered."""
    channel = _own(visit)
    try:
        result = await visit.services.delivery.alerts.tests.send(channel)
    except TooSoon as refused:
        return visit.go(f"{AT}/{channel.id}", refused.reason.message)
    if not result.is_taken:
        return visit.go(f"{AT}/{channel.id}", f"The test message was not taken. {result.error}")
    answer = f" It answered {result.status}: {result.answer}" if result.status else ""
    return visit.go(f"{AT}/{channel.id}", f"The test message was taken.{answer}")


async def delete(visit: Visit) -> Response:
    """Ask first; with `sure` delete it."""
    channel = _own(visit)
    if visit.form.get("sure") != "yes":
        return visit.page("alert_sure.html", id=channel.id, name=channel.settings.name)
    await visit.services.notices.channels.delete(visit.caller.org, channel.id)
    return visit.go(AT, "The alert channel was deleted.")


def _type(text: str) -> ChannelType:
    return ChannelType(text) if text in list(ChannelType) else ChannelType.SLACK


def _own(visit: Visit) -> LiveChannel:
    channel_id = str(visit.request.path_params["id"])
    return visit.services.notices.channels.get(visit.caller.org, channel_id)


def _shown(visit: Visit, channel: LiveChannel) -> dict[str, Any]:
    sender = visit.services.delivery.alerts.sender
    state = sender.state(channel.id)
    times = {"sent_ms": state.taken_ms or None, "error_ms": state.error_ms}
    return show_alert_channel(sender, channel) | times


def _new(
    visit: Visit,
    kind: ChannelType,
    texts: Mapping[str, str],
    refusals: Mapping[str, str] | None = None,
) -> Response:
    return visit.page(
        "alert_new.html",
        400 if refusals else 200,
        kind=kind,
        labels=LABELS,
        asks=_form_of(kind, new=True).asks,
        filled=texts,
        secrets=SECRETS,
        refusals=refusals or {},
    )


async def _show(
    visit: Visit,
    channel: LiveChannel,
    texts: Mapping[str, str] | None = None,
    refusals: Mapping[str, str] | None = None,
) -> Response:
    shown = _shown(visit, channel)
    form = _form_of(channel.settings.type, new=False)
    return visit.page(
        "alert.html",
        400 if refusals else 200,
        channel=shown,
        labels=LABELS,
        changed=await changed_by(visit, "alert_channel", channel.id),
        asks=form.asks,
        filled=texts or form.filled(shown),
        secrets=SECRETS,
        refusals=refusals or {},
    )
