"""Conformance: what was committed without an answer has its numbers, and nothing else has them."""

import pytest

from tests.store.conformance.commits.subjects import InProcessSubject
from tests.store.conformance.numbers.each_kind import MAKE, make_each
from tests.store.rows import event, new
from tidings.core.cells.ranges import RANGE_BITS, range_of
from tidings.store import port

ENDS = 1 << RANGE_BITS  # of the range 0


@pytest.mark.parametrize("left", [0, 1, 9])
def test_a_range_that_was_begun_without_an_answer_is_gone_on_from_or_left(
    in_process: InProcessSubject, left: int
) -> None:
    """Whether the same owner goes on over another connection, or the next one."""
    in_process.raise_floors(ENDS - 1 - left, ENDS - 1 - left)
    in_process.end_endless()
    in_process.grant(5, 6, 7)
    lost = port.Batch(
        in_process.load().registry_version, [event(f"lost {at}", new(1)) for at in range(3)]
    )
    in_process.lose(lambda store: store.commit(lost))
    of_lost = in_process.pending()
    assert len(of_lost) == 3
    assert list(in_process.commit(*lost.events).seqs) == [0, 0, 0]
    given = in_process.commit(event("next", new(1))).firsts[0]
    assert given > max(of_lost) and in_process.pending() == [*of_lost, given]
    assert range_of(given) in (range_of(of_lost[-1]), in_process.ranges().begun)


def test_numbers_of_all_kinds_rise_over_lost_answers_and_refusals(
    in_process: InProcessSubject,
) -> None:
    in_process.grant(3, 4, 5, 6)
    seen = [make_each(in_process, "first")]
    batch = port.Batch(in_process.load().registry_version, [event("lost", new(1))])
    in_process.lose(lambda store: store.commit(batch))
    seen.append(make_each(in_process, "second"))
    before = in_process.ranges()
    with in_process.refusing():
        for kind, make in MAKE.items():
            with pytest.raises(port.StoreDown):
                make(in_process, f"refused {kind}")
    assert in_process.ranges() == before
    seen.append(make_each(in_process, "third"))
    for kind in MAKE:
        numbers = [numbers[kind] for numbers in seen]
        assert numbers == sorted({*numbers}), kind
    assert {kind for kind in MAKE if seen[2][kind] != seen[1][kind] + 1} == {"event"}
