"""Who may read a data directory: its owner alone. One that was made open to others is closed at the
start: it holds every org's data, and the key of what is sealed in it."""

import stat
from pathlib import Path

import structlog

OTHERS = stat.S_IRWXG | stat.S_IRWXO

log = structlog.get_logger(__name__)


def close_to_others(directory: Path) -> list[Path]:
    """Take from group and others what they may do with a directory and the files in it. Return
    those of which it cannot be taken, which the log says too."""
    left = [path for path in (directory, *_files_in(directory)) if not _closed(path)]
    if left:
        log.warning(
            "the data directory is open to others",
            directory=str(directory),
            open=[str(path.relative_to(directory)) for path in left],
            advice="run chmod -R go= on it as its owner, or mount it so that it is the service's",
        )
    return left


def _files_in(directory: Path) -> list[Path]:
    """No links: what they lead to is another's."""
    try:
        return sorted(path for path in directory.iterdir() if stat.S_ISREG(path.lstat().st_mode))
    except OSError:
        return []


def _closed(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
        if mode & OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)
        return not path.lstat().st_mode & OTHERS
    except FileNotFoundError:  # it has gone meanwhile
        return True
    except OSError:  # it is another's, or on what has no modes
        return False
