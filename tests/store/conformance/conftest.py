"""The conformance suite's parameter: each adapter passes the same cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conformance.subject import Adapter, Subject
from tests.store.sqlite.hostings import Children, Halves
from tidings.store.sqlite.hosting import embedded

ADAPTERS: dict[str, Adapter] = {"sqlite-in-process": Halves(), "sqlite": Children()}


@pytest.fixture(params=list(ADAPTERS.values()), ids=list(ADAPTERS))
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Subject]:
    """A new, empty store of the adapter."""
    monkeypatch.setattr(embedded, "INDEX_AT_LEAST_EVERY_S", 0.0)
    one = Subject(request.param, tmp_path / "data")
    yield one
    one.close()
