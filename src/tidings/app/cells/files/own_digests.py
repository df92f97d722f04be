"""The digests of the files and settings of a process.

They are made with a key of the installation, so nobody who reads the map can try a guess at what
stands in a file. Of a file counts what it says, without comments and order, and before texts are
taken from the environment and from files of secrets: these may change on one machine after the
other. Of the file of actions the texts count too that it names, and lists do not: every process
follows those while it serves.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tidings.app.keys.derived_keys import derive_key
from tidings.core.cells.file_digests import Digests
from tidings.engine.vault import SealedSecret
from tidings.settings.settings import HINTS, SECRETS, Settings

PURPOSE = b"tidings.files"
DIGEST_BYTES = 16
FILES = ("connections", "sources", "actions", "ca_file")
# What may differ from machine to machine: where the store, the key and the doors are, how much this
# machine does at one time, and who stands in front of it.
OWN = frozenset(
    (
        "data", "dev", "database", "database_schema", "databases", "master_key", "master_key_file",
        "master_key_command", "host", "port", "log_level", "bootstrap_org", "bootstrap_key",
        "bootstrap_secret", "call_s_max", "waiting_bytes_max", "waiting_s_max", "connections_max",
        "metrics_token", "metrics_from", "trusted_proxies", "drain_s", "in_flight_max",
        "window_bytes_max", "door_host", "door_address", "door_port",
    )
)  # fmt: skip
# Secrets too are changed on one machine after the other.
SHARED = tuple(name for name in HINTS if name not in {*OWN, *FILES, *SECRETS})


def digests_of(settings: Settings, master: SealedSecret) -> Digests:
    """Return the digests of all that the processes of an installation share. Reads files."""
    key = derive_key(master, PURPOSE)
    found = {name: _of_file(key, name, getattr(settings, name)) for name in FILES}
    for name in SHARED:
        value = getattr(settings, name)
        found[name] = "" if value is None else _digest(key, name, repr(value).encode())
    return found


def files_of(settings: Settings) -> Iterator[Path]:
    """List the files that digests are made of, those also that the file of actions names."""
    for name in FILES:
        path = getattr(settings, name)
        if path is not None:
            yield path
            yield from _texts_of(path, _read(path)[1])


def _of_file(key: bytes, name: str, path: Path | None) -> str:
    if path is None:
        return ""
    raw, document = _read(path)
    if document is None:
        return _digest(key, name, raw)
    contents = [msgspec.json.encode(_plain(document), order="deterministic")]
    contents += [_read(text)[0] for text in _texts_of(path, document)]
    return _digest(key, name, *contents)


def _read(path: Path) -> tuple[bytes, Mapping[str, Any] | None]:
    """Return the bytes of a file, and what it says; None where it is no TOML."""
    try:
        raw = path.read_bytes()
    except OSError as error:  # whoever reads it for a start refuses it
        return repr(error.strerror).encode(), None
    try:
        return raw, tomllib.loads(raw.decode("utf-8"))
    except ValueError:
        return raw, None


def _texts_of(path: Path, value: object) -> Iterator[Path]:
    """List the texts beside a file that it names by `{file = "…"}`, in their order."""
    if isinstance(value, dict):
        if list(value) == ["file"] and isinstance(value["file"], str) and "\0" not in value["file"]:
            yield path.parent / value["file"]
            return
        for name in sorted(value):
            yield from _texts_of(path, value[name])
    elif isinstance(value, list):
        for child in value:
            yield from _texts_of(path, child)


def _plain(value: Any) -> Any:
    """Return what TOML says as JSON has it; its dates as texts."""
    if isinstance(value, dict):
        return {name: _plain(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    if isinstance(value, float):
        return repr(value)  # also those that JSON does not have
    return value if isinstance(value, str | int | bool) else str(value)


def _digest(key: bytes, name: str, *parts: bytes) -> str:
    digest = hashlib.blake2b(name.encode(), key=key, digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(b"\n%d\n" % len(part) + part)
    return digest.hexdigest()
