"""The readers of this folder have Firefox, that of the system."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from ..chrome import PATIENCE_MS

GATE = Path(__file__).with_name("bidi_gate.py")


@pytest.fixture(scope="package")
def browser(
    playwright_started: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Instead of Chromium, for all readers."""
    program = tmp_path_factory.mktemp("firefox") / "firefox"
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(GATE)])} "$@"\n')
    program.chmod(0o700)
    home = {"HOME": str(program.parent)}  # Firefox refuses the home of somebody else
    made = playwright_started.firefox.launch(
        channel="moz-firefox",
        executable_path=program,
        env={**os.environ, **home},
        timeout=PATIENCE_MS,
    )
    yield made
    made.close()
