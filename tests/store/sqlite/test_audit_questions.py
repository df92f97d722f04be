"""What a question of the audit log costs: bounded by itself, however long the chain is."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tidings.store import port
from tidings.store.sql.audit.pages import WALKED, read_page
from tidings.store.sqlite.halves import WritingHalf

ROWS = 200_000
STEPS_MAX = 60 * WALKED  # of SQLite's machine, for one question: some for each entry it looks at
_FILL = """
WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < ?)
INSERT INTO audit SELECT 7, number, 1000 * number, 'person',
    iif(number % 2, 'usr_often', 'usr_' || (number % 50000)), '', 'console', '', '',
    iif(number % 3, 'payload.viewed', iif(number % 30000, 'webhook.changed', 'org.changed')),
    iif(number % 3, 'payload', iif(number % 30000, 'webhook', 'org')),
    'w' || (number % 1000), NULL, X'7b7d', 1, X'00' FROM n
"""


class Counted:
    """A chain of `ROWS` entries, and the steps that a question of it takes."""

    def __init__(self) -> None:
        self.half = WritingHalf(":memory:")
        self.half.connection.execute(_FILL, (ROWS,))
        self.steps = 0
        self.half.connection.set_progress_handler(self._count, 100)

    def _count(self) -> bool:
        self.steps += 100
        return False

    def page(self, **asked: Any) -> port.AuditPage:
        self.steps = 0
        found = read_page(self.half.connection.execute, port.AuditQuery(7, **asked))
        assert self.steps < STEPS_MAX, (asked, self.steps)
        return found

    def walk(self, **asked: Any) -> tuple[list[int], int]:
        """The numbers of all that fits, page by page, and how many pages that took."""
        numbers: list[int] = []
        before = None
        for pages in itertools.count(1):
            found = self.page(before=before, limit=1000, **asked)
            numbers += [entry.number for entry in found.entries]
            if (before := found.older) is None:
                return numbers, pages
        raise AssertionError


@pytest.fixture(scope="module")
def counted() -> Iterator[Counted]:
    made = Counted()
    yield made
    made.half.close()


RARE = 40_000  # an actor of four entries, each of which is of a rare action or none
FILTERS: dict[str, Any] = {
    "since_ms": 1000 * (ROWS // 2),
    "until_ms": 1000 * (ROWS // 2),
    "actor": "usr_often",
    "action": "org.changed",
    "object_kind": "webhook",
    "object": "w0",
}


@pytest.mark.parametrize("size", range(len(FILTERS) + 1))
@pytest.mark.parametrize("way", ["before", "after"])
def test_no_question_walks_the_whole_chain(counted: Counted, size: int, way: str) -> None:
    for names in itertools.combinations(FILTERS, size):
        asked = {name: FILTERS[name] for name in names}
        counted.page(**asked, **{way: ROWS if way == "before" else 0})
    nobodys = {"actor": "usr_nobody", "object": "nothing", "action": "user.removed"}
    for name, value in nobodys.items():
        assert counted.page(**{name: value}) == port.AuditPage([]), "an index says so at once"


def test_a_rare_thing_is_found_on_one_page_whatever_else_is_asked(counted: Counted) -> None:
    rare = [number for number in range(ROWS, 0, -1) if number % 30_000 == 0]
    assert counted.walk(action="org.changed") == (rare, 1)
    assert counted.walk(action="org.changed", actor="usr_often") == ([], 1)
    assert counted.walk(actor="usr_40000", object_kind="payload") == (
        [number for number in (190_000, 140_000, 90_000, 40_000) if number % 3],
        1,
    )
    wanted = [n for n in range(ROWS, 0, -1) if n % 1000 == 0]
    assert counted.walk(object="w0") == (wanted, 1)


def test_what_no_index_holds_is_found_page_by_page(counted: Counted) -> None:
    numbers, pages = counted.walk(actor="usr_often", object_kind="webhook", since_ms=150_000_000)
    assert numbers == [n for n in range(ROWS, 149_999, -1) if n % 2 and n % 3 == 0]
    assert 1 < pages <= 50_000 // WALKED + len(numbers) // 1000 + 2


def test_a_time_is_gone_to_at_once(counted: Counted) -> None:
    numbers, pages = counted.walk(since_ms=3_000_000, until_ms=3_005_000)
    assert (numbers, pages) == ([3004, 3003, 3002, 3001, 3000], 1)


def test_a_clock_that_was_set_back_hides_nothing(counted: Counted) -> None:
    run = counted.half.connection.execute
    run("SAVEPOINT late")
    try:
        run("UPDATE audit SET at_ms = at_ms - 4000000 WHERE chain = 7 AND number > 199000")
        inside = range(195_500_000, 196_000_000, 1000)
        numbers, _ = counted.walk(since_ms=195_500_000, until_ms=196_000_000)
        wanted = {ms // 1000 for ms in inside} | {ms // 1000 + 4000 for ms in inside}
        assert numbers == sorted(wanted, reverse=True)
    finally:
        run("ROLLBACK TO late")
        run("RELEASE late")
