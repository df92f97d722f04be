"""What the processes of the store load: each service starts two, and they stay in memory."""

import subprocess
import sys

LOADED = "import sys, tidings.store.sqlite.process; print(*sys.modules)"
HEAVY = {"structlog", "asyncio", "rich", "ssl", "fastapi", "starlette", "jsonschema_rs"}


def test_they_load_neither_a_loop_nor_what_writes_logs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "apsw" in loaded
    assert loaded & HEAVY == set()
