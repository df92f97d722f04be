"""Which code needs a newer Python than who receives or sends may have."""

import subprocess
import sys
from pathlib import Path

VERMIN = Path(sys.executable).with_name("vermin")

OLDEST = "3.9"


def newer(folder: Path) -> dict[str, set[str]]:
    """What needs a newer Python, by module: syntax, imports, calls. Nothing is left out."""
    command = [str(VERMIN), f"-t={OLDEST}-", "--violations", "--no-tips", "--no-parse-comments"]
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    found: dict[str, set[str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("!") or line.startswith("~"):
            current = found.setdefault(Path(line.split()[-1]).name, set())
        elif line.startswith("  "):
            current.add(line.strip().partition(" require")[0])
    assert "Minimum required versions" in done.stdout, done.stdout + done.stderr
    assert bool(found) == (done.returncode == 1), done.stdout
    return found
