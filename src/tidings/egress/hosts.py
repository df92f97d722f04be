"""The machine's own table of names (`/etc/hosts`), read again when it changes."""

import time
from ipaddress import ip_address
from pathlib import Path

_CHECK_S = 1.0


class HostsFile:
    """Names of the hosts file. `localhost` is always known, whatever the file says or lacks."""

    def __init__(self, path: Path = Path("/etc/hosts")) -> None:
        self._path = path
        self._checked = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._names: dict[str, tuple[str, ...]] = {}

    def find(self, name: str) -> tuple[str, ...]:
        """The addresses of a lower-case name, or none."""
        now = time.monotonic()
        if now - self._checked >= _CHECK_S:
            self._checked = now
            self._read_if_changed()
        found = self._names.get(name, ())
        if not found and (name == "localhost" or name.endswith(".localhost")):
            return ("127.0.0.1", "::1")  # RFC 6761, 6.3: never asked of a name server
        return found

    def _read_if_changed(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            self._stamp, self._names = None, {}
            return
        self._stamp, self._names = stamp, _parse(text)


def _parse(text: str) -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        try:
            address = str(ip_address(fields[0])) if len(fields) > 1 else ""
        except ValueError:
            continue
        for name in fields[1:]:
            known = names.setdefault(name.lower(), [])
            if address not in known:
                known.append(address)
    return {name: tuple(addresses) for name, addresses in names.items()}
