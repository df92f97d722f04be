"""A service that answers the commands as a test says, and keeps what they sent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Stand(ThreadingHTTPServer):
    """Stands for the service: answers each event by what its `want` says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.calls: list[tuple[str, str, bytes]] = []
        self.refuse: tuple[int, Any] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    server: Stand

    def log_message(self, format: str, *values: object) -> None:
        pass

    def do_GET(self) -> None:
        assert self.path == "/v1/caller"
        self._answer(200, {"orgId": 7})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.headers["content-type"]
        self.server.calls.append((kind, self.headers["authorization"], body))
        if self.server.refuse is not None:
            self._answer(*self.server.refuse)
            return
        events = [json.loads(line) for line in body.split(b"\n")] if "nd" in kind else None
        events = events or json.loads(body)
        events = events if isinstance(events, list) else [events]
        rows = []
        for event in events:
            row = {"eventId": event["eventId"], "status": event.get("want", "accepted")}
            if row["status"] == "rejected":
                row["error"] = {"code": "schema", "message": "data must be an object; got text."}
            rows.append(row)
        count = [row["status"] for row in rows].count
        rejected = count("rejected")
        answer = {
            "accepted": count("accepted"),
            "duplicates": count("duplicate"),
            "rejected": rejected,
            "events": rows,
        }
        self._answer(202 if rejected < len(rows) else 422, answer)

    def _answer(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    with Stand() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("TIDINGS_URL", server.url)
        monkeypatch.setenv("TIDINGS_KEY", "key:secret")
        yield server
        server.shutdown()
        thread.join()
