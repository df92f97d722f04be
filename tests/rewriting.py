"""Compiling the tests once, by all processors, before the workers of pytest-xdist collect them.

pytest rewrites the assertions of each test file and keeps the outcome beside the file. After a
fresh checkout nothing is kept, and each worker would rewrite all of them for itself: thirteen
seconds of processor, three times. This leans on names that pytest does not promise; where they
have gone, the workers do it as before.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.assertion import rewrite as assertion

try:
    from _pytest.assertion.rewrite import (
        PYC_TAIL,
        _read_pyc,
        _rewrite_test,
        _write_pyc,
        assertstate_key,
        get_cache_dir,
        try_makedirs,
    )
except ImportError:
    PYC_TAIL = ""

FEWEST = 20  # fewer are no work


def rewrite(config: pytest.Config) -> None:
    """All test files that the command names and that are not kept as they are now."""
    if not PYC_TAIL or assertstate_key not in config.stash:
        return
    stale = [path for path in _named(config.args) if _read_pyc(path, _kept(path)) is None]
    if len(stale) < FEWEST:
        return
    children = []
    many = os.cpu_count() or 1
    for part in range(many):
        child = os.fork()
        if child == 0:
            try:
                _rewrite_each(stale[part::many], config)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _named(arguments: Iterable[str]) -> list[Path]:
    found: set[Path] = set()
    for argument in arguments:
        path = Path(argument.partition("::")[0]).resolve()
        found.update(path.rglob("test_*.py") if path.is_dir() else [path])
    return sorted(found)


def _kept(path: Path) -> Path:
    # Asked for here, for `tests/looks/looked_at.py` has given it another one.
    return get_cache_dir(path) / f"{path.stem}{assertion.PYC_TAIL}"


def _rewrite_each(paths: Iterable[Path], config: pytest.Config) -> None:
    for path in paths:
        if try_makedirs(get_cache_dir(path)):
            source_hash, code = _rewrite_test(path, config)
            _write_pyc(config.stash[assertstate_key], code, source_hash, _kept(path))
