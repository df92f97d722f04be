"""What a test inbox may be called and answer with."""

from typing import Any

import pytest

from tidings.core.inbox_rules import InboxAnswer, InboxForm, read_inbox


def test_an_empty_body_answers_200_at_once() -> None:
    form = read_inbox({})
    assert isinstance(form, InboxForm)
    assert form.name == "" and form.answer == InboxAnswer(200, 0, "", ())


def test_what_is_left_out_stays() -> None:
    old = InboxAnswer(503, 100, "busy", (("A", "b"),))
    form = read_inbox({"answer": {"status": 201}}, "shop", old)
    assert isinstance(form, InboxForm)
    assert form.name == "shop" and form.answer == InboxAnswer(201, 100, "busy", (("A", "b"),))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": 5}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"answer": []}, "answer"),
        ({"answer": {"status": 199}}, "answer.status"),
        ({"answer": {"status": 600}}, "answer.status"),
        ({"answer": {"delayMs": 60_001}}, "answer.delayMs"),
        ({"answer": {"delayMs": -1}}, "answer.delayMs"),
        ({"answer": {"body": 5}}, "answer.body"),
        ({"answer": {"body": "é" * 8193}}, "answer.body"),
        ({"answer": {"headers": []}}, "answer.headers"),
        ({"answer": {"headers": {str(n): "" for n in range(21)}}}, "answer.headers"),
        ({"answer": {"headers": {"Content-Length": "5"}}}, "answer.headers.Content-Length"),
        ({"answer": {"headers": {"a b": "5"}}}, "answer.headers.a b"),
        ({"answer": {"headers": {"A": "x\r\ny"}}}, "answer.headers.A"),
        ({"answer": {"headers": {"A": "x" * 1025}}}, "answer.headers.A"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    refusals = read_inbox(body)
    assert isinstance(refusals, list)
    assert [one.field for one in refusals] == [field]
    assert "must" in refusals[0].message and "got" in refusals[0].message


def test_unknown_fields_are_warned_of() -> None:
    form = read_inbox({"nam": 1, "answer": {"stat": 1}})
    assert isinstance(form, InboxForm)
    assert [one.field for one in form.warnings] == ["nam", "answer.stat"]
