"""Why a call is not let in."""

from tidings.core.events.calls import Caller
from tidings.errors import named_in


class Denied(Exception):
    """The call is refused: 401 without a known credential, 403 where it may not do this, 429 where
    it must wait first."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = named_in(message)
        self.retry_after_s = retry_after_s


class NotKnown(Denied):
    """401 for a credential that may have been guessed: nobody has, or had, that pair or token."""


def demand(caller: Caller, scope: str) -> None:
    """Denied unless the scope is the caller's."""
    if scope not in caller.grants:
        raise Denied(
            403,
            "forbidden",
            f"The credential must hold the scope {scope}; {caller.credential} does not. "
            "Give it the scope, or call with another one. (forbidden, header Authorization)",
        )


def unknown(got: str, kind: type[Denied] = Denied) -> Denied:
    """401 for a call without a credential that is known."""
    return kind(
        401,
        "unauthenticated",
        "The call must carry Authorization: Basic and the base64 of key:secret; got "
        f"{got}. Check both halves of the credential. (unauthenticated, header Authorization)",
    )
