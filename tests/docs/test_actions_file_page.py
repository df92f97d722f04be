"""docs/actions-file.md names every field that a file of actions may have, and says their bounds."""

import re

import pytest

from tests.docs.errors.error_codes import DOCS
from tidings.core.actions.file import credentials, declared_actions, heard, when
from tidings.core.actions.file import lookup_tables as lookups
from tidings.core.actions.file.acts import acts
from tidings.core.actions.file.acts.http_calls import METHODS
from tidings.core.actions.file.document import FILE_BYTES_MAX
from tidings.core.actions.file.table import in_words
from tidings.core.actions.file.templates import FILE_BYTES_MAX as TEMPLATE_BYTES_MAX
from tidings.core.shaping.transformation_rules import TEMPLATE_MAX

PAGE = (DOCS / "actions-file.md").read_text("utf-8")
NAMED = set(re.findall(r"`\"?([\w.]+)", PAGE))


@pytest.mark.parametrize(
    "fields",
    [
        {field for fields in lookups._OWN.values() for field in fields},
        lookups._COMMON,
        {field for field in declared_actions._FIELDS if field != "languages"},
        acts.KINDS,
        credentials.TYPES,
        credentials._TOKEN_FIELDS,
        ["account", "scope"],
        ["org", "POST", "taken", "untaken", "idempotency", "contentType", "to", "subject", "topic"],
    ],
    ids=range(8),
)
def test_each_field_is_named(fields: list[str]) -> None:
    assert {*fields} - NAMED == set()
    assert "actions.NAME.languages.de" in PAGE and METHODS[0] == "POST"


def test_the_bounds_are_those_of_the_code() -> None:
    for said in (
        f"at most {FILE_BYTES_MAX >> 20} MiB",
        f"{TEMPLATE_BYTES_MAX >> 10} KiB, of which {TEMPLATE_MAX:,} characters",
        f"at most {credentials.CREDENTIALS_MAX}",
        f"at most {lookups.LOOKUPS_MAX}",
        f"at most {declared_actions.ACTIONS_MAX}",
        f"at most {declared_actions.LOOKUPS_MAX} |",
        f"up to `{in_words(lookups.CACHE_MAX_S)}`",
        f"`{in_words(lookups.DEADLINE_MIN_S)}` to `{in_words(lookups.DEADLINE_MAX_S)}`",
        f"0.01 to {lookups.RATE_MAX_PER_S:,} a second",
        f"1 to {lookups.AT_ONCE_MAX} |",
        f"up to `{in_words(when.AFTER_MAX_S)}`",
        f"(`{in_words(when.CAP_WITHIN_MIN_S)}` to `{in_words(when.CAP_WITHIN_MAX_S)}`)",
    ):
        assert said in " ".join(PAGE.split("\n")), said
    assert heard.TYPES_MAX >= 100
