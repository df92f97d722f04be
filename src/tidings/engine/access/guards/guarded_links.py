"""Opening an invitation or a reset, which is guarded against guessing as a sign-in is."""

from tidings.engine.access.guards.sign_in_guard import SignInGuard
from tidings.engine.access.sessions import account_of
from tidings.engine.access.users import UserBook


async def open_link(
    guard: SignInGuard, users: UserBook, now_s: float, address: str, token: str, password: object
) -> None:
    """Accept an invitation or set a new password. Invalid, TooManyTries, TooBusy, StoreDown."""
    guard.enter(address, f"link {address}", now_s)
    person = await users.open_link(token, password)
    # Who sets a password for an address and signs in with it learns whether it opens more.
    guard.charge(address, account_of(users.email(person)), now_s)
