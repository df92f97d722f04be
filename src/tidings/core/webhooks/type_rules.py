"""What a webhook of each type must have, and what it must not: how its fields go together. Pure."""

from tidings.core.webhooks.body_reader import WebhookForm
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.targets.mailing import judge_mailing, recipients_of
from tidings.core.webhooks.webhook_types import (
    EMAIL,
    FIELDS,
    KINDS,
    OFFERED,
    PULL,
    TypeSettings,
    WebhookType,
)


def judge_kind(form: WebhookForm, settings: WebhookSettings, old: WebhookSettings | None) -> None:
    """Refuse on the form what the type lacks, and what is another type's."""
    if any(refusal.field.split(".")[0] in _JUDGED for refusal in form.refusals):
        return
    if old is not None and KINDS[old.kind].of_file:
        form.refuse(
            "of_file",
            "webHookType",
            f"webHookType must be one of {', '.join(OFFERED)} for a call to change a webhook; got "
            f"{old.kind}. Change it in the operator's file.",
        )
        return
    if old is not None and settings.kind != old.kind and STAYS & {settings.kind, old.kind}:
        form.refuse(
            "type_stays",
            "webHookType",
            f"webHookType must stay {old.kind}; got {settings.kind}. Create another webhook: "
            "deliveries under way were made for this one.",
        )
        return
    kind = KINDS[settings.kind]
    _judge(form, settings, "connection", needed=kind.connection is not None)
    for field in FIELDS:
        _judge(form, settings, field, needed=field == kind.field)
    if not kind.has_url:
        for field, given in (
            ("webHookHeaders", settings.headers),
            ("authentication", settings.authentication),
        ):
            if given:
                _refuse_strange(form, settings.kind, field)
    if kind.connection is not None and settings.connection:
        if old is None or _way(old) != _way(settings):
            _judge_connection(form, settings, kind)


def _way(settings: WebhookSettings) -> tuple[object, ...]:
    field = KINDS[settings.kind].field
    return settings.kind, settings.connection, None if field is None else getattr(settings, field)


# Messages that a reader has are still out, and what was shaped as an e-mail is nothing else.
STAYS = {PULL, EMAIL}
_JUDGED = {"webHookType", "webHookHeaders", "authentication", "connection", *FIELDS}


def _judge(form: WebhookForm, settings: WebhookSettings, field: str, *, needed: bool) -> None:
    given = bool(getattr(settings, field))
    if needed and not given:
        form.refuse(
            "field_missing",
            field,
            f"{field} must be set for a webhook of type {settings.kind}; got nothing. Write it.",
        )
    elif given and not needed:
        _refuse_strange(form, settings.kind, field)


def _refuse_strange(form: WebhookForm, kind: str, field: str) -> None:
    form.refuse(
        "field_of_other_type",
        field,
        f"{field} must be left out of a webhook of type {kind}; got it. Leave it out, or set it "
        "to null where the webhook had another type.",
    )


def _judge_connection(form: WebhookForm, settings: WebhookSettings, kind: WebhookType) -> None:
    connection = form.known.connections.get(settings.connection or "")
    if connection is None or connection.kind != kind.connection:
        form.refuse(
            "unknown_connection",
            "connection",
            f"connection must be one of type {kind.connection} that the operator has declared for "
            f"the org; got {settings.connection}. Ask the operator.",
        )
        return
    place: TypeSettings | None = None if kind.field is None else getattr(settings, kind.field)
    if place is not None:
        org = form.known.org
        why = place.outside(connection, org) or place.trespass(connection, org)
        if why is not None:
            form.refuse("outside_connection", kind.field or "", why)
    if settings.sql is not None:
        table = settings.sql.table
        if form.known.is_read_back(connection, table, form.known.org):
            form.refuse(
                "table_read_back",
                "sql",
                f"sql.table must be one that no source reads; got {table}, whose rows would come "
                "back as events in an endless loop. Choose another, or ask the operator to declare "
                'headers = "headers" for it.',
            )
    if settings.email is not None:
        judge_mailing(form, settings.email, recipients_of(connection.fields))
