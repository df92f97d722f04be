"""What an alert channel is: the declaration of its fields, and how a body is read against it. Pure.

Its URL, its routing key and its addresses are sealed in the store; answers show the URL by its host
and the routing key by its last four characters.

Add a field here; the rest follows.
"""

import re
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from tidings.core.access.user_rules import EMAIL, EMAIL_MAX
from tidings.core.alerts.quiet import NO_QUIET, QuietRules
from tidings.core.declaration import Field, read_body, show_resource
from tidings.core.field_types import BooleanType, Choice, Nested, Number, ParsedField, TextType
from tidings.core.form import Form
from tidings.core.webhooks.masks import MARK, mask

NAME_MAX = 100
URL_MAX = 2048
ADDRESSES_MAX = 20
CHANNELS_MAX = 20  # of an org
DELAY_S_MAX = 86_400
SECRET_MIN = 6  # characters of a piece of a URL that is masked in texts of others
EVENTS_API = "https://events.pagerduty.com/v2/enqueue"
_KEY = re.compile("[A-Za-z0-9_-]{1,64}")
_URL = re.compile("https?://[!-~]+")


class ChannelType(StrEnum):
    """Where a channel leads."""

    EMAIL = "email"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"


def _addresses(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or len(value) > ADDRESSES_MAX:
        return None
    taken = [EMAIL.take(address) for address in value]
    return None if None in taken else tuple(dict.fromkeys(taken))


def _url(value: object) -> str | None:
    if not isinstance(value, str) or len(value) > URL_MAX or MARK in value:
        return None
    if not value:
        return value
    try:
        fits = _URL.fullmatch(value) and urlsplit(value).hostname
    except ValueError:  # [::1 is no host
        return None
    return value if fits else None


def _key(value: object) -> str | None:
    return value if isinstance(value, str) and _KEY.fullmatch(value) else None


class AlertChannel(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of an alert channel."""

    name: Annotated[
        str,
        Field(
            "name",
            TextType(NAME_MAX, "bad_name", "Write On call.", signs="characters", least=1),
            "What people call it.",
            label="Name of the channel",
        ),
    ]
    type: Annotated[
        ChannelType,
        Field(
            "type",
            Choice(tuple(ChannelType), "bad_channel", made=ChannelType),
            "Where it leads. It stays.",
            bodies="new",
            label="Type",
        ),
    ] = ChannelType.SLACK
    addresses: Annotated[
        tuple[str, ...],
        Field(
            "addresses",
            ParsedField(
                _addresses,
                f"a list of at most {ADDRESSES_MAX} e-mail addresses",
                "bad_channel",
                advice='Write ["asha@acme.example"].',
                schema={
                    "type": "array",
                    "items": {"type": "string", "maxLength": EMAIL_MAX},
                    "maxItems": ADDRESSES_MAX,
                },
            ),
            "Of type email: who gets the e-mails, once each has agreed.",
            label="E-mail addresses",
            hint="With commas. Each is asked first whether it wants them.",
        ),
    ] = ()
    url: Annotated[
        str,
        Field(
            "url",
            ParsedField(
                _url,
                f"an https URL of at most {URL_MAX} characters, in full",
                "bad_channel",
                advice="Copy it from the service.",
                got=lambda value: "something else" if isinstance(value, str) else repr(value)[:20],
                schema={
                    "type": "string",
                    "maxLength": URL_MAX,
                    "pattern": f"^({_URL.pattern})?$",
                },
            ),
            "Of type slack: the incoming webhook. Of type pagerduty: where events go, if not to "
            f"{EVENTS_API}. Answers show its host alone.",
            label="URL",
            hint="The incoming webhook of Slack, or of what takes the same; for PagerDuty empty.",
        ),
    ] = ""
    routing_key: Annotated[
        str,
        Field(
            "routingKey",
            ParsedField(
                _key,
                "the integration key: 1 to 64 letters, digits, _ and -",
                "bad_channel",
                advice="Copy it from the service's integration.",
                got=lambda value: "something else" if isinstance(value, str) else repr(value)[:20],
                schema={"type": "string", "pattern": f"^{_KEY.pattern}$"},
            ),
            "Of type pagerduty: the integration key. Answers show its last four characters.",
            label="Integration key",
        ),
    ] = ""
    delay_s: Annotated[
        int,
        Field(
            "delaySeconds",
            Number(0, DELAY_S_MAX, "Write 60.", whole=True),
            "For how long an incident must have stood before it is sent.",
            label="Seconds before it is sent",
        ),
    ] = 60
    enabled: Annotated[
        bool, Field("enabled", BooleanType(), "Whether anything is sent.", label="Enabled")
    ] = True
    quiet: Annotated[
        QuietRules,
        Field(
            "quiet",
            Nested(QuietRules, "bad_quiet", 'Write {"from": "22:00", "to": "07:00"}.'),
            "When and of what it does not want to hear.",
        ),
    ] = NO_QUIET

    @property
    def target(self) -> str:
        """Return the URL that its messages are posted to; empty where it gets e-mails."""
        if self.type is ChannelType.EMAIL:
            return ""
        return self.url or EVENTS_API

    @property
    def secrets(self) -> frozenset[str]:
        """Return all that lets one in: the URL, what is long of its path and query, the routing
        key."""
        parts = urlsplit(self.url)
        pieces = re.split("[/?&=;#]", f"{parts.path}/{parts.query}/{parts.fragment}")
        long = (piece for piece in pieces if len(piece) >= SECRET_MIN)
        return frozenset(filter(None, (self.url, self.routing_key, *long)))

    @property
    def keeps_open(self) -> bool:
        """Return whether the other side keeps what is triggered, until it is resolved."""
        return self.type is ChannelType.PAGERDUTY


def read_channel(body: dict[str, Any], previous: AlertChannel | None = None) -> Any:
    """Make a channel of a body; return it, or all that is wrong with the body."""
    form = Form(body)
    made = read_body(AlertChannel, form, previous)
    if isinstance(made, AlertChannel):
        _check_type(form, made)
    return form.refusals or made


def _check_type(form: Form, channel: AlertChannel) -> None:
    needed = {
        ChannelType.EMAIL: ("addresses", channel.addresses, '["asha@acme.example"]'),
        ChannelType.SLACK: ("url", channel.url, '"https://hooks.slack.com/services/…"'),
        ChannelType.PAGERDUTY: ("routingKey", channel.routing_key, "the integration key"),
    }
    field, value, example = needed[channel.type]
    if not value:
        form.refuse(
            "bad_channel",
            field,
            f"{field} must be given for a channel of type {channel.type}; got none. Write "
            f"{example}.",
        )
    others = {
        "addresses": channel.type is not ChannelType.EMAIL and channel.addresses,
        "url": channel.type is ChannelType.EMAIL and channel.url,
        "routingKey": channel.type is not ChannelType.PAGERDUTY and channel.routing_key,
    }
    for name, given in others.items():
        if given:
            form.refuse(
                "bad_channel",
                name,
                f"{name} must be left out for a channel of type {channel.type}; got one. Remove "
                "it, or create a channel of its type.",
            )


def show_channel(channel: AlertChannel) -> dict[str, Any]:
    """Show the settings of a channel, with its secrets masked."""
    shown = dict(show_resource(channel))
    shown["addresses"] = [*channel.addresses]
    shown["url"] = _masked_url(channel.url)
    shown["routingKey"] = mask(channel.routing_key) if channel.routing_key else ""
    return shown


def _masked_url(url: str) -> str:
    """Mask a URL but for its host: path and query are what lets one in."""
    if not url:
        return ""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/{MARK}"
