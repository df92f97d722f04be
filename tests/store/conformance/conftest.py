"""The suite's parameter: each adapter passes the same cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import ADAPTERS, SLOW
from tests.store.conformance.subject import Subject

PARAMS = [
    pytest.param(adapter, id=name, marks=[pytest.mark.systems] if name in SLOW else [])
    for name, adapter in ADAPTERS.items()
]


@pytest.fixture(params=PARAMS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """A new, empty store of the adapter."""
    one = Subject(request.param, tmp_path / "data")
    yield one
    one.close()
