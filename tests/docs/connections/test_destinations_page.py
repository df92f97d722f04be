"""What the page on destinations shows is what works."""

import json
import re
import tomllib
from pathlib import Path

from tests.core.webhooks.type_bodies import KNOWN, made
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.connections import load_connections
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import ReceiverAnswer
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook_types import OFFERED
from tidings.destinations.kafka.verdicts import _MEANINGS, refused

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "destinations.md").read_text("utf-8")


def test_the_connections_of_the_page_can_be_declared(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    shown = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for text in shown:
        file.write_text(text)
        found = load_connections(file, CONNECTION_TYPES)
        assert (found.default is not None) is ("default" in tomllib.loads(text)["main"])
    assert len(shown) == 2


def test_the_webhook_of_the_page_is_taken() -> None:
    [shown] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    settings = made(json.loads(shown))
    assert settings.kafka is not None
    connection = Connection("main", "kafka", {"publishes": ["crm.{org}.*"]})
    assert KNOWN and settings.kafka.outside(connection, OrgId(2001)) is None
    assert settings.kafka.outside(connection, OrgId(200)) is not None


def test_every_type_is_on_the_page() -> None:
    assert all(f"| `{name}` |" in PAGE for name in OFFERED)


def test_what_kafka_says_is_what_the_page_says() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+) \| (\d+) \| ([a-z]+)", PAGE, re.MULTILINE)
    codes = {meaning.name: code for code, meaning in _MEANINGS.items()}
    shown = [
        (name, int(status), then) for names, status, then in rows for name in names.split(", ")
    ]
    for name, status, then in shown:
        result = refused(codes[name.strip("`")], "crm", 0, 0.0, DEFAULT_POLICY)
        assert isinstance(result.ending, ReceiverAnswer) and result.ending.status == status, name
        assert (result.verdict == "never") is (then == "failed"), name
    assert len(shown) > 10
