"""The plans that SQLite makes of the statements that a store runs."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import apsw
import pytest

from tests.store.rows import HOUR_MS, event, failing, new, settled
from tidings.store import port
from tidings.store.sql.queries import Queries
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf


class Store(NamedTuple):
    """Both halves on a store with some rows in each state."""

    writing: WritingHalf
    queries: Queries


@pytest.fixture(scope="module", params=["analysed", "as it is"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """With and without the statistics of ANALYZE: the plans must not hang on them."""
    place = tmp_path_factory.mktemp("plans")
    writing = WritingHalf(place / FILE)
    for number in range(40):
        receipt = writing.commit(
            port.Batch(1, [event(f"e{number}-{i}", new(1), new(1 + i, i % 5)) for i in range(20)])
        )
        first = receipt.firsts[0]
        writing.commit(
            port.Batch(
                0, settled=[settled(first + i) for i in range(30)] + [failing(first + 31, HOUR_MS)]
            )
        )
    if request.param == "analysed":
        writing.connection.execute("ANALYZE").fetchall()
    yield Store(writing, Queries(writing.connection))
    writing.close()


def plans(connection: apsw.Connection, action: Callable[[], object]) -> dict[str, str]:
    """The plan of each statement that an action runs, by the statement."""
    caught: dict[str, Any] = {}

    def caught_statement(_: apsw.Cursor, statement: str, bindings: Any) -> bool:
        caught.setdefault(statement.strip(), bindings)
        return True

    connection.set_exec_trace(caught_statement)
    try:
        action()
    finally:
        connection.set_exec_trace(None)
    return {
        statement: "\n".join(
            row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)
        )
        for statement, bindings in caught.items()
        if re.match(r"(SELECT|UPDATE|INSERT|DELETE|WITH)\b", statement)
    }


def uses(plan: str, expected: str) -> bool:
    """The plan searches by the index and neither scans a table nor sorts."""
    searches = re.search(rf"SEARCH \w+ USING {expected}(?: |$)", plan, re.MULTILINE)
    wasteful = re.search(r"\bSCAN (?!CONSTANT)|TEMP B-TREE|AUTOMATIC", plan)
    return bool(searches) and not wasteful


def explained(plans: dict[str, str], *words: str) -> str:
    """The plan of the one statement that holds all these words."""
    [plan] = [plan for text, plan in plans.items() if all(word in text for word in words)]
    return plan


PRIMARY = "INTEGER PRIMARY KEY"
