"""The suite's parameter: each adapter passes the same cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.adapters import TRIED
from tests.store.conformance.subject import Subject


@pytest.fixture(params=list(TRIED.values()), ids=list(TRIED))
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """A new, empty store of the adapter."""
    one = Subject(request.param, tmp_path / "data")
    yield one
    one.close()
