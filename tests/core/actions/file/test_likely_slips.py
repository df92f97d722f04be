"""What a file of actions may say and hardly anybody means is told, and what is usual is not."""

from pathlib import Path

import pytest

from tests.core.actions.file.sound_file import FILE, KINDS, SOUND
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.actions import load_actions


def warned(tmp_path: Path, secret: str = "a secret of ours", **said: str) -> list[tuple[str, str]]:
    path = tmp_path / "actions.toml"
    path.write_text(FILE.format(**(SOUND | said)))
    made = load_actions(path, KINDS, CONNECTION_TYPES, environment={"KEY": secret})
    for warning in made.warnings:
        assert warning.line > 1 and "should" in warning.said and warning.said.endswith(".")
    return [(warning.code, warning.field) for warning in made.warnings]


def test_a_usual_file_is_not_warned_of(tmp_path: Path) -> None:
    assert warned(tmp_path) == []


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"by": '"event.data.custmerId"'}, "unknown_path", "lookups.contact.by"),
        (
            {"by": '["event.data.customerIdentifiers.customerId", "event.data.nowhere"]'},
            "unknown_path", "lookups.contact.by[1]",
        ),
        ({"values": '"event.data.coupons[0].code"'}, "unknown_path", "lookups.tier.values.id"),
        ({"value": '"Bearer ${KEY}"'}, "like_reference", "actions.b.call.json.x"),
        ({"value": '"${KEY"'}, "like_reference", "actions.b.call.json.x"),
        ({"value": '"${shop-key}"'}, "like_reference", "actions.b.call.json.x"),
        ({"value": '"$KEY"'}, "like_reference", "actions.b.call.json.x"),
        ({"value": '"{ contact.name }"'}, "like_template", "actions.b.call.json.x"),
        ({"subject": '"Hi {event.eventId}"'}, "like_template", "actions.a.mail.subject"),
        (
            {"headers": 'Authorization = "Bearer abc"'},
            "literal_proof", "lookups.tier.headers.Authorization",
        ),
        ({"headers": 'X-Api-Key = "abc"'}, "literal_proof", "actions.b.call.headers.X-Api-Key"),
        ({"security": "plaintext"}, "plaintext_mail", "actions.a.mail.connection"),
        (
            {"security": "plaintext", "host": "8.8.8.8"},
            "plaintext_mail", "actions.a.mail.connection",
        ),
    ],
)  # fmt: skip
def test_a_likely_slip_is_told_with_its_place(
    tmp_path: Path, said: dict[str, str], code: str, field: str
) -> None:
    assert (code, field) in warned(tmp_path, **said)


def test_a_path_that_only_some_of_a_look_ups_actions_lack_is_told_at_these(tmp_path: Path) -> None:
    only_coupons = {"by": '"event.data.coupons[0].code"'}
    assert warned(tmp_path, **only_coupons) == [("unknown_path", "actions.a.lookups")]


@pytest.mark.parametrize(
    "said",
    [
        {"security": "plaintext", "host": "127.0.0.1"},
        {"security": "plaintext", "host": "localhost"},
        {"security": "plaintext", "host": "10.0.0.7"},
        {"security": "plaintext", "host": "mailhog"},
        {"value": '"${KEY}"'},
        {"value": '"costs $5, or {{ event.eventId }}"'},
        {"value": '"$5"'},
        {"value": '"ask for $KEY"'},
        {"value": '"{% if contact %}{{ contact.name }}{% endif %}"'},
        {"value": '"{ x }"'},
    ],
)
def test_what_is_usual_is_not_told(tmp_path: Path, said: dict[str, str]) -> None:
    assert warned(tmp_path, **said) == []


@pytest.mark.parametrize("secret", ["${shop-key}", "x${", "$KEY", "{ event.eventId }"])
def test_what_a_variable_holds_is_no_slip_of_the_file(tmp_path: Path, secret: str) -> None:
    """Nor is it shown by a warning: it is a secret."""
    assert warned(tmp_path, secret, value='"${KEY}"') == []
    assert warned(tmp_path, value=f'"{secret}"') != []
