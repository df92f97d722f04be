"""How what reads refuse becomes an answer: every kind has a status."""

import pytest

from tidings.api.answers import as_refused, status_of
from tidings.core.form import Refusal
from tidings.reads import refusals

WHY = Refusal("odd", "It must be even; got 3. (odd, field n)", "n")
KINDS = refusals.QuestionRefused.__subclasses__()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_refusal_is_answered_with_its_reasons(
    kind: type[refusals.QuestionRefused],
) -> None:
    refused = as_refused(kind(WHY, WHY))
    assert refused.status == status_of(kind(WHY))
    assert 400 <= refused.status <= 599
    assert list(refused.refusals) == [WHY, WHY]
    assert str(refused) == WHY.message


def test_no_two_kinds_have_one_status() -> None:
    assert len({status_of(kind(WHY)) for kind in KINDS}) == len(KINDS) == 6


def test_who_met_an_overload_is_told_when_to_come_again() -> None:
    assert as_refused(refusals.Overload(WHY)).headers == {"retry-after": "1"}
    assert as_refused(refusals.Conflict(WHY)).headers == {}
