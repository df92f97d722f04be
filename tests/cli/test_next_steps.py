"""The next step that a command names leads on: it is never what was just typed in vain."""

import shlex

import pytest

from tidings.cli.next_steps import other_step


@pytest.mark.parametrize(
    ("step", "typed", "told"),
    [
        ("tidings webhooks test crm", "webhooks test crm", "tidings doctor"),
        (
            "tidings webhooks test crm --url http://a",
            "webhooks test crm",
            "tidings doctor --url http://a",
        ),
        ("tidings webhooks test 'a b'", "webhooks test 'a b' --json", "tidings doctor"),
        ("tidings doctor", "doctor", "tidings webhooks list"),
        ("tidings doctor crm", "doctor", "tidings webhooks list"),
        ("tidings actions check a.toml", "actions check", "tidings actions check --help"),
        ("tidings actions check a.toml", "actions check a.toml", "tidings actions check --help"),
        ("tidings doctor --org 7", "doctor --org 7", "tidings webhooks list --org 7"),
        (
            "tidings webhooks test crm --url http://a --profile 'my own'",
            "webhooks test crm --url=http://a --profile 'my own' --json",
            "tidings doctor --url http://a --profile 'my own'",
        ),
        ("tidings sources lag", "sources lag --fail-above 5", "tidings doctor"),
    ],
)
def test_what_was_typed_is_not_named_again(step: str, typed: str, told: str) -> None:
    assert other_step(step, shlex.split(typed)) == told


@pytest.mark.parametrize(
    ("step", "typed"),
    [
        ("tidings events list --before 7", "events list"),
        ("tidings events list --before 7", "events list --before 9"),
        ("tidings deliveries show dlv_2", "deliveries show dlv_1"),
        ("tidings actions test x --send", "actions test x"),
        ("tidings doctor crm", "webhooks test crm"),
        ("tidings tail", ""),
    ],
)
def test_what_leads_on_stays_as_it_is(step: str, typed: str) -> None:
    assert other_step(step, typed.split()) == step
