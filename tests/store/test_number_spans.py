"""Which spans of numbers are walked through each by itself."""

from tidings.store.sql.facts.number_spans import NumberSpan, spans_of

ABOVE = NumberSpan().end


def spans(held: list[int], lowest: int, *granted: int) -> list[tuple[int, int]]:
    return [
        (span.low >> 24, span.end if span.end == ABOVE else span.end >> 24)
        for span in spans_of(held, lowest, granted)
    ]


def test_own_numbers_are_one_span_whatever_is_between_them() -> None:
    assert spans([], 0) == [(0, ABOVE)]
    assert spans([2, 9, 30], 0, 2, 9, 30, 31) == [(0, ABOVE)]
    assert spans([0, 1, 5], 5, 0, 5) == [(0, ABOVE)], "all below were the only cell's"


def test_each_foreign_range_is_a_span_and_so_is_what_lies_between() -> None:
    assert spans([3], 0, 7) == [(0, 3), (3, 4), (4, ABOVE)]
    assert spans([0, 1, 7], 0, 7) == [(0, 1), (1, 2), (2, ABOVE)]
    assert spans([2, 4, 7, 8], 0, 4, 7) == [(0, 2), (2, 3), (3, 8), (8, 9), (9, ABOVE)]
