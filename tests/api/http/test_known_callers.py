"""Who is known by the head of a call: credentials and sessions in force, and nobody else."""

from typing import Any, cast

import pytest

from tidings.api.http.known_callers import KnownCallers
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.sessions import Sessions


class Table:
    """Stands for access and sessions: each knows one."""

    def at_hand(
        self, authorization: bytes | None, token: bytes | None
    ) -> AuthenticatedCaller | None:
        if authorization == b"Basic platform":
            return AuthenticatedCaller(OrgId(1), True, "boss")
        good = authorization == b"Basic good" or token == b"good"
        return AuthenticatedCaller(OrgId(7), False, "key 1") if good else None

    def owner_at_hand(self, token: str) -> str | None:
        return "p asha" if token == "good" else None


@pytest.mark.parametrize(
    ("headers", "caller"),
    [
        ([], None),
        ([(b"accept", b"*/*")], None),
        ([(b"authorization", b"Basic good")], 7),
        ([(b"authorization", b"Basic platform")], "boss"),
        ([(b"authorization", b"Basic wrong")], None),
        ([(b"x-cap-api-oauth-token", b"good")], 7),
        ([(b"cookie", b"a=b; __Host-tidings=good")], "p asha"),
        ([(b"cookie", b"tidings-portal-7=good")], "p asha"),
        ([(b"cookie", b"tidings=wrong; b")], None),
        ([(b"cookie", b"other=good")], None),
        ([(b"cookie", b"tidings=" + b"x" * 5000)], None),
        ([(b"cookie", b"\xff; =; ;;")], None),
        ([(b"cookie", b"tidings=good"), (b"authorization", b"Basic wrong")], None),
    ],
)
def test_a_caller_is_an_org_or_the_owner_of_a_session(
    headers: list[tuple[bytes, bytes]], caller: Any
) -> None:
    table = Table()
    known = KnownCallers(
        cast(CredentialBook, table), cast(Sessions, table), ("tidings", "__Host-tidings")
    )
    assert known.of(headers) == caller
