"""The wheel that platforms import: it is complete, and works where nothing of the service is."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.consumer.oldest_python import OLDEST, newer
from tests.consumer.wheel_tools import ROOT, UV, run
from tests.producer.told import ToldService
from tidings import __version__

ALONE = """
import sys
from tidings_producer import Outbox, Producer, event

with Producer(sys.argv[1], "k", "s", spool=sys.argv[2]) as producer:
    producer.send(event("pointsIssued", {"totalPointsIssued": 86}))
    print(producer.flush(10), producer.status().accepted)
try:
    import tidings
except ModuleNotFoundError:
    print("alone")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make wheel` does, without the network."""
    into = tmp_path_factory.mktemp("dist")
    build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--offline", "--out-dir", into)
    run(UV, *build, ROOT / "producer", cwd=ROOT)
    [made] = into.glob("*.whl")
    assert made.name == f"tidings_producer-{__version__}-py3-none-any.whl"
    return made


def test_the_wheel_holds_all_of_the_library_and_nothing_of_the_service(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    files = [path for path in (source / "tidings_producer").rglob("*") if path.is_file()]
    own = {file.relative_to(source).as_posix() for file in files if file.suffix != ".pyc"}
    assert "tidings_producer/py.typed" in own
    assert {name for name in names if ".dist-info/" not in name} == own
    info = f"tidings_producer-{__version__}.dist-info"
    assert {f"{info}/METADATA", f"{info}/licenses/LICENSE"} <= names
    assert len(names - own) <= 4


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path, told: ToldService) -> None:
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--offline", "--python", python, wheel, cwd=tmp_path)
    assert run(UV, "pip", "list", "--python", python, cwd=tmp_path).count("\n") == 3
    shown = run(python, "-I", "-c", ALONE, told.url, tmp_path / "spool", cwd=tmp_path)
    assert shown.splitlines() == ["True 1", "alone"]


def test_the_whole_library_runs_on_the_oldest_python_of_its_wheel() -> None:
    assert f'requires-python = ">={OLDEST}"' in (ROOT / "producer/pyproject.toml").read_text()
    assert newer(ROOT / "src" / "tidings_producer") == {}


def test_what_it_exports_is_named(tmp_path: Path) -> None:
    """A type checker that follows no hidden imports finds each name."""
    program = tmp_path / "program.py"
    init = (ROOT / "src/tidings_producer/__init__.py").read_text("utf-8")
    names = [line.rpartition(" ")[2] for line in init.splitlines() if " as " in line]
    assert len(names) > 15
    program.write_text("".join(f"from tidings_producer import {name}\n" for name in names))
    subprocess.run([sys.executable, program], check=True, timeout=120, cwd=tmp_path)
