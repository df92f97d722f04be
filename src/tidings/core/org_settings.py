"""What an org is set to: how its events are checked, how long they are kept, what it may do.

Stored as JSON in `Org.settings`. Fields are only ever added, with a default, and names that this
release does not know are passed over.
"""

import re
from typing import Any, Literal, cast

import msgspec

from tidings.core.events.call_reader import IntakeRules, Validation
from tidings.core.form import Form, came, whole_of
from tidings.core.retention import RetentionDays

ORG_ID_MAX = (1 << 53) - 1  # what every JSON reader can hold exactly
PAYLOAD_DAYS_MIN = 9  # longer than a delivery may be retried, with a day to spare
DAYS_MAX = 3650
TYPES_MAX = 500
RATE_MAX = 1_000_000

_LEVELS = ("strict", "lenient", "off")
_UNKNOWN = ("refused", "admitted")
NOTIFY_MAX = 10
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_DAYS = {
    "payloadDays": "payload_days",
    "responseDays": "response_days",
    "metadataDays": "metadata_days",
}
_FIELDS = frozenset(
    ("validation", "validationByType", "unknownTypes", "retention", "limits", "notify")
)
OPERATORS_ONLY = ("retention", "limits")  # what they cost is the operator's to bear


class OrgLimits(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an org may do, over all its credentials. None: no limit."""

    events_per_second: float | None = None


class OrgSettings(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Everything that an org is set to."""

    validation: Validation = "strict"
    validation_by_type: dict[str, Validation] = {}
    unknown_types: Literal["refused", "admitted"] = "refused"
    retention: RetentionDays = RetentionDays()
    limits: OrgLimits = OrgLimits()
    notify: tuple[str, ...] = ()  # e-mail addresses that are told what webhooks may subscribe to
    notify_confirmed: tuple[str, ...] = ()  # of these, whose owners have said yes
    notify_asked: dict[str, tuple[int, ...]] = {}  # by address: when its owner was asked


DEFAULT_SETTINGS = OrgSettings()
_decode = msgspec.json.Decoder(OrgSettings).decode


def settings_of(stored: bytes) -> OrgSettings:
    """The settings of a stored org. ValueError where they cannot be read."""
    if stored in (b"", b"{}"):
        return DEFAULT_SETTINGS
    try:
        return _decode(stored)
    except msgspec.DecodeError as error:
        raise ValueError(f"the settings of an org cannot be read: {error}") from None


def stored_settings(settings: OrgSettings) -> bytes:
    """What `settings_of` reads."""
    return msgspec.json.encode(settings)


def rules_of(settings: OrgSettings) -> IntakeRules:
    """What the accept path asks, prepared."""
    by_type = {
        name: level
        for name, level in settings.validation_by_type.items()
        if level != settings.validation
    }
    return IntakeRules(settings.unknown_types, settings.validation, by_type or None)


def show_settings(settings: OrgSettings) -> dict[str, Any]:
    """The settings as the API shows them, defaults included."""
    retention, limits = settings.retention, settings.limits
    return {
        "validation": settings.validation,
        "validationByType": settings.validation_by_type,
        "unknownTypes": settings.unknown_types,
        "retention": {name: getattr(retention, field) for name, field in _DAYS.items()},
        "limits": {"eventsPerSecond": limits.events_per_second},
        "notify": list(settings.notify),
    }


def read_settings(form: Form, old: OrgSettings) -> OrgSettings:
    """The field `settings` of a body over the old ones: what is left out stays as it was.

    In `validationByType`, null takes an entry away. What is wrong is noted in the form.
    """
    value = form.body.get("settings")
    if value is None:
        return old
    if not isinstance(value, dict):
        form.refuse(
            "bad_type",
            "settings",
            f"settings must be an object; got {came(value)}. Leave it out to change nothing.",
        )
        return old
    inner = Form(value)
    if unknown := [name for name in value if name not in _FIELDS]:
        inner.refuse(
            "unknown_field",
            unknown[0][:64],
            f"settings must hold {', '.join(sorted(_FIELDS))}; got {came(unknown[0])}. Check its "
            "spelling.",
        )
    level = inner.choice("validation", _LEVELS, old.validation, "bad_validation")
    admitted = inner.choice("unknownTypes", _UNKNOWN, old.unknown_types, "bad_unknown_types")
    notify = _notify(inner, old.notify)
    settings = OrgSettings(
        cast(Validation, level),
        _by_type(inner, old.validation_by_type),
        "admitted" if admitted == "admitted" else "refused",
        _retention(inner, old.retention),
        _limits(inner, old.limits),
        notify,
        tuple(one for one in old.notify_confirmed if one in notify),
        old.notify_asked,
    )
    for refusal in inner.refusals:
        field = f"settings.{refusal.field}"
        said = refusal.message.rpartition(" (")[0]
        form.refuse(refusal.code, field, said)
    return settings


def _by_type(form: Form, old: dict[str, Validation]) -> dict[str, Validation]:
    value = form.body.get("validationByType")
    if value is None:
        return old
    field = "validationByType"
    if not isinstance(value, dict) or len(value) > TYPES_MAX:
        form.refuse(
            "bad_type",
            field,
            f"{field} must be an object of at most {TYPES_MAX} event types; got {came(value)}. "
            'Write {"pointsIssued": "lenient"}.',
        )
        return old
    levels = dict(old)
    for name, level in value.items():
        if not _NAME.fullmatch(name):
            form.refuse(
                "event_name",
                field,
                f"{field} must name event types, 1 to 128 of A-Z a-z 0-9 _ . : -; got "
                f"{came(name)}. Correct the name.",
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
                f"{field}.{name} must be strict, lenient, off or null; got {came(level)}. Write "
                "null to let the org's own hold.",
            )
    if len(levels) > TYPES_MAX:
        form.refuse(
            "too_many",
            field,
            f"{field} must hold at most {TYPES_MAX} event types; got {len(levels)}. Take some "
            "away with null.",
        )
    return levels


def _retention(form: Form, old: RetentionDays) -> RetentionDays:
    value = form.body.get("retention")
    if value is None:
        return old
    if not isinstance(value, dict) or not value.keys() <= _DAYS.keys():
        got = came(value) if not isinstance(value, dict) else came(min(value.keys() - _DAYS.keys()))
        form.refuse(
            "bad_retention",
            "retention",
            f"retention must be an object of {', '.join(_DAYS)}; got {got}. Write "
            '{"payloadDays": 30}.',
        )
        return old
    days = {}
    for name, field in _DAYS.items():
        least = PAYLOAD_DAYS_MIN if field == "payload_days" else 1
        said = value.get(name, getattr(old, field))
        found = whole_of(said)
        if found is None or not least <= found <= DAYS_MAX:
            form.refuse(
                "bad_retention",
                f"retention.{name}",
                f"retention.{name} must be a whole number of days from {least} to {DAYS_MAX}; got "
                f"{came(said)}. Leave it out to change nothing.",
            )
            return old
        days[field] = found
    made = RetentionDays(**days)
    if made.metadata_days < max(made.payload_days, made.response_days):
        form.refuse(
            "bad_retention",
            "retention.metadataDays",
            "retention.metadataDays must be at least payloadDays and responseDays, because what "
            f"is kept must be found; got {made.metadata_days}. Raise it, or lower the others.",
        )
        return old
    return made


def _limits(form: Form, old: OrgLimits) -> OrgLimits:
    value = form.body.get("limits")
    if value is None:
        return old
    if not isinstance(value, dict) or not value.keys() <= {"eventsPerSecond"}:
        form.refuse(
            "bad_limits",
            "limits",
            f"limits must be an object of eventsPerSecond; got {came(value)}. Write "
            '{"eventsPerSecond": 500}, or null for no limit.',
        )
        return old
    inner = Form(value)
    rate = inner.bounded(
        "eventsPerSecond", 0.1, RATE_MAX, old.events_per_second, "Write null for no limit."
    )
    for refusal in inner.refusals:
        field = f"limits.{refusal.field}"
        form.refuse(refusal.code, field, refusal.message.rpartition(" (")[0])
    return OrgLimits(rate)


def _notify(form: Form, old: tuple[str, ...]) -> tuple[str, ...]:
    value = form.body.get("notify")
    if value is None:
        return old
    field = "notify"
    if not isinstance(value, list) or len(value) > NOTIFY_MAX:
        form.refuse(
            "bad_type",
            field,
            f"{field} must be a list of at most {NOTIFY_MAX} e-mail addresses; got {came(value)}. "
            'Write ["ops@example.com"], or [] for none.',
        )
        return old
    for address in value:
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            form.refuse(
                "bad_address",
                field,
                f"{field} must hold e-mail addresses; got {came(address)}. Write the plain "
                "address, as ops@example.com.",
            )
            return old
    return tuple(dict.fromkeys(value))
