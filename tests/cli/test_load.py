"""`tidings reference load`: what is sent, what is said, and how it ends."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tidings.cli import main
from tidings.cli.exits import Exit
from tidings.core.shaping.reference_rules import KINDS

DONE = {"loaded": 2, "new": 1, "refused": 0, "errors": [], "ignoredFields": []}


class Stand(ThreadingHTTPServer):
    """Stands for the service."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.loads: list[tuple[str, str, bytes]] = []
        self.first: tuple[int, Any] = (200, {"count": 0})
        self.done: tuple[int, Any] = (200, DONE)


class Answers(BaseHTTPRequestHandler):
    server: Stand
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *values: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(*self.server.first)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.loads.append((self.path, self.headers["content-type"], body))
        self._answer(*self.server.done)

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    made = Stand()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("TIDINGS_URL", f"http://127.0.0.1:{made.server_address[1]}")
    monkeypatch.setenv("TIDINGS_KEY", "boss:secret")
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stores.csv"
    path.write_bytes(b"id,name\n" + b"".join(b"%d,n\n" % n for n in range(50_000)))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_sent_whole_and_its_end_is_told(
    stand: Stand, file: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    assert main(["reference", "load", kind, str(file)]) == Exit.OK
    assert stand.loads == [(f"/v1/reference/{kind}:load", "text/csv", file.read_bytes())]
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 loaded · 1 new · 0 refused" in err
    assert err.splitlines()[-1] == f"Next: tidings reference list {kind}"


def test_refused_rows_are_told_by_line_and_end_with_4(
    stand: Stand, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = [{"line": n, "code": "c", "message": f"m{n}", "field": ""} for n in range(100)]
    stand.done = 200, DONE | {"refused": 250, "errors": errors, "ignoredFields": ["colour"]}
    assert main(["reference", "load", "stores", str(file)]) == Exit.REFUSED
    err = capsys.readouterr().err
    assert "line 9: m9\n" in err and "line 10:" not in err and "and 240 more rows" in err
    assert "colour is no field of stores" in err


def test_json_goes_to_stdout(stand: Stand, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference", "load", "stores", str(file), "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == DONE


def test_a_caller_that_may_not_is_told_before_anything_is_sent(
    stand: Stand, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.first = 403, {"error": {"message": "The credential must have the scope."}}
    assert main(["reference", "load", "stores", str(file)]) == Exit.REFUSED
    assert stand.loads == [] and "must have the scope" in capsys.readouterr().err
    stand.first, stand.done = (200, {}), (503, {"error": {"message": "7 rows were stored."}})
    assert main(["reference", "load", "stores", str(file)]) == Exit.FAILED
    assert "7 rows were stored" in capsys.readouterr().err


def test_what_cannot_be_loaded_is_a_matter_of_usage(
    stand: Stand,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["reference", "load", "shoes", "a.txt"]) == Exit.USAGE
    err = capsys.readouterr().err
    assert "KIND must be" in err and "FILE must end in" in err
    assert main(["reference", "load", "stores", str(tmp_path / "no.csv")]) == Exit.USAGE
    assert "FILE must be a readable file" in capsys.readouterr().err
    monkeypatch.delenv("TIDINGS_KEY")
    assert main(["reference", "load", "stores", "a.csv"]) == Exit.USAGE
    assert "TIDINGS_KEY must be" in capsys.readouterr().err


def test_no_service_is_told_with_where_it_was_looked_for(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDINGS_KEY", "boss:secret")
    code = main(["reference", "load", "stores", str(file), "--url", "http://127.0.0.1:9"])
    assert code == Exit.UNREACHABLE
    assert "http://127.0.0.1:9 must be a running Tidings" in capsys.readouterr().err
