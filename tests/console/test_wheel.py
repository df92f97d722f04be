"""The wheel: it holds all that the console serves, and nothing that it is fetched by."""

import email
import runpy
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.cli.service_wheel import ROOT, build
from tidings import __version__

INFO = f"tidings-{__version__}.dist-info"
STATIC = "tidings/console/static/"
TAKEN = ("pyproject.toml", "README.md", "LICENSE", "scripts", "src")


def test_the_wheel_holds_what_the_console_serves_and_nothing_else_of_it(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    served = runpy.run_path(str(ROOT / "scripts" / "console_assets"), run_name="assets")["SERVED"]
    own = {path.name for path in (ROOT / "src" / STATIC).iterdir() if path.is_file()}
    wanted = own | {f"vendor/{Path(name).name}" for name in served}
    assert {name.removeprefix(STATIC) for name in names if name.startswith(STATIC)} == wanted
    templates = ROOT / "src" / "tidings" / "console" / "templates"
    found = {name for name in names if name.startswith("tidings/console/templates/")}
    assert len(found) == len(list(templates.rglob("*.html"))) > 40
    debris = ("-lock.json", ".lock", ".ready", "package.json")
    assert not [name for name in names if "/browser/" in name or name.endswith(debris)]
    about = email.message_from_bytes(zipfile.ZipFile(wheel).read(f"{INFO}/METADATA"))
    assert about["Version"] == __version__
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Author"] == "The Tidings maintainers"
    assert len(about.get_all("Project-URL") or ()) == 4
    licence = zipfile.ZipFile(wheel).read(f"{INFO}/licenses/LICENSE")
    assert licence == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("lost", ["htmx.min.js"])
def test_without_a_library_of_the_console_no_wheel_is_built(tmp_path: Path, lost: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in TAKEN:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("node_modules", lost, "__pycache__")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, source / name)
    done = build(source, tmp_path)
    assert done.returncode != 0 and not list(tmp_path.glob("*.whl"))
    assert f"got no {lost}. Run make setup" in done.stderr
