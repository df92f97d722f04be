"""`tidings connections`: what there is, where it leads, and whether it works."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.service import KEY, SECRET
from tests.postgres_server import PostgresServer, shared_server

__all__ = ["own_service"]
PASSWORD = "hush-hush-4711"


@pytest.fixture(scope="module")
def postgres() -> PostgresServer:
    return shared_server()


@pytest.fixture
def command(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path
) -> Callable[[str], Command]:
    """The command with a credential, of a service with two connections."""
    file = tmp_path / "connections.toml"
    file.write_text(
        f'[main]\ntype = "kafka"\nservers = "127.0.0.1:1"\norgs = "all"\n'
        f'security = "sasl_plaintext"\nusername = "tidings"\npassword = "{PASSWORD}"\n'
        f'[shop]\ntype = "outbox"\ndsn = "{postgres.uri("postgres")}"\n'
    )
    service = own_service(connections=file).start()

    def with_key(key: str = f"{KEY}:{SECRET}") -> Command:
        return Command(tmp_path, TIDINGS_URL=f"http://127.0.0.1:{service.port}", TIDINGS_KEY=key)

    return with_key


def test_the_operator_sees_all_and_where_they_lead(command: Callable[..., Command]) -> None:
    tidings = command()
    listed = tidings("connections", "list").must()
    assert "main" in listed.out and "the platform alone" in listed.out
    assert "2 connections" in listed.err
    assert [row["name"] for row in tidings("connections", "list", "--json").rows] == [
        "main",
        "shop",
    ]

    checked = tidings("connections", "check", "shop").must()
    assert "shop works: it let us in within" in checked.err and checked.out == ""
    assert "Next: tidings connections show shop" in checked.err
    failed = tidings("connections", "check", "main").must(1)
    assert "The Kafka cluster of the connection main must answer" in failed.err
    row = tidings("connections", "check", "main", "--json").row
    assert row["works"] is False and "127.0.0.1" not in row["message"]

    shown = tidings("connections", "show", "main").must()
    for word in ("127.0.0.1:1", "tidings", "all orgs", "✗ fails", "must answer"):
        assert word in shown.out, word
    assert PASSWORD not in shown.out + tidings("connections", "show", "main", "--json").out
    assert "✓ works" in tidings("connections", "list").out


def test_an_org_sees_what_it_may_name_and_not_where_it_leads(
    command: Callable[..., Command],
) -> None:
    scopes = ("--scope", "webhooks:write")
    made = command()("credentials", "create", "crm", *scopes, "--json").must().row
    tidings = command(f"{made['id']}:{made['secret']}")
    assert [row["name"] for row in tidings("connections", "list", "--json").rows] == ["main"]
    shown = tidings("connections", "show", "main").must()
    assert "127.0.0.1" not in shown.out and "of all orgs" not in shown.out
    assert tidings("connections", "show", "shop").code == 3
    assert tidings("connections", "check", "main").code == 1


def test_doctor_looks_at_those_that_something_goes_over(
    command: Callable[..., Command], tmp_path: Path
) -> None:
    tidings = command()
    assert "connection" not in tidings("doctor").must().out
    for name, kind, more in (("orders", "outbox", {}), ("loyalty", "kafka", {"topics": ["a"]})):
        file = tmp_path / f"{name}.json"
        over = {"outbox": "shop", "kafka": "main"}[kind]
        file.write_text(json.dumps({"type": kind, "connection": over, kind: more}))
        tidings("sources", "create", name, str(file), "--json").must()
        if kind == "outbox":
            told = tidings("doctor").must(1)  # the source has no table there: that is told beside
            assert "✓ connection  shop works." in told.out and "✗ sources" in told.out
    done = tidings("doctor").must(1)
    assert "✗ connection  The Kafka cluster of the connection main must answer" in done.out
    assert "Next: tidings connections check main" in done.err
