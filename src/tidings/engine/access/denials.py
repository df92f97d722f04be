"""Why a call is not let in."""

from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.errors import FieldRefusal, Forbidden, Unauthenticated
from tidings.values import describe_value


class NotKnown(Unauthenticated):
    """For a credential that may have been guessed: nobody has, or had, that pair or token."""


def demand(caller: AuthenticatedCaller, scope: str) -> None:
    """Raise Forbidden unless the scope is the caller's."""
    if not caller.may(scope):
        raise Forbidden.because(
            "forbidden",
            f"The credential must have the scope {scope}; {caller.credential} does not. Add the "
            "scope, or use another credential.",
            header="Authorization",
        )


def unknown(got: str, kind: type[Unauthenticated] = Unauthenticated) -> Unauthenticated:
    """Build the error of a call without a credential that is known."""
    return kind.because(
        "unauthenticated",
        "The call must carry Authorization: Basic and the base64 of key:secret; got "
        f"{got}. Check both halves of the credential.",
        header="Authorization",
    )


def unknown_of(what: str, id: str) -> FieldRefusal:
    """Build the refusal of an id that no credential, or no user, of the org has."""
    return FieldRefusal.build(
        "not_found",
        f"id must be that of a {what} of this org; got {describe_value(id)}. List them with "
        f"GET /v1/orgs/{{orgId}}/{what}s.",
        field="id",
    )
