"""Calls with events, and to sources, are made in both ways in which they can come."""

from collections.abc import Iterator

import pytest

from tests.api.http.direct_calls import directly


@pytest.fixture(params=["as ASGI", "directly"])
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """How calls come whose body is small and has come whole."""
    directly.append(request.param == "directly")
    yield request.param
    directly.pop()
