"""The client libraries of declared connections are there before the service answers."""

from pathlib import Path

from tests.e2e.harness.fixtures import NewService

CONNECTIONS = """
[broker]
type = "kafka"
servers = "127.0.0.1:1"

[mail]
type = "smtp"
host = "127.0.0.1"
sender = "news@brand.example"

[rows]
type = "sql"
dsn = "postgresql://nobody@127.0.0.1:1/none"
"""


def test_a_service_has_imported_them_before_it_answers(
    tmp_path: Path, own_service: NewService
) -> None:
    declared = tmp_path / "connections.toml"
    declared.write_text(CONNECTIONS)
    service = own_service(connections=declared).start()
    loaded = Path(f"/proc/{service.pid}/maps").read_text()
    assert "psycopg" in loaded and "aiokafka" in loaded
    plain = own_service().start()
    loaded = Path(f"/proc/{plain.pid}/maps").read_text()
    assert "psycopg" not in loaded and "aiokafka" not in loaded
