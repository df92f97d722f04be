"""A table that the outbox of a source reads, and that a webhook writes to."""

import json
from pathlib import Path
from typing import Any

import psycopg

from tests.docs.outbox_page import DDL
from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.service import ORG, ServiceProcess
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer

__all__ = ["own_service"]
FILE = """
[shop]
type = "outbox"
orgs = [{org}]
dsn = {dsn}

[crm]
type = "sql"
orgs = [{org}]
host = {host}
port = {port}
user = {user}
dbname = {dbname}

[crm.tables.tidings_outbox]
columns = ["body", "message_id"]
id = "message_id"
{headers}

[crm.tables.mirror]
columns = ["body", "message_id"]
id = "message_id"
"""
SOURCE = {
    "name": "shop",
    "type": "outbox",
    "connection": "shop",
    "mapping": {"eventName": {"constant": "pointsIssued"}, "data": {"path": "data"}},
}


def hook(table: str) -> dict[str, Any]:
    return {
        "name": f"into-{table}",
        "active": True,
        "eventNames": ["pointsIssued"],
        "webHookType": "SQL",
        "maxAllowedConnections": 2,
        "retryPolicy": {"delaysInSeconds": [1]},
        "connection": "crm",
        "sql": {"table": table, "columns": {"body": {"path": "$"}}},
    }


def served(
    own_service: NewService, postgres: PostgresServer, directory: Path, headers: str = ""
) -> tuple[ServiceProcess, str]:
    """A service over a database with an outbox, and a view of it."""
    uri = postgres.database(f"shop{len(list(directory.parent.iterdir()))}")
    with psycopg.connect(uri) as line:
        line.execute(DDL.encode())
        line.execute("ALTER TABLE tidings_outbox ADD message_id text UNIQUE")
        line.execute("CREATE VIEW mirror AS SELECT * FROM tidings_outbox")
        said = line.info
        values = {"host": said.host, "port": str(said.port), "user": said.user}
        values |= {"dbname": said.dbname, "dsn": uri}
    connections = directory / "connections.toml"
    filled = {name: json.dumps(value) for name, value in values.items()}
    filled["port"] = values["port"]
    connections.write_text(FILE.format(org=ORG, headers=headers, **filled))
    return own_service(connections=connections).start(), uri


def is_read(uri: str) -> bool:
    """Whether somebody holds the lock of an outbox."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    with psycopg.connect(uri) as line:
        return line.execute(query).fetchone() != (0,)


def test_what_a_source_reads_is_no_destination_and_the_other_way_round(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path
) -> None:
    service, _ = served(own_service, postgres, tmp_path)
    with service.api(ORG) as api:
        made = api.send("POST", "/v1/sources", SOURCE).must(201)
        refused = api.send("POST", "/v3/webHooks", hook("tidings_outbox"))
        assert refused.status == 400 and b"table_read_back" in refused.body
        api.call("DELETE", f"/v1/sources/{made['id']}")
        made = api.send("POST", "/v3/webHooks", hook("tidings_outbox")).must(200)["data"]
        refused = api.send("POST", "/v1/sources", SOURCE)
        assert refused.status == 409 and b"table_written" in refused.body
        api.delete(made)
        api.send("POST", "/v1/sources", SOURCE).must(201)


def test_nothing_is_written_into_a_view_of_what_is_read(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path
) -> None:
    """No connection says so: it is seen when the row is to be written, and is nobody's fault."""
    service, uri = served(own_service, postgres, tmp_path)
    with service.api(ORG) as api:
        api.send("POST", "/v1/sources", SOURCE).must(201)
        api.send("POST", "/v3/webHooks", hook("mirror")).must(200)
        until(lambda: is_read(uri), "an open outbox")
        [row] = api.accept(bare())
        kept = api.settled(row["eventId"], states=("retrying",))
        detail = json.dumps(kept["attemptList"])
        assert "a source reads it" in detail
        with psycopg.connect(uri) as line:
            assert line.execute("SELECT count(*) FROM tidings_outbox").fetchone() == (0,)


def test_rows_that_say_it_come_back_and_end(
    own_service: NewService, postgres: PostgresServer, tmp_path: Path
) -> None:
    service, uri = served(own_service, postgres, tmp_path, 'headers = "headers"')
    with service.api(ORG) as api:
        api.send("POST", "/v1/sources", SOURCE).must(201)
        api.send("POST", "/v3/webHooks", hook("tidings_outbox")).must(200)
        api.accept(bare())

        def ended() -> bool:
            rows = api.get("/v1/events?limit=100").must(200)["events"]
            return any((row["warning"] or "").startswith("Not delivered: ") for row in rows)

        until(ended, "the end of it")
        api.drained()
        rows = api.get("/v1/events?limit=100").must(200)["events"]
        rows = [row for row in rows if not row["eventName"].startswith("tidings.")]
        assert len(rows) == 4  # by the call, and three times by the outbox
        with psycopg.connect(uri) as line:
            found = line.execute("SELECT headers FROM tidings_outbox ORDER BY id").fetchall()
        hops = [headers["tidings-hops"].partition(";")[0] for (headers,) in found]
        assert hops == ["1", "2", "3"] and all(headers["webhook-id"] for (headers,) in found)
