"""The page of e-mails says what is so."""

import json
import re
from pathlib import Path

from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.connections import load_connections
from tidings.connections.port import command_of
from tidings.connections.smtp_server import server_of
from tidings.connections.smtp_type import EXTRA, FIELDS
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.targets.mailing import SUBJECT_SHOWN_MAX, TO_MAX
from tidings.transform.port import OUTPUT_MAX

PAGE = (Path(__file__).parents[3] / "docs" / "destinations-email.md").read_text("utf-8")
[FILE] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
[SHOWN] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_webhook_on_the_page_goes_over_the_connection_on_the_page(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    file.write_text(FILE)
    connections = load_connections(file, CONNECTION_TYPES, {"SMTP_PASSWORD": "hush"})
    connection = connections["mail"]
    assert {field.name for field in FIELDS} - connection.fields.keys() == {"port", "ca"}
    assert server_of(connection).port == 587
    known = Known(
        event_types=("pointsIssued",),
        check_url=lambda _: None,
        connections=connections,
    )
    body = json.loads(SHOWN) | {"methodType": "POST", "webHookHeaders": {}}
    reading = read_webhook(body, known, strict=True)
    assert isinstance(reading, ParsedWebhookBody) and not reading.warnings


def test_the_bounds_on_the_page_are_those_that_hold() -> None:
    assert command_of(EXTRA) in PAGE and f"1 to {TO_MAX} plain addresses" in PAGE
    assert f"at most {SUBJECT_SHOWN_MAX} characters" in PAGE
    assert f"at most {OUTPUT_MAX >> 10} KiB" in PAGE
