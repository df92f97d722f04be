"""The wheel of the service, built as a release builds it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build(source: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """Build as a release does, with what is installed, without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    return subprocess.run(
        [*command, str(into)], cwd=source, check=False, timeout=120, capture_output=True, text=True
    )
