"""From `pip install` to the first mail, by the page alone: docs/actions.md is what is run."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/first_mail"
SECONDS_MAX = 300


def test_what_the_page_says_to_type_is_a_script_that_installs_the_wheel(tmp_path: Path) -> None:
    script = runpy.run_path(str(SCRIPT), run_name="first_mail")
    page = script["PAGE"].read_text("utf-8")
    typed = script["commands"](page, tmp_path / "tidings.whl")
    subprocess.run(["bash", "-n", "-c", typed], check=True)
    first, *others = typed.splitlines()
    assert first.startswith(f'pip install "{tmp_path}/tidings.whl[email]"')
    assert [line for line in others if line.startswith("tidings actions ")]


@pytest.mark.systems  # it installs from the package index, and takes a minute
@pytest.mark.timeout(SECONDS_MAX + 100)
def test_the_first_mail_comes_within_five_minutes_by_the_page_alone() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX + 60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [seconds] = re.findall(r"^first mail +([0-9.]+) s", done.stdout, re.MULTILINE)
    assert float(seconds) < SECONDS_MAX
