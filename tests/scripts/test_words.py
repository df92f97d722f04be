"""Docstrings of public functions open with a verb, wherever in the sources they stand."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
ANYWHERE = [
    "src/tidings/settings/file.py",
    "src/tidings_consumer/answers.py",
    "src/tidings_producer/spool/records.py",
]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    for name in ("words.py", "words.toml"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    return tmp_path


def check(folder: Path, path: str, code: str) -> tuple[int, str]:
    file = folder / path
    file.parent.mkdir(parents=True)
    file.write_text(code)
    ended = subprocess.run(
        [sys.executable, folder / "scripts/words.py"], capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("path", ANYWHERE)
@pytest.mark.parametrize("begin", ["", "async "])
def test_a_public_function_opens_with_a_verb(sources: Path, path: str, begin: str) -> None:
    code = f'{begin}def pack(body):\n    """A record."""\n'
    place = f"{path}:1: the docstring of pack"
    expected = f"{place} must open with a verb of words.toml; got A.\n"
    assert check(sources, path, code) == (1, expected)


def test_a_method_is_a_function(sources: Path) -> None:
    code = 'class Segment:\n    def sync(self):\n        """It is on the disk."""\n'
    assert "2: the docstring of sync must open with a verb" in check(sources, ANYWHERE[0], code)[1]


@pytest.mark.parametrize(
    "code",
    [
        'def pack(body):\n    """Return a body as a record."""\n',
        'def pack(body):\n    """Return: a body as a record."""\n',
        "def pack(body):\n    return body\n",
        'def _pack(body):\n    """A record."""\n',
        'class Segment:\n    @property\n    def size(self):\n        """Bytes of the file."""\n',
        'class Segment:\n    @cached_property\n    def size(self):\n        """Bytes of it."""\n',
        '@route("GET", "/orgs")\nasync def orgs(request):\n    """All orgs."""\n',
        'class Segment:\n    """A file of records."""\n',
    ],
    ids=["verb", "colon", "none", "private", "property", "cached property", "route", "class"],
)
def test_others_may_name_the_thing(sources: Path, code: str) -> None:
    assert check(sources, ANYWHERE[0], code) == (0, "")


@pytest.mark.parametrize(
    "path",
    ["src/tidings_consumer/events/sale.py", "src/tidings/console/browser/node_modules/a/check.py"],
)
def test_foreign_sentences_are_left_alone(sources: Path, path: str) -> None:
    assert check(sources, path, 'def total(sale):\n    """The total."""\n') == (0, "")
