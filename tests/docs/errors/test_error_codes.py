"""Every code that may be answered stands in docs/contract/errors.md, made from the code."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.errors.error_codes import CODE, DOCS, SOURCE, STATUSES, codes, page

PAGE = DOCS / "contract/errors.md"
EXAMPLES = SOURCE / "api/openapi/examples.json"


def test_the_page_is_as_it_is_made() -> None:
    assert PAGE.read_text("utf-8") == page(), "make docs"


@pytest.mark.parametrize(
    "code",
    [
        "number_too_large",
        "bad_json",
        "store_down",
        "51007",
        "4001",
        "too_many_tries",
        "flow_unknown",
    ],
)
def test_the_gathering_finds_codes_however_they_are_given(code: str) -> None:
    assert code in codes() and f"| `{code}` |" in PAGE.read_text("utf-8")


def test_what_was_answered_when_the_examples_were_recorded_is_among_them() -> None:
    """The examples are answers of a service that ran: the gathering has missed none of theirs."""
    known = set(codes())
    answered = set(_answered(json.loads(EXAMPLES.read_text("utf-8"))))
    assert answered and answered - known - STATUSES == set()


def test_what_the_other_pages_name_as_a_code_is_one() -> None:
    """In tables of codes and in sentences about refusals: `code` (status)."""
    known = set(codes())
    text = "\n".join(
        path.read_text("utf-8")
        for path in DOCS.rglob("*.md")
        if path != PAGE and "events" != path.parent.name
    )
    named = set(
        re.findall(r"\d{3} `([a-z]+(?:_[a-z]+)+)`|^\| `([a-z]+(?:_[a-z]+)+)` \(\d{3}\)", text, re.M)
    )
    assert len(named) > 20
    assert {row or other for row, other in named} - known == set()


def _answered(value: Any) -> Iterator[str]:
    """The codes of errors and warnings in answers."""
    if isinstance(value, dict):
        if isinstance(value.get("message"), str) and CODE.fullmatch(str(value.get("code"))):
            yield str(value["code"])
        for row in value.values():
            yield from _answered(row)
    elif isinstance(value, list):
        for row in value:
            yield from _answered(row)
