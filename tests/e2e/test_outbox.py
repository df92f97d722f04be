"""An application tells of what it commits through its outbox, whoever is killed on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.fixtures import NewService
from tests.postgres_server import PostgresServer
from tests.sources.trials.outbox import outbox_trial


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


@pytest.mark.parametrize(
    "rows", [2_000, pytest.param(100_000, marks=[pytest.mark.systems, pytest.mark.timeout(900)])]
)
def test_what_is_committed_is_accepted_once_in_order_and_nothing_else_is(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path, rows: int
) -> None:
    """The service is killed twice on the way, and PostgreSQL once."""
    books = outbox_trial(own_service, postgres, tmp_path, rows)
    assert books.events >= rows
    assert books.accepted == books.due
