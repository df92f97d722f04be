"""What the processes that the service starts get of its environment: what Python and the system's
libraries need, by name. Settings, the secrets that files of the operator take from the environment,
and whatever else an operator puts there stay with the service."""

import os
from collections.abc import Mapping

_LOCALE = (
    "ALL ADDRESS COLLATE CTYPE IDENTIFICATION MEASUREMENT MESSAGES MONETARY NAME NUMERIC PAPER "
    "TELEPHONE TIME"
)
_PYTHON = (
    "ASYNCIODEBUG COERCECLOCALE DEVMODE DONTWRITEBYTECODE FAULTHANDLER HASHSEED HOME IOENCODING "
    "MALLOC NOUSERSITE OPTIMIZE PATH PLATLIBDIR PYCACHEPREFIX SAFEPATH UNBUFFERED UTF8 WARNINGS"
)
_NAMES = frozenset(
    (
        *("PATH", "HOME", "TMPDIR", "SQLITE_TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"),
        *("LANG", "LANGUAGE", "TZ", "TZDIR", "VIRTUAL_ENV", "MALLOC_ARENA_MAX", "MALLOC_CONF"),
        *(f"LC_{part}" for part in _LOCALE.split()),
        *(f"PYTHON{part}" for part in _PYTHON.split()),
    )
)


def child_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Pick what a child process may have."""
    return {name: value for name, value in environment.items() if name in _NAMES}
