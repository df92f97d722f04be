"""What an entry of a route says, and what it cannot say."""

from typing import Any, cast

import pytest

from tidings.api.route import KNOWN, PLATFORM, RouteEntry
from tidings.core.events.call_reader import EITHER, AuthenticatedCaller


def entry_of(scope: str) -> RouteEntry:
    return RouteEntry(method="GET", path="/v1/things/{id:path}", scope=scope)


def caller_with(*grants: str, platform: bool = False) -> AuthenticatedCaller:
    return AuthenticatedCaller(cast("Any", 7), platform, grants=frozenset(grants))


def test_an_entry_cannot_be_without_a_scope() -> None:
    with pytest.raises(TypeError, match="scope"):
        RouteEntry(method="GET", path="/v1/things")  # type: ignore[call-arg]


@pytest.mark.parametrize("scope", ["", "logs", "logs:none", "log:read", PLATFORM, "opne", "or"])
def test_a_scope_that_no_credential_has_is_none(scope: str) -> None:
    with pytest.raises(ValueError, match="scope must be"):
        entry_of(scope)


def test_what_each_scope_admits() -> None:
    reader, writer = caller_with("logs:read"), caller_with("logs:read", "logs:write")
    both = caller_with("logs:read", "admin:read")
    boss, bare = caller_with("logs:read", platform=True), caller_with()
    expected = {
        KNOWN: [reader, writer, both, boss, bare],
        "logs:read": [reader, writer, both, boss],
        "logs:write": [writer],
        "logs:read admin:read": [both],
        f"logs:write{EITHER}admin:read": [writer, both],
        PLATFORM + "logs:read": [boss],
    }
    callers = [reader, writer, both, boss, bare]
    for scope, admitted in expected.items():
        entry = entry_of(scope)
        assert [caller for caller in callers if entry.admits(caller)] == admitted, scope


def test_a_call_is_named_as_the_description_names_it() -> None:
    assert entry_of(KNOWN).call == "GET /v1/things/{id}"
