"""Bodies that make and change credentials and users: taken, or refused by field."""

from typing import Any

import pytest

from tidings.core.access.credential_rules import (
    CredentialLimits,
    CredentialRequest,
    read_change,
    read_new,
    read_rotation,
)
from tidings.core.access.user_rules import WantedUser, email_of, read_new_user, read_user_change
from tidings.core.overlap import HOUR_MS

NOW = 1_770_801_300_000
SCOPES = {"events": "write"}
TILL = {"kind": "till", "code": "acme.till-01", "scopes": SCOPES}


def fields(read: object) -> list[str]:
    assert isinstance(read, list), read
    for one in read:
        assert "must" in one.message and "got" in one.message and one.message.endswith(")")
    return [one.field for one in read]


def test_a_plain_key() -> None:
    made = read_new(
        {
            "name": " crm ",
            "scopes": SCOPES,
            "expiresAt": "2026-12-31T00:00:00+05:30",
            "limits": {"callsPerMinute": 10, "eventsPerSecond": 0.5},
        },
        NOW,
    )
    assert made == CredentialRequest(
        "crm", "events:write", 1_798_655_400_000, CredentialLimits(10, 0.5)
    )


def test_a_till_has_a_code_and_may_have_a_password() -> None:
    made = read_new(TILL | {"password": "several words of mine"}, NOW)
    assert isinstance(made, CredentialRequest) and made.code == "acme.till-01"
    assert made.password == "several words of mine" and "words" not in repr(made)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "scopes"),
        ({"scopes": SCOPES, "kind": "cookie"}, "kind"),
        ({"scopes": SCOPES, "name": 5}, "name"),
        ({"scopes": SCOPES, "name": "a\x00b"}, "name"),
        ({"scopes": SCOPES, "secret": "mine"}, "secret"),
        ({"scopes": SCOPES, "org": 7}, "org"),
        ({"scopes": SCOPES, "platform": True}, "platform"),
        ({"scopes": SCOPES, "code": "x"}, "code"),
        ({"scopes": SCOPES, "password": "several words"}, "password"),
        (TILL | {"code": "a:b"}, "code"),
        (TILL | {"code": "tdk_mine"}, "code"),
        (TILL | {"code": ""}, "code"),
        (TILL | {"password": "short"}, "password"),
        (TILL | {"password": "x" * 257}, "password"),
        (TILL | {"password": 123456789012}, "password"),
        ({"scopes": SCOPES, "expiresAt": "2026-01-01T00:00:00Z"}, "expiresAt"),
        ({"scopes": SCOPES, "expiresAt": "2027-01-01"}, "expiresAt"),
        ({"scopes": SCOPES, "expiresAt": "soon"}, "expiresAt"),
        ({"scopes": SCOPES, "expiresAt": 1}, "expiresAt"),
        ({"scopes": SCOPES, "limits": {"perDay": 1}}, "limits.perDay"),
        ({"scopes": SCOPES, "limits": {"callsPerMinute": 0}}, "limits.callsPerMinute"),
        ({"scopes": SCOPES, "limits": {"eventsPerSecond": -1}}, "limits.eventsPerSecond"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    assert fields(read_new(body, NOW)) == [field]


def test_a_password_that_is_refused_is_not_repeated() -> None:
    read = read_new(TILL | {"password": "hunter2"}, NOW)
    assert isinstance(read, list) and "hunter2" not in read[0].message


def test_a_change_keeps_what_it_does_not_name() -> None:
    old = CredentialRequest("crm", "events:write", NOW + 5, CredentialLimits(10, 0.5), "key")
    assert read_change({}, old, NOW) == old
    assert read_change({"expiresAt": None, "limits": None}, old, NOW) == CredentialRequest(
        "crm", "events:write"
    )
    assert read_change({"limits": {"callsPerMinute": None}}, old, NOW) == CredentialRequest(
        "crm", "events:write", NOW + 5, CredentialLimits(None, 0.5)
    )
    assert fields(read_change({"kind": "till"}, old, NOW)) == ["kind"]


def test_a_rotation_overlaps_by_a_day_unless_it_says_otherwise() -> None:
    assert read_rotation({}, "key") == (24 * HOUR_MS, None)
    assert read_rotation({"overlapInHours": None}, "key") == (24 * HOUR_MS, None)
    assert read_rotation({"overlapInHours": 0.5}, "oauth") == (HOUR_MS // 2, None)
    assert read_rotation({"password": "several words"}, "till") == (24 * HOUR_MS, "several words")
    assert read_rotation({"overlapHours": 0}, "key") == (0, None)
    assert fields(read_rotation({"overlapHours": 0, "overlapInHours": 0}, "key")) == [
        "overlapHours"
    ]
    assert fields(read_rotation({"overlapHour": 0}, "key")) == ["overlapHour"]
    assert fields(read_rotation({"overlapInHours": 721}, "key")) == ["overlapInHours"]
    assert fields(read_rotation({"overlapInHours": -1}, "key")) == ["overlapInHours"]
    assert fields(read_rotation({"password": "several words"}, "key")) == ["password"]


def test_a_user_has_an_address_and_reads_unless_told_otherwise() -> None:
    made = read_new_user({"email": " Asha@ACME.example "})
    assert made == WantedUser("asha@acme.example", "", "reader")
    assert email_of("ＡSHA@acme.example") == "asha@acme.example"
    for email in (None, 5, "", "asha", "a@b@c", "a b@c", "<a@b.c>", "x" * 250 + "@b.c", "a@b\n.c"):
        assert fields(read_new_user({"email": email})) == ["email"]
    assert fields(read_new_user({"email": "a@b.c", "role": "god"})) == ["role"]
    assert fields(read_new_user({"email": "a@b.c", "org": 9})) == ["org"]


def test_a_user_is_changed_by_name_role_and_disabled_alone() -> None:
    old = WantedUser("a@b.c", "A", "reader")
    assert read_user_change({"role": "operator", "disabled": True}, old) == WantedUser(
        "a@b.c", "A", "operator", True
    )
    assert fields(read_user_change({"email": "b@b.c"}, old)) == ["email"]
    assert fields(read_user_change({"disabled": "yes"}, old)) == ["disabled"]
