"""What the page on tables shows is what works, in a real PostgreSQL."""

import json
import re
import tomllib
from pathlib import Path

import psycopg

from tests.destinations.messages import TestMessage
from tests.destinations.sql.bench import sql_hook
from tests.postgres_server import shared_server
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.connections import load_connections
from tidings.connections.port import command_of
from tidings.core.connections.tables import COLUMNS_MAX, LINES_USUAL, tables_of
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict
from tidings.core.ids import OrgId
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.destinations.sql.driver import SqlDestination
from tidings.destinations.sql.verdicts import EXPLANATIONS

PAGE = (Path(__file__).parents[3] / "docs" / "destinations-sql.md").read_text("utf-8")
[FILE] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
[DDL] = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
[SHOWN] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
EVENT = {
    "eventName": "pointsIssued",
    "createdAt": 1770801300412,
    "data": {
        "totalPointsIssued": 86.0,
        "tier": "gold",
        "customerIdentifiers": {"customerId": 7},
    },
}


async def test_the_webhook_of_the_page_writes_the_row_that_its_table_is_for(
    tmp_path: Path,
) -> None:
    file, uri = tmp_path / "connections.toml", shared_server().lend_database()
    file.write_text(FILE)
    declared = load_connections(file, CONNECTION_TYPES, {"CRM_PASSWORD": "secret"})["crm"]
    with psycopg.connect(uri, autocommit=True) as line:
        line.execute("DROP ROLE IF EXISTS tidings; CREATE ROLE tidings")
        line.execute(DDL.encode())
        here = type(declared)("crm", "sql", {"dsn": uri, "tables": declared.fields["tables"]})
        known = Known(
            event_types=("pointsIssued",), check_url=lambda _: None, connections={"crm": here}
        )
        common = {
            "name": "crm",
            "eventNames": ["pointsIssued"],
            "maxAllowedConnections": 4,
        }
        reading = read_webhook(json.loads(SHOWN) | common, known)
        assert isinstance(reading, ParsedWebhookBody), reading
        assert reading.settings.sql is not None
        channel = SqlDestination({"crm": here}).open(sql_hook(reading.settings.sql), here)
        result = await channel.send(TestMessage(json.dumps(EVENT).encode()))
        await channel.close()
        assert isinstance(result, AttemptResult) and result.verdict is DeliveryVerdict.DELIVERED, (
            result
        )
        line.execute("SET TimeZone = 'UTC'")
        row = line.execute("SELECT customer_id, tier, points::text, at::text FROM customer_state")
        assert row.fetchall() == [(7, "gold", "86.0", "2026-02-11 09:15:00.412+00")]
        line.execute("DROP TABLE customer_state; DROP SCHEMA loyalty CASCADE; DROP ROLE tidings")


def test_the_page_says_what_the_code_has() -> None:
    assert len(tables_of(tomllib.loads(FILE)["crm"], OrgId(2001))) == 2
    assert command_of("sql") in PAGE and f"at most {COLUMNS_MAX}" in PAGE
    assert f"of all webhooks together | {LINES_USUAL} |" in PAGE
    for state, said in EXPLANATIONS.items():
        assert re.search(rf"^\| .*{state}[…:, ].*{said.status}", PAGE, re.MULTILINE), state
