"""Tidings as the benchmark sees it: all that depends on its command, API or store."""

import base64
import http.client
import json
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw

from bench.layout import LISTENING, Hook, webhooks_of
from bench.ledger import OwnBooks
from bench.process import Process, Usage, free_port
from bench.store_server import StoreServer, reader_of

COMMAND = str(Path(sys.executable).parent / "tidings")
BOOTSTRAP = {
    "TIDINGS_BOOTSTRAP_ORG": "100",
    "TIDINGS_BOOTSTRAP_KEY": "bench",
    "TIDINGS_BOOTSTRAP_SECRET": "bench-secret-0123456789abcdef",
}
READY_PATH = "/readyz"
EVENTS_PATH = "/v1/events"
ORGS_PATH = "/v1/orgs"
WEBHOOKS_PATH = "/v3/webHooks"
REPLAYS_PATH = "/v1/replays"
METRICS_PATH = "/metrics"
CONTENT = "application/json"
ORG_HEADER = "X-Tidings-Org"
STORE_FILE = "tidings.db"
CONNECTIONS_PER_WEBHOOK = 10
SETUP_CALLERS = 4
READY_SECONDS_MAX = 60.0

# The states of a delivery as the store keeps them.
DELIVERED, FAILED, PARKED, CANCELLED = 3, 4, 5, 6


def _as(hook: Hook) -> dict[str, str]:
    return {ORG_HEADER: str(hook.org)}


class Refused(RuntimeError):
    """The product answered a call of the set-up with something other than 2xx."""


class Product:
    """One instance of the service on a data directory of its own."""

    name = "tidings"
    path = EVENTS_PATH

    def __init__(
        self,
        folder: Path,
        receiver_port: int,
        hooks: Sequence[Hook],
        *,
        apart_port: int | None = None,
        connections: int = CONNECTIONS_PER_WEBHOOK,
        cores: frozenset[int] | None = None,
        settings: Mapping[str, str] | None = None,
        fields: Mapping[str, object] | None = None,
        command: Sequence[str] = (COMMAND,),
        server: StoreServer | None = None,
    ) -> None:
        """`fields`: of all webhooks, in the place of those of a plain HTTP one; `command`: what
        is the `tidings` command of this service; `server`: where its store is, if not in files."""
        self.port = free_port()
        self.data = folder / f"data-{self.port}"
        self.log = folder / f"tidings-{self.port}.log"
        login = f"{BOOTSTRAP['TIDINGS_BOOTSTRAP_KEY']}:{BOOTSTRAP['TIDINGS_BOOTSTRAP_SECRET']}"
        self.headers = {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        self.webhooks_of = webhooks_of(hooks)
        self.listening = frozenset(
            hook.number for hook in hooks if hook.gets_events and hook.path == LISTENING
        )
        self.secrets: dict[int, str] = {}
        self._number_of: dict[str, int] = {}
        self._closed_port = free_port()
        self._receiver_port = receiver_port
        self._apart_port = receiver_port if apart_port is None else apart_port
        self._connections = connections
        self._cores = cores
        self.database = None if server is None else server.new_store()
        self._settings = {**BOOTSTRAP, **(settings or {})}
        if server is not None and self.database is not None:
            self._settings |= server.settings_of(self.database)
        self._fields = dict(fields or {})
        self._command = command
        self.start()
        try:
            self.set_up(hooks)
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        self.process = Process(
            [*self._command, "serve", "--data", str(self.data), "--port", str(self.port), "--dev"],
            env=self._settings,
            log=self.log,
            cores=self._cores,
        )

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if not self.process.running():
                raise RuntimeError(f"tidings serve ended:\n{self.process.output()}")
            try:
                if self.call("GET", READY_PATH)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(
            f"tidings was not ready within {READY_SECONDS_MAX:.0f} s:\n{self.process.output()}"
        )

    # Set-up -------------------------------------------------------------------------------------

    def set_up(self, hooks: Sequence[Hook]) -> None:
        """Make the organisations and the webhooks."""
        self.wait_ready()
        for org in sorted({hook.org for hook in hooks}):
            self.add_org(org)
        with ThreadPoolExecutor(SETUP_CALLERS) as callers:
            shares = [hooks[start::SETUP_CALLERS] for start in range(SETUP_CALLERS)]
            for _ in callers.map(self._add_webhooks, shares):
                pass

    def add_org(self, org: int) -> None:
        self._ask("POST", ORGS_PATH, {"orgId": org, "name": f"Bench {org}"})

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """Post JSON on a connection of its own; the status of the answer."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        line.request(
            "POST", path, body, {"content-type": "application/json", **self.headers, **headers}
        )
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer.status

    def _add_webhooks(self, hooks: Iterable[Hook]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for hook in hooks:
            self._add_webhook(connection, hook)
        connection.close()

    def _add_webhook(self, connection: http.client.HTTPConnection, hook: Hook) -> None:
        port = self._receiver_port if hook.path == LISTENING else self._apart_port
        wanted = {
            "name": f"bench-{hook.number}",
            "active": True,
            "eventNames": [hook.event_name],
            "webHookType": "HTTP",
            "webHookUrl": hook.url(port, self._closed_port),
            "methodType": "POST",
            "webHookHeaders": {},
            "maxAllowedConnections": self._connections,
        } | self._fields
        answer = self._ask("POST", WEBHOOKS_PATH, wanted, {ORG_HEADER: str(hook.org)}, connection)
        made = answer["data"]
        self._number_of[made["webHookId"]] = hook.number
        if hook.number in self.listening and "signingSecret" in made:
            self.secrets[hook.number] = made["signingSecret"]

    def _ask(
        self,
        method: str,
        path: str,
        body: object,
        headers: dict[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> Any:
        status, answer = self.call(method, path, body, headers, connection)
        if not 200 <= status < 300:
            raise Refused(
                f"{method} {path} was answered {status}: {answer[:500].decode(errors='replace')}"
            )
        return json.loads(answer)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> tuple[int, bytes]:
        line = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = None if body is None else json.dumps(body)
        line.request(
            method,
            path,
            sent,
            {"content-type": CONTENT, **self.headers, **(headers or {})},
        )
        answer = line.getresponse()
        content = answer.read()
        if connection is None:
            line.close()
        return answer.status, content

    def ask(self, method: str, path: str, body: object, org: int) -> Any:
        """Make one call for an org; what it answers. Refused where that is no success."""
        return self._ask(method, path, body, {ORG_HEADER: str(org)})

    def webhook_id(self, number: int) -> str:
        """Return the id of a webhook that was made."""
        return next(id for id, found in self._number_of.items() if found == number)

    # What people do -----------------------------------------------------------------------------

    def post_events(self, events: Sequence[bytes], line: http.client.HTTPConnection) -> None:
        """One call with many events, all of which must be accepted."""
        body = b"[" + b",".join(events) + b"]"
        line.request("POST", EVENTS_PATH, body, {"content-type": CONTENT, **self.headers})
        answer = line.getresponse()
        reply = json.loads(answer.read())
        if reply.get("accepted") != len(events):
            raise Refused(
                f"{len(events)} events in one call were answered {answer.status}: {reply}"
            )

    def stand(self, hook: Hook, verb: str) -> None:
        """Enable, disable, pause or resume a webhook."""
        self._ask("POST", f"{WEBHOOKS_PATH}/{self._id_of(hook)}/{verb}", {}, _as(hook))

    def replay_missed(self, hook: Hook, since_ms: int, rate: float) -> str:
        """Ask for everything that a webhook has missed since then; the job's id."""
        wanted = {"webHookId": self._id_of(hook), "missedSince": since_ms, "ratePerSecond": rate}
        return str(self._ask("POST", REPLAYS_PATH, wanted, _as(hook))["id"])

    def replay(self, hook: Hook, job: str) -> dict[str, Any]:
        """How far a job is."""
        found: dict[str, Any] = self._ask("GET", f"{REPLAYS_PATH}/{job}", None, _as(hook))
        return found

    def figure(self, name: str) -> float:
        """One figure of `/metrics` that has no labels."""
        text = self.call("GET", METRICS_PATH)[1].decode()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise RuntimeError(f"the service has no figure {name}")

    def _id_of(self, hook: Hook) -> str:
        return self.webhook_id(hook.number)

    # Books --------------------------------------------------------------------------------------

    def unfinished(self) -> int:
        """Deliveries that are not final, by the store."""
        [(count,)] = self._rows(
            "SELECT (SELECT count(*) FROM delivery WHERE state = 0)"
            " + (SELECT count(*) FROM delivery WHERE state = 2)"
        )
        return int(count)

    def replayed(self) -> tuple[int, int, int, int]:
        """Of all replays: deliveries made, of how many events, delivered, and attempts lost."""
        [row] = self._rows(
            "SELECT count(*), count(DISTINCT r.event), count(CASE WHEN d.state = 3 THEN 1 END),"
            " (SELECT count(*) FROM attempt WHERE kind = 'lost')"
            " FROM delivery_replay r JOIN delivery d ON d.id = r.delivery"
        )
        made, events, delivered, lost = (int(value or 0) for value in row)
        return made, events, delivered, lost

    def usage(self) -> Usage:
        return self.process.usage()

    def _rows(self, query: str, bindings: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        """Ask the store itself: the books must not depend on the API that is tested."""
        if self.database is not None:
            with reader_of(self.database) as rows:
                return list(rows.execute(query, bindings).fetchall())
        file = apsw.Connection(str(self.data / STORE_FILE), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return file.execute(query, bindings).fetchall()
        finally:
            file.close()

    def mark(self) -> int:
        [(seq,)] = self._rows("SELECT coalesce(max(seq), 0) FROM event")
        return int(seq)

    def books(self, mark: int) -> OwnBooks:
        """See `Target.books`."""
        delivered: dict[int, set[bytes]] = defaultdict(set)
        pending: dict[int, set[bytes]] = defaultdict(set)
        failed: dict[int, set[bytes]] = defaultdict(set)
        book_of = {DELIVERED: delivered, FAILED: failed, PARKED: failed, CANCELLED: failed}
        rows = self._rows(
            "SELECT w.id, e.id, d.state FROM event e JOIN delivery d ON d.id >= e.first_delivery"
            " AND d.id < e.first_delivery + e.deliveries AND d.event = e.seq"
            " JOIN webhook w ON w.number = d.webhook WHERE e.seq > ?",
            (mark,),
        )
        for webhook, event, state in rows:
            book_of.get(state, pending)[self._number_of[str(webhook)]].add(str(event).encode())
        return OwnBooks(delivered, pending, failed)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        return self.process.stop(number)
