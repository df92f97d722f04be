"""The two processes beside the demonstration: the service and the receivers."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tidings.cli.service import ServiceClient, ServiceUnreachable, decoded
from tidings.demo.ledger import Ledger, read_arrival
from tidings.errors import TidingsError

READY_S_MAX = 30.0
STOP_S_MAX = 40.0
DEFAULT_PORT = 8080


class DemoFailed(TidingsError):
    """The demonstration cannot go on. The text says what happened and where to look."""


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port(wanted: int | None) -> int:
    """Choose the port that was asked for, or 8080, or any that is free. Raise DemoFailed where
    another program listens on the wanted one."""
    if wanted is not None and not is_free(wanted):
        raise DemoFailed(f"--port must be a free port; somebody listens on {wanted}. Leave it out.")
    if wanted is not None or is_free(DEFAULT_PORT):
        return wanted or DEFAULT_PORT
    with socket.create_server(("127.0.0.1", 0)) as probe:
        found: int = probe.getsockname()[1]
        return found


class ServiceProcess:
    """`tidings serve --dev` on a data directory of its own."""

    def __init__(self, data: Path, port: int, org: int, key: str, secret: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.login = f"{key}:{secret}"
        self.log = data / "serve.log"
        kept = {name: value for name, value in os.environ.items() if name[:8] != "TIDINGS_"}
        bootstrap = {
            "TIDINGS_BOOTSTRAP_ORG": str(org),
            "TIDINGS_BOOTSTRAP_KEY": key,
            "TIDINGS_BOOTSTRAP_SECRET": secret,
        }
        command = [sys.executable, "-m", "tidings.cli", "serve", "--dev", "--host", "127.0.0.1"]
        command += ["--data", str(data / "store"), "--port", str(port)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=kept | bootstrap,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demonstration, which then stops it
            )

    def wait_ready(self) -> ServiceClient:
        """Wait until the service is ready, and return a client of it. Raise DemoFailed where it
        ends, or is not ready in time."""
        service = ServiceClient(self.url, self.login)
        deadline = time.monotonic() + READY_S_MAX
        while time.monotonic() < deadline:
            if (code := self._process.poll()) is not None:
                raise DemoFailed(f"tidings serve ended with code {code}:\n{self._last_words()}")
            try:
                if service.call("GET", "/readyz")[0] == 200:
                    return service
            except ServiceUnreachable:
                pass
            time.sleep(0.05)
        raise DemoFailed(
            f"tidings serve must be ready within {READY_S_MAX:.0f} s; it is not:\n"
            + self._last_words()
        )

    def _last_words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-2000:].strip() or "(it said nothing)"

    def stop(self) -> bool:
        """Ask it to stop; whether it did so cleanly."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S_MAX) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False


class ReceiverProcess:
    """The three receivers, and the thread that writes their arrivals into a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tidings.demo.receivers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self._process.stdout is not None
        self.port: int = json.loads(self._process.stdout.readline())["port"]
        self._reader = threading.Thread(target=self._read, args=(ledger,), daemon=True)
        self._reader.start()

    def _read(self, ledger: Ledger) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            ledger.add(read_arrival(line))

    def tell(self, **order: Any) -> None:
        """Give secrets and failures to the receivers."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """End it by the end of its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)


def expect(answer: tuple[int, bytes], status: int, what: str) -> Any:
    """Decode the JSON of an answer that must have this status. Raise DemoFailed where it has
    another."""
    if answer[0] != status:
        text = answer[1][:500].decode("utf-8", "replace")
        raise DemoFailed(f"{what} must be answered {status}; got {answer[0]}: {text}")
    return decoded(answer[1])
