"""The tools that wheels are built and installed with."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

UV = Path(sys.executable).with_name("uv")


def run(*command: object, cwd: Path) -> str:
    """Its output; it must not fail."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, check=False, timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
