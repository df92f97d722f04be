"""A start logs what is risky about the server, and is refused behind a pooler of transactions."""

import psycopg
import pytest
from structlog.testing import capture_logs

from tests.postgres_server import shared_server
from tests.store.postgres.databases import migrated
from tidings.store import port
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.inspection import server_findings, server_state
from tidings.store.postgres.inspection.server_findings import look_before_start


@pytest.fixture
def database() -> StoreDatabase:
    return StoreDatabase(migrated())


def test_what_is_risky_is_logged(database: StoreDatabase) -> None:
    with capture_logs() as logs:
        look_before_start(database)
    logged = {line["subject"]: line["finding"] for line in logs if line["event"] == "database"}
    assert logged["fsync"].startswith("fsync is off")  # of the tests' server
    assert "on this server's disk alone" in logged["commit"] and "tls" not in logged


def test_a_pooler_of_transactions_is_refused(
    database: StoreDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_state, "is_pooled", lambda *_: True)
    with pytest.raises(port.StoreRefused, match="Have the pooler work in session mode"):
        look_before_start(database)


def test_a_database_that_nobody_has_migrated_is_refused_with_the_command() -> None:
    with pytest.raises(port.StoreRefused, match="Run: tidings migrate"):
        look_before_start(StoreDatabase(shared_server().lend_database()))


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (psycopg.errors.AdminShutdown, port.StoreDown),
        (psycopg.errors.SyntaxError, port.StoreRefused),
    ],
)
def test_a_server_that_ends_meanwhile_is_down(
    error: type[psycopg.Error],
    raised: type[Exception],
    database: StoreDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read(_: StoreDatabase) -> None:
        raise error("it ends")

    monkeypatch.setattr(server_findings, "read_state", read)
    with pytest.raises(raised, match="it ends"):
        look_before_start(database)
