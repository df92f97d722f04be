"""What an org is set to: how its events are checked, how long they are kept, what it may do.

Stored as JSON in `Org.settings`. Fields are only ever added, with a default, and names that this
release does not know are passed over.

Add a field here; the rest follows.
"""

import re
from typing import Annotated, Literal

import msgspec

from tidings.core.declaration import NULL, Field, Json, either
from tidings.core.events.call_reader import IntakeRules, Validation
from tidings.core.field_types import Choice, CustomField, Nested, Number
from tidings.core.form import Form
from tidings.core.orgs.retention import RetentionDays, check_days
from tidings.values import describe_value

TYPES_MAX = 500
RATE_MAX = 1_000_000

NOTIFY_MAX = 10
OPERATORS_ONLY = ("retention", "limits")  # what they cost is the operator's to bear

_LEVELS = ("strict", "lenient", "off")
_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}"
_NAME = r"[A-Za-z0-9_.:-]{1,128}"
_LEVEL: Json = {"type": "string", "enum": list(_LEVELS)}


def _by_type(form: Form, _: object, old: dict[str, Validation]) -> dict[str, Validation]:
    value = form.body.get("validationByType")
    if value is None:
        return old
    field = "validationByType"
    if not isinstance(value, dict) or len(value) > TYPES_MAX:
        form.refuse(
            "bad_type",
            field,
            f"{field} must be an object of at most {TYPES_MAX} event types; got "
            f"{describe_value(value)}. "
            'Write {"pointsIssued": "lenient"}.',
        )
        return old
    levels = dict(old)
    for name, level in value.items():
        if not re.fullmatch(_NAME, name):
            form.refuse(
                "event_name",
                field,
                f"{field} must name event types, 1 to 128 of A-Z a-z 0-9 _ . : -; got "
                f"{describe_value(name)}. Correct the name.",
            )
            break
        if level is None:
            levels.pop(name, None)
        elif level in _LEVELS:
            levels[name] = level
        else:
            form.refuse(
                "bad_validation",
                f"{field}.{name}",
                f"{field}.{name} must be strict, lenient, off or null; got "
                f"{describe_value(level)}. Write null to use the org's own setting.",
            )
    if len(levels) > TYPES_MAX:
        form.refuse(
            "too_many",
            field,
            f"{field} must contain at most {TYPES_MAX} event types; got {len(levels)}. Remove some "
            "by setting them to null.",
        )
    return levels


def _notify(form: Form, _: object, old: tuple[str, ...]) -> tuple[str, ...]:
    value = form.body.get("notify")
    if value is None:
        return old
    field = "notify"
    if not isinstance(value, list) or len(value) > NOTIFY_MAX:
        form.refuse(
            "bad_type",
            field,
            f"{field} must be a list of at most {NOTIFY_MAX} e-mail addresses; got "
            f"{describe_value(value)}. "
            'Write ["ops@example.com"], or [] for none.',
        )
        return old
    for address in value:
        if not isinstance(address, str) or not re.fullmatch(_ADDRESS, address):
            form.refuse(
                "bad_address",
                field,
                f"{field} must contain e-mail addresses; got {describe_value(address)}. Write the "
                "plain address, as ops@example.com.",
            )
            return old
    return tuple(dict.fromkeys(value))


_BY_TYPE = CustomField(
    _by_type,
    schema={
        "type": "object",
        "maxProperties": TYPES_MAX,
        "propertyNames": {"pattern": f"^{_NAME}$"},
        "additionalProperties": either(_LEVEL, NULL),
    },
    answers={"type": "object", "additionalProperties": _LEVEL},
)
_ADDRESSES = CustomField(
    _notify,
    schema={
        "type": "array",
        "items": {"type": "string", "pattern": f"^{_ADDRESS}$"},
        "maxItems": NOTIFY_MAX,
    },
    shows=list,
)


class OrgLimits(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Bounds of an org, over all its credentials."""

    events_per_second: Annotated[
        float | None,
        Field(
            "eventsPerSecond",
            Number(0.1, RATE_MAX, "Write null for no limit."),
            "Over all its credentials; null: no limit.",
            label="Events a second, over all credentials",
            hint="Left out: no limit.",
        ),
    ] = None


class OrgSettings(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Settings of how the org's events are checked and kept."""

    validation: Annotated[
        Validation,
        Field(
            "validation",
            Choice(
                _LEVELS,
                "bad_validation",
                labels=(
                    "strict: refused, and kept among the rejected",
                    "lenient: accepted with a warning",
                    "off: not looked at",
                ),
            ),
            "Of payloads that do not fit their schema; lenient accepts them with a warning.",
            label="Payloads that do not fit their schema",
        ),
    ] = "strict"
    validation_by_type: Annotated[
        dict[str, Validation],
        Field(
            "validationByType",
            _BY_TYPE,
            "Another level for some event types, by their names; null takes one away.",
            label="Another rule for some types",
            hint="One a line, as pointsIssued = lenient",
        ),
    ] = {}
    unknown_types: Annotated[
        Literal["refused", "admitted"],
        Field(
            "unknownTypes",
            Choice(("refused", "admitted"), "bad_unknown_types"),
            "Events of types that the catalogue does not have.",
            label="Event types that the catalogue does not have",
        ),
    ] = "refused"
    retention: Annotated[
        RetentionDays,
        Field(
            "retention",
            Nested(
                RetentionDays,
                "bad_retention",
                'Write {"payloadDays": 30}.',
                check=check_days,
                in_full=True,
            ),
            "For the platform's credential.",
        ),
    ] = RetentionDays()
    limits: Annotated[
        OrgLimits,
        Field(
            "limits",
            Nested(
                OrgLimits, "bad_limits", 'Write {"eventsPerSecond": 500}, or null for no limit.'
            ),
            "For the platform's credential.",
        ),
    ] = OrgLimits()
    # E-mail addresses that are told what webhooks may subscribe to.
    notify: Annotated[
        tuple[str, ...],
        Field(
            "notify",
            _ADDRESSES,
            "E-mail addresses for operational events; their owners are asked first.",
            label="Who is told of failing webhooks by e-mail",
            hint=f"At most {NOTIFY_MAX} addresses, with commas between.",
        ),
    ] = ()
    notify_confirmed: tuple[str, ...] = ()  # of these, whose owners have said yes
    notify_asked: dict[str, tuple[int, ...]] = {}  # by address: when its owner was asked
    mail_confirmed: tuple[str, ...] = ()  # who has agreed to the e-mails of its webhooks


DEFAULT_SETTINGS = OrgSettings()
_decode = msgspec.json.Decoder(OrgSettings).decode


def settings_of(stored: bytes) -> OrgSettings:
    """Decode the settings of a stored org. Raise ValueError if they cannot be read."""
    if stored in (b"", b"{}"):
        return DEFAULT_SETTINGS
    try:
        return _decode(stored)
    except msgspec.DecodeError as error:
        raise ValueError(f"the settings of an org cannot be read: {error}") from None


def stored_settings(settings: OrgSettings) -> bytes:
    """Encode the settings for `settings_of`."""
    return msgspec.json.encode(settings)


def rules_of(settings: OrgSettings) -> IntakeRules:
    """Prepare the rules that the accept path asks."""
    by_type = {
        name: level
        for name, level in settings.validation_by_type.items()
        if level != settings.validation
    }
    return IntakeRules(settings.unknown_types, settings.validation, by_type or None)


def still_confirmed(settings: OrgSettings) -> OrgSettings:
    """Return the settings without the confirmations of addresses that are no longer named."""
    confirmed = tuple(
        address for address in settings.notify_confirmed if address in settings.notify
    )
    return msgspec.structs.replace(settings, notify_confirmed=confirmed)
