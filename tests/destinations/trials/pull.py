"""A reader of a webhook of the type PULL, in a process that is killed on the way."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.destinations.trials.ledger import Arrival, arrival_of
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess

LEASE_S = 3


class PullTrial:
    """See `Destination`. Its server is the reader, which writes down what it fetched before it
    acknowledges that."""

    name = "PULL"
    connections = ""
    webhook: dict[str, Any] = {"webHookType": "PULL"}  # noqa: RUF012  # never changed

    def __init__(self, folder: Path) -> None:
        self._file = folder / "fetched"
        self._words: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, service: ServiceProcess, webhook: str) -> None:
        """Read from this webhook."""
        self._words = [sys.executable, "-m", __name__, str(service.port), webhook, str(self._file)]
        self._start()

    def restart(self) -> None:
        """See `Destination`."""
        self.end()
        self._start()

    def arrivals(self) -> list[Arrival]:
        """See `Destination`."""
        self.end()
        lines = self._file.read_bytes().split(b"\n")
        return [arrival_of(line) for line in lines[:-1]]

    def end(self) -> None:
        """Kill the reader."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._words, cwd=Path(__file__).parents[3])


def read(port: int, webhook: str, file: Path) -> None:
    """Fetch, write down, acknowledge by the cursor of the answer, until it is killed."""
    from tests.e2e.harness.api import Api  # noqa: PLC0415  # of the process alone

    cursor = None
    with Api(port, f"{KEY}:{SECRET}", ORG) as api, file.open("ab") as kept:
        while True:
            asked = {"max": 500, "leaseInSeconds": LEASE_S, "cursor": cursor}
            told = api.send("POST", f"/v1/webHooks/{webhook}/pull", asked).must(200)
            for message in told["messages"]:
                kept.write(message["body"].replace("\n", " ").encode() + b"\n")
            kept.flush()
            cursor = told["cursor"]


if __name__ == "__main__":
    read(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
