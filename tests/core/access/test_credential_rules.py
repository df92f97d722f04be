"""Bodies that make and change credentials and users: taken, or refused by field."""

from typing import Any

import pytest

from tidings.core.access.credential_rules import (
    CredentialLimits,
    CredentialRequest,
    CredentialRotation,
    read_credential,
    read_rotation,
    read_token_request,
)
from tidings.core.access.user_rules import WantedUser, email_of, read_password_change
from tidings.core.declaration import read_body
from tidings.core.overlap import HOUR_MS

NOW = 1_770_801_300_000
SCOPES = {"events": "write"}
TILL = {"kind": "till", "code": "acme.till-01", "scopes": SCOPES}


def fields(read: object) -> list[str]:
    assert isinstance(read, list), read
    for row in read:
        assert "must" in row.message and "got" in row.message and row.message.endswith(")")
    return [row.field for row in read]


def test_a_plain_key() -> None:
    made = read_credential(
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
    made = read_credential(TILL | {"password": "several words of mine"}, NOW)
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
    assert fields(read_credential(body, NOW)) == [field]


def test_a_password_that_is_refused_is_not_repeated() -> None:
    read = read_credential(TILL | {"password": "hunter2"}, NOW)
    assert isinstance(read, list) and "hunter2" not in read[0].message


def test_a_change_keeps_what_it_does_not_name() -> None:
    old = CredentialRequest("crm", "events:write", NOW + 5, CredentialLimits(10, 0.5), "key")
    assert read_credential({}, NOW, old) == old
    assert read_credential({"expiresAt": None, "limits": None}, NOW, old) == CredentialRequest(
        "crm", "events:write"
    )
    assert read_credential({"limits": {"callsPerMinute": None}}, NOW, old) == CredentialRequest(
        "crm", "events:write", NOW + 5, CredentialLimits(None, 0.5)
    )
    assert fields(read_credential({"kind": "till"}, NOW, old)) == ["kind"]


def test_a_rotation_overlaps_by_a_day_unless_it_says_otherwise() -> None:
    def rotation(body: dict[str, Any], kind: str) -> tuple[int, str | None]:
        wanted = read_rotation(body, kind)
        assert isinstance(wanted, CredentialRotation) and "words" not in repr(wanted)
        return wanted.overlap_ms, wanted.password

    assert rotation({}, "key") == (24 * HOUR_MS, None)
    assert rotation({"overlapInHours": None}, "key") == (24 * HOUR_MS, None)
    assert rotation({"overlapInHours": 0.5}, "oauth") == (HOUR_MS // 2, None)
    assert rotation({"password": "several words"}, "till") == (24 * HOUR_MS, "several words")
    assert rotation({"overlapHours": 0}, "key") == (0, None)
    assert fields(read_rotation({"overlapHours": 0, "overlapInHours": 0}, "key")) == [
        "overlapHours"
    ]
    assert fields(read_rotation({"overlapHour": 0}, "key")) == ["overlapHour"]
    assert fields(read_rotation({"overlapInHours": 721}, "key")) == ["overlapInHours"]
    assert fields(read_rotation({"overlapInHours": -1}, "key")) == ["overlapInHours"]
    assert fields(read_rotation({"password": "several words"}, "key")) == ["password"]


def test_a_user_has_an_address_and_reads_unless_told_otherwise() -> None:
    made = read_body(WantedUser, {"email": " Asha@ACME.example "})
    assert made == WantedUser("asha@acme.example", "", "reader")
    assert email_of("ＡSHA@acme.example") == "asha@acme.example"
    for email in (None, 5, "", "asha", "a@b@c", "a b@c", "<a@b.c>", "x" * 250 + "@b.c", "a@b\n.c"):
        assert fields(read_body(WantedUser, {"email": email})) == ["email"]
    assert fields(read_body(WantedUser, {"email": "a@b.c", "role": "god"})) == ["role"]
    assert fields(read_body(WantedUser, {"email": "a@b.c", "org": 9})) == ["org"]


def test_a_user_is_changed_by_name_role_and_disabled_alone() -> None:
    old = WantedUser("a@b.c", "A", "reader")
    assert read_body(WantedUser, {"role": "operator", "disabled": True}, old) == WantedUser(
        "a@b.c", "A", "operator", True
    )
    assert fields(read_body(WantedUser, {"email": "b@b.c"}, old)) == ["email"]
    assert fields(read_body(WantedUser, {"disabled": "yes"}, old)) == ["disabled"]


def test_a_password_is_set_with_a_link_or_with_the_current_one() -> None:
    words = {"password": "several words of mine"}
    current = {"email": "a@b.c", "currentPassword": "x"}
    for body in (words | {"token": "lnk_1"}, words | current, words | {"token": None} | current):
        assert not isinstance(read_password_change(body), list), body
    assert fields(read_password_change(words)) == ["email", "currentPassword"]
    assert fields(read_password_change(words | {"token": ""})) == ["token"]
    assert fields(read_password_change({"token": "lnk_1"})) == ["password"]
    assert fields(read_password_change(words | {"tokens": "lnk_1"} | current)) == ["tokens"]


def test_a_token_is_asked_for_with_key_and_secret() -> None:
    assert not isinstance(read_token_request({"key": "k", "secret": "s", "more": 1}), list)
    assert fields(read_token_request({"key": 5})) == ["key", "secret"]
    read = read_token_request({"key": "k", "secret": "hunter2" * 100})
    assert isinstance(read, list) and "hunter2" not in read[0].message
    assert "text of 700 characters" in read[0].message
