"""The master key of a service whose store is a database: given by file, environment or command.

A key that a start made beside itself would be another one on the next machine, and nothing that was
sealed would open there; so none is made, and a start without one is refused.
"""

import os
import shlex
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from tidings.engine.vault import (
    KEY_FILE,
    PUT_BACK,
    SealedSecret,
    VaultRefused,
    parse_key,
    read_or_make_key,
)
from tidings.settings.conflicts import MASTER_KEYS
from tidings.settings.settings import PREFIX, Settings

COMMAND_S = 30.0
REASON_MAX = 300
# Kubernetes mounts a secret for a service that is not root with its group's right to read.
OTHERS_MAY = stat.S_IWGRP | stat.S_IRWXO
_GIVE_IT = "Give the master key that this database was first served with."


class KeyPlace(NamedTuple):
    """Where a key comes from, for people; and what they do where it is another one."""

    source: str
    remedy: str


def read_master_key(settings: Settings) -> SealedSecret | None:
    """Read the key that the operator gives; None where the data directory has its own. Raise
    VaultRefused where there is none that can be used. Blocks for as long as a command takes."""
    if settings.database is None:
        return None
    if settings.master_key is not None:
        return parse_key(settings.master_key.reveal().encode(), "master_key")
    if settings.master_key_file is not None:
        return parse_key(_read_file(settings.master_key_file), str(settings.master_key_file))
    if settings.master_key_command is not None:
        return parse_key(_run(settings.master_key_command), "What master_key_command prints")
    raise VaultRefused(
        f"database must come with a master key, in one of {', '.join(MASTER_KEYS)}; got none. "
        f"Print one with `tidings master-key create`, keep it, and set {PREFIX}MASTER_KEY_FILE."
    )


def find_key(settings: Settings) -> SealedSecret | None:
    """Read the key that is given or lies in the data directory, and make none; None where there is
    none. Raise VaultRefused where it cannot be read."""
    if settings.database is not None:
        return read_master_key(settings) if key_place(settings).source else None
    file = settings.data / KEY_FILE
    return read_or_make_key(file) if file.is_file() else None


def key_place(settings: Settings) -> KeyPlace:
    """Tell where the key of a service comes from: a setting, or a file of the data directory."""
    if settings.database is None:
        return directory_key_place(settings.data)
    given = (name for name in MASTER_KEYS if getattr(settings, name) is not None)
    return KeyPlace(next(given, ""), _GIVE_IT)


def directory_key_place(data: Path) -> KeyPlace:
    """Tell where the key of a data directory is."""
    return KeyPlace(str(data / KEY_FILE), PUT_BACK)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(4096)
    except OSError as error:
        raise VaultRefused(
            f"master_key_file must name a file that can be read; got {path}: {error.strerror}."
        ) from None
    if mode & OTHERS_MAY:
        raise VaultRefused(
            f"The key file {path} must be readable by its owner and group alone; its mode is "
            f"{mode:04o}. Run chmod 600 {path}."
        )
    return text


def _run(command: str) -> bytes:
    """Return what a command prints. What it says on stderr is repeated where it fails: it is the
    only trace of why."""
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_S,
            check=False,
        )
    except (OSError, ValueError, IndexError) as error:  # ValueError: a quote that is not closed
        raise _refused_command(f"it cannot be run: {error}") from None
    except subprocess.TimeoutExpired:
        raise _refused_command(f"it has not ended within {COMMAND_S:.0f} s") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()[-REASON_MAX:] or "no reason"
        raise _refused_command(f"it ended with {done.returncode}: {reason}")
    return done.stdout


def _refused_command(problem: str) -> VaultRefused:
    return VaultRefused(f"master_key_command must print a key; {problem}. Run it by hand.")
