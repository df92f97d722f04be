"""What an entry keeps of a change: the fields that differ, no secrets, nothing without a bound."""

import msgspec
import pytest

from tidings.core.audit.actor import SERVICE
from tidings.core.audit.audit_actions import WEBHOOK_CHANGED, actions
from tidings.core.audit.entries import (
    _SECRET_WORDS,
    FIELDS_BYTES_MAX,
    Hidden,
    draft,
    encode_fields,
)


def test_of_two_versions_the_fields_are_kept_that_differ() -> None:
    before = {"url": "https://a", "name": "n", "gone": 1}
    after = {"url": "https://b", "name": "n", "new": [2]}
    made = draft(7, SERVICE, WEBHOOK_CHANGED, "wh_1", before, after)
    assert made.before is not None and made.after is not None
    assert msgspec.json.decode(made.before) == {"url": "https://a", "gone": 1}
    assert msgspec.json.decode(made.after) == {"url": "https://b", "new": [2]}


def test_secrets_are_masked_by_their_names_at_any_depth() -> None:
    told = encode_fields(
        {
            "signingSecret": "whsec_1",
            "authentication": {"type": "OAUTH", "clientSecret": "abc", "scope": "read"},
            "headers": [{"name": "Authorization", "value": "x"}],
            "api_key": "k",
            "hasSecret": True,
        }
    )
    assert b"whsec_1" not in told and b"abc" not in told and b'"k"' not in told
    assert b'"scope":"read"' in told and b'"hasSecret":true' in told


@pytest.mark.parametrize("word", _SECRET_WORDS)
@pytest.mark.parametrize("name", ["{}", "X-{}-Of-Shop", "new{}", "old_{}_1"])
def test_each_word_of_secrets_hides_what_it_names(word: str, name: str) -> None:
    for spelt in (word, word.title(), word.upper(), f"{word[:3]}_{word[3:]}"):
        field = name.format(spelt)
        for value in ("hush", ["hush"], {"a": {"b": "hush"}}):
            assert b"hush" not in encode_fields({field: value})
            assert b"hush" not in encode_fields({"headers": {"deeper": [{field: value}]}})
        assert encode_fields({field: True}) == msgspec.json.encode({field: True})


def test_values_and_all_of_them_are_bounded() -> None:
    told = encode_fields({f"f{n}": "x" * 1000 for n in range(100)} | {"long": "y" * 100_000})
    assert len(told) <= FIELDS_BYTES_MAX + 1000
    assert b"yyy" not in encode_fields({"long": "y" * 100_000})
    made = draft(1, SERVICE, WEBHOOK_CHANGED, "x" * 10_000, None, {"n" * 10_000: 1})
    assert made.object is not None and len(made.object) <= 200
    assert made.after is not None and len(made.after) < 300


def test_every_action_is_called_by_its_object() -> None:
    for name, action in actions().items():
        assert name == action.name and name.startswith(f"{action.object}.")
        assert not action.summary.endswith(".")


def test_of_what_is_hidden_it_is_told_that_it_was_changed_and_not_how() -> None:
    before = {"url": Hidden("a?k=1", "a?k=…"), "clientSecret": "abc", "keys": {"x": Hidden(b"1")}}
    after = {"url": Hidden("a?k=2", "a?k=…"), "clientSecret": "def", "keys": {"x": Hidden(b"2")}}
    made = draft(7, SERVICE, WEBHOOK_CHANGED, "wh_1", before, after)
    assert made.before is not None and made.after is not None
    assert msgspec.json.decode(made.before) == {
        "url": "a?k=…",
        "clientSecret": "…",
        "keys": {"x": "…"},
    }
    assert msgspec.json.decode(made.after) == {
        "url": "a?k=… (changed)",
        "clientSecret": "… (changed)",
        "keys": {"x": "… (changed)"},
    }
    same = draft(7, SERVICE, WEBHOOK_CHANGED, "wh_1", before, before | {"name": "n"})
    assert same.after is not None and msgspec.json.decode(same.after) == {"name": "n"}
    assert "abc" not in repr(Hidden("abc"))
