"""Who is known by the head of a call alone: so that calls of known callers have turns of their own.

Nothing is decided here but who waits behind whom. A call is judged as always when it begins, where
wrong secrets are counted too.
"""

from collections.abc import Hashable, Iterable

from tidings.engine.access.access import CredentialBook
from tidings.engine.access.sessions import Sessions

_AUTHORIZATION, _TOKEN, _COOKIE = b"authorization", b"x-cap-api-oauth-token", b"cookie"
_COOKIES_MAX = 20  # that are looked at
_TOKEN_CHARACTERS_MAX = 200


class KnownCallers:
    """Asked for each call that no place is kept for: an answer costs looks into tables."""

    def __init__(
        self, access: CredentialBook, sessions: Sessions, session_cookies: tuple[str, ...]
    ) -> None:
        """`session_cookies`: how the names of cookies begin that hold a session's token."""
        self._access = access
        self._sessions = sessions
        self._cookies = session_cookies

    def of(self, headers: Iterable[tuple[bytes, bytes]]) -> Hashable | None:
        """Find who calls, by headers with names in lower case: an org, the owner of a session, or
        None for a stranger."""
        found = {
            name: value for name, value in headers if name in (_AUTHORIZATION, _TOKEN, _COOKIE)
        }
        if _AUTHORIZATION in found or _TOKEN in found:
            caller = self._access.at_hand(found.get(_AUTHORIZATION), found.get(_TOKEN))
            if caller is None:
                return None
            return caller.credential if caller.platform else caller.org
        return self._of_session(found[_COOKIE]) if _COOKIE in found else None

    def _of_session(self, cookies: bytes) -> str | None:
        for cookie in cookies.decode("latin-1").split(";")[:_COOKIES_MAX]:
            name, _, token = cookie.strip().partition("=")
            if name.startswith(self._cookies) and len(token) <= _TOKEN_CHARACTERS_MAX:
                owner = self._sessions.owner_at_hand(token)
                if owner is not None:
                    return owner
        return None
