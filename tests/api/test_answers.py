"""How what is refused becomes an answer: every kind has a status."""

import pytest

from tidings.api.answers import STATUS, as_refused, status_of
from tidings.errors import Busy, Conflict, FieldRefusal, RequestRefused, Throttled

WHY = FieldRefusal("odd", "It must be even; got 3. (odd, field n)", "n")


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.__name__)
def test_every_kind_of_refusal_is_answered_with_its_reasons(kind: type[RequestRefused]) -> None:
    refused = as_refused(kind(WHY, WHY))
    assert refused.status == status_of(kind(WHY))
    assert 400 <= refused.status <= 599
    assert list(refused.refusals) == [WHY, WHY]
    assert str(refused) == WHY.message


def test_no_two_kinds_have_one_status() -> None:
    assert len(set(STATUS.values())) == len(STATUS) == 12


def test_a_refusal_of_some_thing_is_answered_as_its_kind_is() -> None:
    class Odd(Conflict):
        """A number is not even."""

    assert status_of(Odd(WHY)) == status_of(Conflict(WHY)) == 409


def test_who_came_too_often_is_told_when_to_come_again() -> None:
    assert as_refused(Busy(WHY)).headers == {"retry-after": "1"}
    assert as_refused(Throttled(WHY, wait_s=1.2)).headers == {"retry-after": "2"}
    assert as_refused(Throttled(WHY)).headers == {}
    assert as_refused(Conflict(WHY)).headers == {}
