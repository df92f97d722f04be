"""What an org is set to: defaults, what stays, what is refused, and what the accept path gets."""

from typing import Any

import pytest

from tidings.core.declaration import read_body, show_resource
from tidings.core.events.call_reader import IntakeRules
from tidings.core.orgs.org_rules import OrgRequest
from tidings.core.orgs.org_settings import (
    DEFAULT_SETTINGS,
    OrgLimits,
    OrgSettings,
    rules_of,
    settings_of,
    stored_settings,
)
from tidings.core.orgs.retention import RetentionDays
from tidings.errors import FieldRefusal


def read(settings: object, old: OrgSettings = DEFAULT_SETTINGS) -> OrgSettings | list[FieldRefusal]:
    made = read_body(OrgRequest, {"settings": settings}, OrgRequest("Acme", settings=old))
    return made if isinstance(made, list) else made.settings


def shown(settings: OrgSettings) -> dict[str, Any]:
    return dict(show_resource(settings))


def good(settings: object, old: OrgSettings = DEFAULT_SETTINGS) -> OrgSettings:
    made = read(settings, old)
    assert isinstance(made, OrgSettings), made
    return made


def test_the_defaults_are_the_documented_ones() -> None:
    assert shown(settings_of(b"{}")) == {
        "validation": "strict",
        "validationByType": {},
        "unknownTypes": "refused",
        "retention": {"payloadDays": 30, "responseDays": 7, "metadataDays": 90},
        "limits": {"eventsPerSecond": None},
        "notify": [],
    }


def test_what_is_stored_comes_back_and_unknown_names_are_passed_over() -> None:
    settings = OrgSettings(
        "lenient", {"a": "off"}, "admitted", RetentionDays(9, 1, 9), OrgLimits(2.5)
    )
    assert settings_of(stored_settings(settings)) == settings
    assert settings_of(b'{"later": 1, "validation": "off"}').validation == "off"
    assert stored_settings(DEFAULT_SETTINGS) == b"{}"
    with pytest.raises(ValueError, match="settings of an org"):
        settings_of(b'{"validation": "sometimes"}')


def test_what_is_shown_can_be_read_again() -> None:
    settings = OrgSettings("off", {"a.b": "strict"}, "admitted", RetentionDays(40, 5, 40))
    assert good(shown(settings)) == settings


def test_what_is_left_out_stays_and_null_takes_an_entry_away() -> None:
    old = OrgSettings("lenient", {"a": "off", "b": "strict"}, "admitted", RetentionDays(60, 7, 90))
    assert good(None, old) is old and good({}, old) == old
    new = good({"validationByType": {"a": None, "c": "off"}, "retention": {"responseDays": 3}}, old)
    assert new.validation_by_type == {"b": "strict", "c": "off"}
    assert new.retention == RetentionDays(60, 3, 90) and new.validation == "lenient"
    assert good({"limits": {"eventsPerSecond": None}}, OrgSettings(limits=OrgLimits(5))) == (
        OrgSettings()
    )


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ("strict", "settings"),
        ({"validation": "loose"}, "settings.validation"),
        ({"unknownTypes": "some"}, "settings.unknownTypes"),
        ({"validations": "strict"}, "settings.validations"),
        ({"validationByType": ["pointsIssued"]}, "settings.validationByType"),
        ({"validationByType": {"a b": "off"}}, "settings.validationByType"),
        ({"validationByType": {"a": "x"}}, "settings.validationByType.a"),
        ({"validationByType": {f"t{n}": "off" for n in range(501)}}, "settings.validationByType"),
        ({"retention": {"payloadDays": 8}}, "settings.retention.payloadDays"),
        ({"retention": {"payloadDays": True}}, "settings.retention.payloadDays"),
        ({"retention": {"payloadDays": 9.5}}, "settings.retention.payloadDays"),
        ({"retention": {"payloadDays": 91}}, "settings.retention.metadataDays"),
        ({"retention": {"metadataDays": 29}}, "settings.retention.metadataDays"),
        ({"retention": {"responseDays": 91}}, "settings.retention.metadataDays"),
        ({"retention": {"responseDays": 0}}, "settings.retention.responseDays"),
        ({"retention": {"metadataDays": 3651}}, "settings.retention.metadataDays"),
        ({"retention": {"days": 9}}, "settings.retention.days"),
        ({"limits": {"eventsPerSecond": 0}}, "settings.limits.eventsPerSecond"),
        ({"limits": {"eventsPerSecond": "many"}}, "settings.limits.eventsPerSecond"),
        ({"limits": {"webhooks": 5}}, "settings.limits.webhooks"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(settings: object, field: str) -> None:
    refusals = read(settings)
    assert isinstance(refusals, list)
    assert [refusal.field for refusal in refusals] == [field]
    message = refusals[0].message
    assert "must" in message and "got" in message and message.endswith(f"field {field})")
    assert message.count("(") == 1


def test_the_rules_hold_only_what_differs() -> None:
    settings = OrgSettings("lenient", {"a": "off", "b": "lenient"}, "admitted")
    assert rules_of(settings) == IntakeRules("admitted", "lenient", {"a": "off"})
    same: dict[str, Any] = {"b": "strict"}
    assert rules_of(OrgSettings(validation_by_type=same)) == IntakeRules()
