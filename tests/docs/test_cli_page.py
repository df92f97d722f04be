"""docs/cli.md is made from the commands, and names every one of them."""

from pathlib import Path

from tidings.cli.app import app
from tidings.cli.help.quick_help import FILE
from tools.cli_page import help_file, page, paths

TEXT = (Path(__file__).parents[2] / "docs/cli.md").read_text("utf-8")


def test_the_page_is_current() -> None:
    assert page() == TEXT, "make docs"


def test_what_help_prints_is_current() -> None:
    assert help_file() == Path(FILE).read_text("utf-8"), "make docs"


def test_every_command_has_its_heading() -> None:
    for path in paths(app, ()):
        assert f"# tidings {' '.join(path)}\n" in TEXT


def test_the_page_ends_with_what_to_do_when_it_did_not_work() -> None:
    assert [line for line in TEXT.splitlines() if line.startswith("## ")][-1] == (
        "## If it did not work"
    )
