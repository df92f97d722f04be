"""Programs of Debian's beside a service and its database, each as one process of a test."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.harness.until import until


@contextmanager
def running(command: Sequence[str], log: Path, ready: str) -> Iterator[None]:
    """Run a program until the end of the block, from when its log has said that it is ready."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    try:
        until(lambda: _has_said(process, log, ready), f"{command[0]}, which says {ready}")
        yield
    finally:
        process.kill()
        process.wait(60)


def _has_said(process: "subprocess.Popen[bytes]", log: Path, ready: str) -> bool:
    text = log.read_text("utf-8", "replace")
    assert process.poll() is None, text
    return ready in text
