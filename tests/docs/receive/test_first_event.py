"""From the clone to the first verified event, by the quickstart alone, within five minutes."""

import re
import runpy
import subprocess
import sys

import pytest

from tests.docs.receive.pages import DOCS

SCRIPT = DOCS.parent / "scripts/first_event"
SECONDS_MAX = 300


def test_the_script_types_what_the_page_says() -> None:
    script = runpy.run_path(str(SCRIPT), run_name="first_event")
    page = script["PAGE"].read_text("utf-8")
    assert script["commands"](page, "Start the service") == ["make run"]
    assert script["commands"](page, "Subscribe")[-1].startswith("tidings listen ")
    assert script["commands"](page, "Send an event")[-1].startswith("tidings trigger ")
    assert script["VERIFIED"] in page
    assert "five minutes" in page and SECONDS_MAX == 5 * 60


@pytest.mark.systems  # it installs from the package index
@pytest.mark.timeout(700)
def test_the_first_verified_event_comes_within_five_minutes() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=660, check=False
    )
    assert done.returncode == 0, done.stderr
    [seconds] = re.findall(r"^first verified event +([0-9.]+) s$", done.stdout, re.MULTILINE)
    assert 0 < float(seconds) < SECONDS_MAX
