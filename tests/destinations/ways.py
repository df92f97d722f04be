"""The ways on which messages leave, each with a receiver that keeps all that it was given, and that
can be shut: then it takes nothing, and what is sent to it is tried again."""

import asyncio
import itertools
from pathlib import Path
from typing import Any, Protocol

import psycopg

from tests.destinations.email.mail_process import MailProcess
from tests.destinations.email.mail_server import Came
from tests.destinations.trials.email import EmailTrial
from tests.destinations.trials.kafka import KafkaTrial, records_of
from tests.e2e.harness.api import Api
from tests.e2e.harness.receiver import Receiver
from tests.postgres_server import PostgresServer
from tests.sources.kafka.server import KafkaServer
from tidings.core.webhooks.webhook_types import EMAIL, HTTP, KAFKA, PULL, QUEUE, SQL

_numbers = itertools.count()
_FIRST_NAME = "data.customerIdentifiers.firstName"
_ROWS = """
CREATE TABLE people (name text PRIMARY KEY, whole json);
CREATE TABLE shut ();
CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_class WHERE relname = 'shut') THEN
    RAISE EXCEPTION 'not now: %', NEW.whole USING ERRCODE = '40001';
  END IF;
  RETURN NEW;
END $$;
"""
_TABLE = """
CREATE TABLE {name} (id text PRIMARY KEY, whole json, name text, mobile text);
CREATE TRIGGER judge BEFORE INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION judge();
"""
_TABLES = [f"words_{n}" for n in range(4)]


class Way(Protocol):
    """One of them. It begins shut."""

    tests: bool
    """Whether test messages go there."""
    shapes: bool
    """Whether a transformation of the webhook's own makes the message."""
    connections: str
    """The operator's file of connections."""

    def webhook(self) -> dict[str, Any]:
        """The fields of a new webhook that leads there."""

    def opens(self) -> None:
        """From now on it takes everything."""

    def asks(self, api: Api, hooks: list[dict[str, Any]]) -> None:
        """Do what is necessary for what waits to leave."""

    def came(self) -> list[bytes]:
        """All that it was given since it was opened, with everything that came beside it."""


class HttpWay:
    """Receivers with a URL."""

    tests = shapes = True
    connections = ""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._paths: list[str] = []
        self._before: dict[str, int] = {}

    def webhook(self) -> dict[str, Any]:
        """See `Way`."""
        self._paths.append(self._receiver.path(each=[{"status": 503}]))
        url = self._receiver.url(self._paths[-1])
        return {"webHookType": HTTP, "webHookUrl": url}

    def opens(self) -> None:
        """See `Way`."""
        for path in self._paths:
            self._receiver.plan(path)
            self._before[path] = len(self._receiver.arrivals(path))

    def asks(self, api: Api, hooks: list[dict[str, Any]]) -> None:
        """See `Way`."""

    def came(self) -> list[bytes]:
        """See `Way`."""
        return [
            repr((arrival.path, arrival.headers)).encode() + arrival.body
            for path in self._paths
            for arrival in self._receiver.arrivals(path)[self._before[path] :]
        ]


class PullWay:
    """A reader, who fetches and lets the lease end as long as it is shut."""

    tests, shapes = False, True
    connections = ""

    def __init__(self) -> None:
        self._open = False
        self._came: list[bytes] = []

    def webhook(self) -> dict[str, Any]:
        """See `Way`."""
        return {"webHookType": PULL, "webHookUrl": ""}

    def opens(self) -> None:
        """See `Way`."""
        self._open = True

    def asks(self, api: Api, hooks: list[dict[str, Any]]) -> None:
        """See `Way`."""
        for hook in hooks:
            path = f"/v1/webHooks/{hook['webHookId']}"
            asked = {"leaseInSeconds": 1, "max": 100, "waitInSeconds": 0}  # asked in turns
            reply = api.send("POST", f"{path}/pull", asked)
            messages = reply.must(200)["messages"]
            if self._open and messages:
                self._came += [repr(message).encode() for message in messages]
                taken = {
                    "ackIds": [message["ackId"] for message in messages],
                    "outcome": "delivered",
                }
                api.send("POST", f"{path}/acknowledge", taken).must(200)

    def came(self) -> list[bytes]:
        """See `Way`."""
        return self._came


class EmailWay:
    """A mail server, which answers while it is shut: where one cannot be reached its connection is
    held, and no message tried. What is said in e-mails is made of the event by their own templates.
    """

    tests, shapes = True, False

    def __init__(self, server: MailProcess) -> None:
        self._server = server
        server.start()
        server.shut()
        self.connections = EmailTrial(server).connections

    def webhook(self) -> dict[str, Any]:
        """See `Way`."""
        return EmailTrial.webhook | {
            "email": {
                "to": ["ops@brand.example"],
                "subject": "To {{ data.customerIdentifiers.firstName }}, {{ data.note }}",
                "text": "{{ event }} {{ data.nested }}",
                "html": "<p>{{ data.customerIdentifiers }} {{ event.phone }}</p>",
            }
        }

    def opens(self) -> None:
        """See `Way`."""
        self._server.open()

    def ends(self) -> None:
        """Stop the mail server, which is this way's alone."""
        self._server.kill()

    def asks(self, api: Api, hooks: list[dict[str, Any]]) -> None:
        """See `Way`."""

    def came(self) -> list[bytes]:
        """See `Way`."""
        return [_written_out(email) for email in self._server.emails()]


def _written_out(mail: Came) -> bytes:
    """An e-mail as it came, and what it says to people."""
    said = [mail.content, *(f"{name}: {value}".encode() for name, value in mail.message.items())]
    for part in mail.message.walk():
        content = part.get_payload(decode=True)
        said += [content] if isinstance(content, bytes) else []
    return b"\n".join(said)


class SqlWay:
    """A table of a real PostgreSQL, with columns for personal data too."""

    tests = shapes = True

    def __init__(self, server: PostgresServer) -> None:
        self._uri = server.database(f"way_{next(_numbers)}")
        self._does(_ROWS + "".join(_TABLE.format(name=name) for name in _TABLES))
        self._free = list(_TABLES)
        self.connections = f'[main]\ntype = "sql"\ndsn = "{self._uri}"\n'
        self.connections += '[main.tables.people]\ncolumns = ["name", "whole"]\nkey = ["name"]\n'
        for name in _TABLES:
            self.connections += f'[main.tables.{name}]\ncolumns = ["whole", "name", "mobile"]\n'
            self.connections += 'id = "id"\n'

    def webhook(self) -> dict[str, Any]:
        """See `Way`."""
        return self._over(
            self._free.pop(), mobile={"path": "data.customerIdentifiers.instore.mobile"}
        )

    def by_name(self) -> dict[str, Any]:
        """One whose rows are known by a name."""
        return self._over("people")

    def _over(self, table: str, **columns: Any) -> dict[str, Any]:
        columns |= {"whole": {"path": "$"}, "name": {"path": _FIRST_NAME}}
        return {
            "webHookType": SQL,
            "webHookUrl": "",
            "connection": "main",
            "sql": {"table": table, "columns": columns},
        }

    def opens(self) -> None:
        """See `Way`."""
        self._does("DROP TABLE IF EXISTS shut")

    def asks(self, api: Api, hooks: list[dict[str, Any]]) -> None:
        """See `Way`."""

    def came(self) -> list[bytes]:
        """See `Way`."""
        return [row for name in _TABLES for row in self.rows(name)]

    def rows(self, table: str) -> list[bytes]:
        """What stands in a table."""
        with psycopg.connect(self._uri) as line:
            return [repr(row).encode() for row in line.execute(f"SELECT * FROM {table}".encode())]

    def _does(self, statements: str) -> None:
        with psycopg.connect(self._uri, autocommit=True) as line:
            line.execute(statements.encode())


class KafkaWay:
    """A topic of a real Kafka: as a webhook names it, and as the topic of the platform's queue."""

    tests = shapes = True

    def __init__(self, server: KafkaServer, kind: str) -> None:
        self._server, self._kind = server, kind
        self._trial = KafkaTrial(server)
        self.connections = self._trial.connections
        if kind == QUEUE:
            self.connections += f'orgs = "all"\ndefault = true\ntopic = "{self._trial.topic}"\n'
        self._open = False
        self._trial.delete_topic()  # the broker answers, or the connection is held

    def webhook(self) -> dict[str, Any]:
        """See `Way`."""
        if self._kind == KAFKA:
            return self._trial.webhook
        return {"webHookType": QUEUE, "webHookUrl": ""}

    def opens(self) -> None:
        """See `Way`."""
        if not self._open:
            self._trial.make_topic()
        self._open = True

    def asks(self, api: Api, hooks: list[dict[str, Any]]) -> None:
        """See `Way`."""

    def came(self) -> list[bytes]:
        """See `Way`."""
        records = asyncio.run(records_of(self._server, self._trial.topic))
        return [repr((record.key, record.headers)).encode() + record.value for record in records]


def way_of(name: str, folder: Path, fixture: Any) -> Way:
    """The way of a name; `fixture` gives what the tests share. Whoever takes it ends it: `end`."""
    if name == HTTP:
        return HttpWay(fixture("receiver"))
    if name == PULL:
        return PullWay()
    if name == EMAIL:
        return EmailWay(MailProcess(folder))
    if name == SQL:
        from tests.postgres_server import shared_server  # noqa: PLC0415  # it starts one

        return SqlWay(shared_server())
    return KafkaWay(fixture("broker"), name)


def end(way: Way) -> None:
    """Stop what a way has started; what others share goes on, open."""
    if isinstance(way, EmailWay):
        way.ends()
    else:
        way.opens()
