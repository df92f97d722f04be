"""What is refused about people, in words: what a role may not give, and links that are over."""

from typing import TypeVar

from tidings.core.access.scopes import OWNER, ROLES, grants_of
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.errors import FieldRefusal, Forbidden, Invalid, RequestRefused

Refused = TypeVar("Refused", bound=RequestRefused)

LINK_ENDED = "link_ended"  # the code of a refusal


def check_role(caller: AuthenticatedCaller, role: str) -> None:
    """Raise Forbidden if a role exceeds the caller's, or is owner and the caller has another."""
    if grants_of(ROLES.get(role, "")) <= caller.grants and not (
        role == OWNER and caller.role not in ("", OWNER)
    ):
        return
    raise user_refused(
        Forbidden,
        "role_exceeded",
        "role",
        f"role must not allow more than the caller may do; got {role}. Choose a lower one, or ask "
        "an owner.",
    )


def link_ended() -> Invalid:
    """Build the refusal of a link that was used, has expired or never was."""
    return user_refused(
        Invalid,
        LINK_ENDED,
        "token",
        "token must come from a link that is unused and has not expired; got another. Ask for a "
        "new one.",
    )


def user_refused(kind: type[Refused], code: str, field: str, sentence: str) -> Refused:
    """Build a refusal that names a field of a user."""
    return kind(FieldRefusal.build(code, sentence, field=field, place="user"))
