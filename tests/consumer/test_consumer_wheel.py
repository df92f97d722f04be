"""The wheel that brands import: it is complete, and works where nothing of the service is."""

import sys
import zipfile
from pathlib import Path

import pytest

from tests.consumer.wheel_tools import ROOT, UV, run
from tidings import __version__

ALONE = """
from tidings_consumer import Router, verify
from tidings_consumer.events import PointsIssued
from tidings_consumer.testing import SECRET, example, repeated, signed

request = signed(example("pointsIssued"))
assert verify(*request, SECRET).name == "pointsIssued"
router = Router(SECRET)

@router.on(PointsIssued)
def points(event):
    print("handled", event.data["totalPointsIssued"] > 0)

print(router.receive(*request).status, router.receive(*repeated(request)).status)
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
    run(UV, *build, ROOT / "consumer", cwd=ROOT)
    [made] = into.glob("*.whl")
    assert made.name == f"tidings_consumer-{__version__}-py3-none-any.whl"
    return made


def test_the_wheel_holds_all_of_the_library_and_nothing_of_the_service(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    files = [path for path in (source / "tidings_consumer").rglob("*") if path.is_file()]
    own = {
        file.relative_to(source).as_posix()
        for file in files
        if file.parent.name != "__pycache__" and file.name[0] != "."
    }
    assert {"tidings_consumer/py.typed", "tidings_consumer/events/examples.json"} <= own
    assert {name for name in names if ".dist-info/" not in name} == own
    info = f"tidings_consumer-{__version__}.dist-info"
    assert {f"{info}/METADATA", f"{info}/licenses/LICENSE"} <= names
    assert len(names - own) <= 4


def test_the_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--offline", "--python", python, wheel, cwd=tmp_path)
    assert run(UV, "pip", "list", "--python", python, cwd=tmp_path).count("\n") == 3
    assert run(python, "-I", "-c", ALONE, cwd=tmp_path).splitlines() == [
        "handled True",
        "204 204",
        "alone",
    ]
