"""A file system that is soon full, and who fills it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.harness.api import Api
from ..e2e.harness.events import event, new_id
from ..e2e.harness.service import ORG


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB. It is unmounted lazily, so that nothing can keep it."""
    where = tmp_path / "disk"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(where)], check=True)
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


def fill(disk: Path) -> Path:
    """Take all the space that is left; the file that holds it."""
    ballast = disk / "ballast"
    size = 1 << 20
    with ballast.open("wb", buffering=0) as file:
        while size:
            try:
                os.write(file.fileno(), b"\0" * size)
            except OSError:
                size //= 2
    return ballast


class Books:
    """What was acknowledged, and what was refused, of events posted one by one."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()

    def post(self) -> int:
        """One event; the status."""
        event_id = new_id()
        reply = self.api.post(event(event_id, ORG, note="x" * 2000))
        if reply.status == 202:
            self.acknowledged.add(event_id)
        else:
            assert reply.status == 503, reply
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json["error"]["code"] in ("store_down", "overloaded")
            self.refused.add(event_id)
        return reply.status
