"""The library runs on the oldest Python that its wheel names."""

from pathlib import Path

from tests.consumer.oldest_python import OLDEST, newer

ROOT = Path(__file__).parents[2]
# Its import stands behind a question for the version, which vermin does not read.
NEWER_TYPING = {"'typing.NotRequired' member", "'typing.Required' member"}


def test_the_whole_library_runs_on_the_oldest_python_of_its_wheel() -> None:
    assert f'requires-python = ">={OLDEST}"' in (ROOT / "consumer/pyproject.toml").read_text()
    assert newer(ROOT / "src" / "tidings_consumer") == {"newer_typing.py": NEWER_TYPING}


def test_what_is_newer_is_found(tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text("import tomllib\nmatch 5:\n    case _:\n        pass\n")
    assert newer(tmp_path) == {"newer.py": {"'tomllib' module", "pattern matching"}}
