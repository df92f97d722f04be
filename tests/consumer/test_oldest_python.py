"""The library runs on the oldest Python that its wheel names."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERMIN = Path(sys.executable).with_name("vermin")
OLDEST = "3.9"
# Its import stands behind a question for the version, which vermin does not read.
NEWER_TYPING = {"'typing.NotRequired' member", "'typing.Required' member"}


def newer(folder: Path) -> dict[str, set[str]]:
    """What needs a newer Python, by module: syntax, imports, calls. Nothing is left out."""
    command = [str(VERMIN), f"-t={OLDEST}-", "--violations", "--no-tips", "--no-parse-comments"]
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    found: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("!") or line.startswith("~"):
            current = found.setdefault(Path(line.split()[-1]).name, set())
        elif line.startswith("  "):
            current.add(line.strip().partition(" require")[0])
    assert "Minimum required versions" in done.stdout, done.stdout + done.stderr
    assert bool(found) == (done.returncode == 1), done.stdout
    return found


def test_the_whole_library_runs_on_the_oldest_python_of_its_wheel() -> None:
    assert f'requires-python = ">={OLDEST}"' in (ROOT / "consumer/pyproject.toml").read_text()
    assert newer(ROOT / "src" / "tidings_consumer") == {"newer_typing.py": NEWER_TYPING}


def test_what_is_newer_is_found(tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text("import tomllib\nmatch 5:\n    case _:\n        pass\n")
    assert newer(tmp_path) == {"newer.py": {"'tomllib' module", "pattern matching"}}
