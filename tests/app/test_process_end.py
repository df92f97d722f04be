"""A process that a bound of memory has ended says so, also where it could not say it itself."""

import errno
import signal
from pathlib import Path

import pytest

import tidings.app
from tidings.process_end import NO_MEMORY, describe_end, is_of_memory
from tidings.settings.settings import Settings


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGKILL, "where memory is short"),
        (-signal.SIGABRT, "signal 6 (Aborted)"),
        (-signal.SIGABRT, "an allocation failed, or where it finds a fault of its own"),
        (-signal.SIGABRT, "ulimit -v"),
        (-signal.SIGSEGV, "signal 11"),
        (NO_MEMORY, "ulimit -v"),
        (1, "with code 1"),
        (0, "by itself"),
        (None, "does not answer"),
    ],
)
def test_the_end_of_a_process_is_told_in_words(code: int | None, words: str) -> None:
    said = describe_end(code)
    assert words in said and said.endswith(".")


def test_who_was_killed_by_us_is_not_told_as_killed_by_the_kernel() -> None:
    assert "Tidings has killed it" in describe_end(-signal.SIGKILL, ended_by_us=True)
    for code in (-signal.SIGSEGV, 1, 0, None):  # it has ended by itself before
        assert describe_end(code, ended_by_us=True) == describe_end(code)


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (MemoryError(), True),
        (RuntimeError("can't start new thread"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ImportError("x.so: failed to map segment from shared object"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("a bug"), False),
    ],
)
def test_what_a_bound_of_memory_has_refused_is_known_by_whoever_met_it(
    error: Exception, is_so: bool
) -> None:
    met = RuntimeError("while it began")
    met.__context__ = error
    assert is_of_memory(error) is is_of_memory(met) is is_so


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
