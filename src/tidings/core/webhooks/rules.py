"""What a webhook may be: from the body of a call to settings, or to reasons why not.

Pure. What each field may be is declared in `fields.py`; here is how they go together. A message
says what must be, what came, what to do, and where.

A replacing body may leave fields out: they stay as they were, so that a caller who knows only the
original's fields takes nothing of ours away.
"""

from typing import Any

import msgspec

from tidings.core.declaration import read_resource
from tidings.core.shaping.enrichment import IDENTIFIERS, enrichment_of, idle_wishes
from tidings.core.shaping.neo_rules import NEO, judge_neo
from tidings.core.webhooks.body_reader import Known, Stored, WebhookForm
from tidings.core.webhooks.fields import (
    SETTABLE,
    WITHOUT_PERSONAL_DATA,
    WebhookBodyFields,
    WebhookSettings,
)
from tidings.core.webhooks.type_rules import judge_kind
from tidings.core.webhooks.webhook_types import QUEUE
from tidings.errors import FieldRefusal

# What only answers hold, and a caller may send back as it was given.
_ANSWERED = (
    "webHookId consumerGroupId orgId attribution noOfRetryAttempts standing disabledReason version "
    "publicKeys signingSecretHint signingSecretOverlapEnds warning condition health activity replay"
    " incident"
).split()
_FIELDS = frozenset((*(field.name for field in SETTABLE), *_ANSWERED))


class ParsedWebhookBody(msgspec.Struct, frozen=True):
    """A body that passed."""

    settings: WebhookSettings
    active: bool | None  # None where the body does not say
    secret: bytes | None  # a signing secret that the caller brought
    warnings: tuple[FieldRefusal, ...]

    def __repr__(self) -> str:
        """Show it without the secret."""
        return f"Reading({self.settings!r})"


def read_webhook(
    body: dict[str, Any],
    known: Known,
    old: WebhookSettings | None = None,
    *,
    source: WebhookSettings | None = None,
    tried: bool = False,
    strict: bool = False,
) -> ParsedWebhookBody | list[FieldRefusal]:
    """Read a body that creates a webhook or, with `old`, changes one. Never raises.

    `source` is the webhook that a new one is copied from: masked values are its stored ones.
    `tried`: it is for a test message, which goes without the stored values where it must.
    `strict`: misspelt fields are refused; else they get a warning, as callers of the original send
    what they like.
    """
    stored = source or old
    form = WebhookForm(
        body,
        known,
        None if stored is None else Stored(stored.headers, stored.place, stored.authentication),
        copies=old is None,
        tried=tried,
        strict=strict,
    )
    settings = read_resource(WebhookSettings, form, old)
    judge_kind(form, settings, old)
    _judge_extra(form, settings, old)
    besides = read_resource(WebhookBodyFields, form, None)
    form.warn_of_unknown(body, _FIELDS)
    if form.refusals:
        return form.refusals
    return ParsedWebhookBody(
        settings, besides.active, besides.secret, warnings=tuple(form.warnings)
    )


def _judge_extra(form: WebhookForm, settings: WebhookSettings, old: WebhookSettings | None) -> None:
    """Return whether what is asked to be added has an effect, and a flow is one that somebody
    knows."""
    shapes = settings.transformation is None and settings.kind != QUEUE
    if shapes and not any(refusal.field.startswith(NEO) for refusal in form.refusals):
        took = old is not None and old.transformation is None and old.kind != QUEUE
        stood = old.extra.get(NEO) if old is not None and took else None
        judge_neo(form, settings.extra.get(NEO), form.known.transformations, stood=stood)
    for code, field, sentence in idle_wishes(settings.extra):
        form.warn(code, field, sentence)
    if settings.without_personal_data and enrichment_of(settings.extra).sources:
        form.warn(
            "personal_addition",
            IDENTIFIERS,
            f"{IDENTIFIERS} should be empty where {WITHOUT_PERSONAL_DATA} is true: identifiers are "
            "personal data, so none is added. Empty it, or send personal data.",
        )
