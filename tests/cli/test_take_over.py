"""`tidings sources take-over`: the operator alone, after a question."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess

NOWHERE = f"""
[shop]
type = "outbox"
orgs = [{ORG}]
dsn = "postgresql://nobody@127.0.0.1:1/nothing"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service with a connection to the database of a shop."""
    directory = tmp_path_factory.mktemp("shop")
    connections = directory / "connections.toml"
    connections.write_text(NOWHERE)
    made = ServiceProcess(directory / "store", connections=connections)
    try:
        yield made.start()
    finally:
        made.end()


def test_a_table_is_taken_over_by_command(shop: ServiceProcess, tmp_path: Path) -> None:
    tidings = Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{shop.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
        TIDINGS_ORG=str(ORG),
    )
    with shop.api(ORG) as api:
        source = {"name": "shop", "type": "outbox", "connection": "shop"}
        api.send("POST", "/v1/sources", source).must(201)
        sent_to = {"type": "header", "header": "X-Key", "value": "a value that is long"}
        api.send("POST", "/v1/sources", {"name": "calls", "verification": sent_to}).must(201)
        asked = tidings("sources", "take-over", "shop").must(2)
        assert "--yes" in asked.err and not asked.out
        done = tidings("sources", "take-over", "shop", "--yes").must()
        assert "shop takes over its table." in done.err
        assert "Next: tidings sources show shop" in done.err
        row = tidings("sources", "take-over", "shop", "--yes", "--json").must().row
        assert (row["name"], row["type"]) == ("shop", "outbox")
        refused = tidings("sources", "take-over", "calls", "--yes").must(3)
        assert "the id of a source of type outbox" in refused.err
        made = (
            tidings("credentials", "create", "brand", "--scope=sources:write", "--json").must().row
        )
        key = f"{made['id']}:{made['secret']}"
        refused = tidings("sources", "take-over", "shop", "--yes", TIDINGS_KEY=key).must(4)
        assert "platform" in refused.err
