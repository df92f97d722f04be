"""A process that a bound of memory has ended says so, also where it could not say it itself."""

import signal
from pathlib import Path

import pytest

import tidings.app
from tidings.process_end import describe_end
from tidings.settings.settings import Settings


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGKILL, "where memory is short"),
        (-signal.SIGABRT, "an allocation failed"),
        (-signal.SIGSEGV, "signal 11"),
        (1, "with code 1"),
        (0, "by itself"),
        (None, "does not answer"),
    ],
)
def test_the_end_of_a_process_is_told_in_words(code: int | None, words: str) -> None:
    said = describe_end(code)
    assert words in said and said.endswith(".")


def test_the_service_says_that_it_has_had_too_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room(work: object) -> int:
        work.close()  # type: ignore[attr-defined]
        raise MemoryError

    monkeypatch.setattr("uvloop.run", no_room)
    monkeypatch.setattr("tidings.app.log_to_stderr", lambda level: None)  # for the whole process
    monkeypatch.setattr("gc.disable", lambda: None)
    assert tidings.app.serve(Settings(data=tmp_path / "data", port=18081)) == 1
    assert "Raise the limit of the container" in capsys.readouterr().err
