"""A reader of a PULL webhook in the place of the receiver: the same ledger, the same commands.

    python -m bench.sinks.pull_reader

`read` names the service and the webhook. From then on it fetches what waits, enters it, and
acknowledges it by the cursor of its next call, one call at a time.
"""

import http.client
import json
import sys
import threading
import time
from typing import Any

import msgspec

from bench.receiver import Control, Ledger

MESSAGES = 1_000  # a call
LEASE_SECONDS, WAIT_SECONDS = 30, 1


class _Message(msgspec.Struct):
    headers: dict[str, str]


class _Page(msgspec.Struct):
    messages: list[_Message]
    cursor: str | None = None


class Reader:
    """Fetches in a thread of its own for as long as the process lasts."""

    def __init__(self, ledger: Ledger, lock: threading.Lock) -> None:
        self.ledger = ledger
        self._lock = lock  # a ledger is reset, or a page entered, as a whole

    def begin(self, port: int, webhook: str, headers: dict[str, str]) -> None:
        """Begin to fetch."""
        words = (port, f"/v1/webHooks/{webhook}/pull", headers)
        threading.Thread(target=self._read, args=words, daemon=True).start()

    def _read(self, port: int, path: str, headers: dict[str, str]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        decode, cursor = msgspec.json.Decoder(_Page).decode, None
        wanted = {"max": MESSAGES, "leaseInSeconds": LEASE_SECONDS, "waitInSeconds": WAIT_SECONDS}
        while True:
            body = json.dumps({**wanted, "cursor": cursor})
            try:
                line.request("POST", path, body, {"content-type": "application/json", **headers})
                answer = line.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                return  # the service has ended
            if answer.status != 200:
                with self._lock:
                    self.ledger.unreadable += 1
                time.sleep(0.1)
                continue
            page = decode(content)
            now, cursor = time.monotonic_ns(), page.cursor
            with self._lock:
                for message in page.messages:
                    self.ledger.ids.append(message.headers["webhook-id"].encode())
                    self.ledger.webhooks.append(b"0")
                    self.ledger.times.append(now)


def main() -> None:
    """Until stdin ends."""
    ledger, lock = Ledger(), threading.Lock()
    control, reader = Control(ledger), Reader(ledger, lock)
    print(json.dumps({"port": 0}), flush=True)
    for words in sys.stdin:
        command: dict[str, Any] = json.loads(words)
        if command["do"] == "read":
            reader.begin(command["port"], command["webhook"], command["headers"])
            answer: dict[str, Any] = {"ok": True}
        else:
            with lock:
                answer = control.obey(command)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
