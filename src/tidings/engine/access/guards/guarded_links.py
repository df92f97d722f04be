"""Opening an invitation or a reset, which is guarded against guessing as a sign-in is."""

from tidings.engine.access.guards.sign_in_guard import SignInGuard, TooManyTries
from tidings.engine.access.sessions import account_of
from tidings.engine.access.sessions_everywhere import SessionsEverywhere
from tidings.engine.access.user_refusals import LINK_ENDED
from tidings.engine.audit.current_actor import current_actor
from tidings.engine.audit.sign_ins import SignInLog
from tidings.errors import Invalid


async def open_link(
    guard: SignInGuard,
    everywhere: SessionsEverywhere,
    sign_ins: SignInLog,
    now_s: float,
    address: str,
    token: str,
    password: object,
) -> None:
    """Accept an invitation or set a new password, for whoever acts now. Invalid, TooManyTries,
    TooBusy, StoreDown, NotConfirmed."""
    face = current_actor().face
    try:
        guard.enter(address, f"link {address}", now_s)
        person = await everywhere.open_link(token, password)
    except TooManyTries:
        sign_ins.note_refusal(face, address)
        raise
    except Invalid as refused:
        if refused.reason.code == LINK_ENDED:
            sign_ins.note_refusal(face, address)
        raise
    # Who sets a password for an address and signs in with it learns whether it opens more.
    guard.charge(address, account_of(everywhere.email(person)), now_s)
