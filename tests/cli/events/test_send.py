"""`tidings send`: what is posted, what is printed, and how it ends."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.events.answering_service import Stand, stand
from tidings.cli import main
from tidings.cli.events.send import LINES_PER_CALL, parts
from tidings.cli.exits import Exit

__all__ = ["stand"]  # the fixture


def give(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))


def test_an_event_is_posted_as_it_is(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(b'{\n "eventId": "a1",  "amount": 1.50\n}')
    assert main(["send", str(file)]) == Exit.OK
    assert stand.calls == [("application/json", "Basic a2V5OnNlY3JldA==", file.read_bytes())]
    out, err = capsys.readouterr()
    assert out == "a1  accepted\n"
    assert err == "1 accepted · 0 duplicates · 0 rejected\nNext: tidings show a1\n"


def test_lines_are_posted_in_groups(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'{{"eventId":"e{n}"}}' for n in range(LINES_PER_CALL + 1)]
    give(monkeypatch, "\n".join(lines) + "\n\n")
    assert main(["send", "-"]) == Exit.OK
    assert [body.count(b"eventId") for _, _, body in stand.calls] == [LINES_PER_CALL, 1]
    assert {kind for kind, _, _ in stand.calls} == {"application/x-ndjson"}


def test_groups_are_bounded_by_bytes() -> None:
    line = b'{"x":"' + b"x" * (1 << 20) + b'"}'
    sizes = [body.count(b"\n") + 1 for _, body in parts(b"\n".join([line] * 7))]
    assert sizes == [3, 3, 1]


def test_a_rejected_event_is_told_and_ends_with_4(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, '[{"eventId":"a","want":"duplicate"},{"eventId":"b","want":"rejected"}]')
    assert main(["send", "-"]) == Exit.REFUSED
    out, err = capsys.readouterr()
    assert out == "a  duplicate\nb  rejected  data must be an object; got text.\n"
    assert err.startswith("0 accepted · 1 duplicates · 1 rejected\n")


def test_json_prints_one_row_a_line(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, '[{"eventId":"a"},{"eventId":"b"}]')
    assert main(["send", "-", "--json"]) == Exit.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["eventId"] for row in rows] == ["a", "b"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, Exit.REFUSED), (413, Exit.REFUSED), (404, Exit.NOT_FOUND), (503, Exit.FAILED)],
)
def test_a_refused_call_says_why_in_the_words_of_the_service(
    stand: Stand,
    status: int,
    code: Exit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stand.refuse = (status, {"error": {"code": "x", "message": "The key must be known."}})
    give(monkeypatch, '{"eventId":"a"}')
    assert main(["send", "-"]) == code
    said, *more = capsys.readouterr().err.splitlines()
    assert said == "The key must be known."
    assert more == (["It came from TIDINGS_KEY.", "Next: tidings doctor"] if status == 401 else [])


def test_an_answer_that_is_not_the_service_s_is_told(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.refuse = (200, "hello")
    give(monkeypatch, '{"eventId":"a"}')
    assert main(["send", "-"]) == Exit.FAILED
    said = f"{stand.url} must be a running Tidings; it answered 200 and something else."
    assert capsys.readouterr().err == f"{said} Check the URL.\n"


def test_nobody_there_is_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDINGS_KEY", "key:secret")
    give(monkeypatch, "{}")
    assert main(["send", "-", "--url", "http://127.0.0.1:1"]) == Exit.UNREACHABLE
    assert capsys.readouterr().err == (
        "http://127.0.0.1:1 must be a running Tidings; got: Connection refused. Start it with "
        "`tidings serve`, or name another by --url or TIDINGS_URL.\n"
    )


@pytest.mark.parametrize(
    ("key", "file", "url", "said"),
    [
        ("", "-", "", "TIDINGS_KEY must be key:secret; got none."),
        ("key", "-", "", "TIDINGS_KEY must be key:secret; got a key alone."),
        ("key:secret", "/no/file", "", "FILE must be a readable file, or -; got /no/file"),
        ("key:secret", "-", "ftp://x", "The URL must be like http://127.0.0.1:8080; got ftp://x."),
        ("key:secret", "-", "http://[::1", "The URL must be like http://127.0.0.1:8080"),
        ("key:secret", "-", "http://h:x", "The URL must be like http://127.0.0.1:8080"),
    ],
)
def test_what_cannot_be_sent_is_2(
    key: str,
    file: str,
    url: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TIDINGS_KEY", key)
    monkeypatch.setenv("TIDINGS_URL", url)
    give(monkeypatch, "{}")
    assert main(["send", file]) == Exit.USAGE
    assert capsys.readouterr().err.startswith(said)


def test_nothing_to_send_is_2(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, "\n\n")
    assert main(["send", "-"]) == Exit.USAGE
    assert capsys.readouterr().err.startswith("FILE must contain at least one event")
