"""Passwords of people: Argon2id, checked in a thread, so many at once and no more."""

import asyncio
import base64
import contextlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Sequence
from functools import cache
from typing import Protocol

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import hash_secret

from tidings.core.cells.families import CellId
from tidings.core.shares.budget import SharedBudget
from tidings.errors import Busy, FieldRefusal

# OWASP's first profile for servers: 19 MiB and about 20 ms a check.
TIME_COST, MEMORY_KIB, PARALLELISM = 2, 19_456, 1
AT_ONCE = 2
WAITING_MAX = 64  # strangers; one network has as many as it leaves to others
KNOWN_MAX = 32  # besides, of who is known: changes of passwords, browsers that signed in before
KNOWN = ""


class TooBusy(Busy):
    """More checks of passwords wait than may; nothing was checked."""

    def __init__(self) -> None:
        message = (
            "Passwords must be checked one at a time; too many are waiting. Try again in a second."
        )
        super().__init__(FieldRefusal.build("busy", message))


@cache
def _nobodys(time_cost: int, memory_kib: int, parallelism: int) -> str:
    """Return a hash that costs as much to check as a user's."""
    return PasswordHasher(time_cost, memory_kib, parallelism).hash("nobody's password")


class PasswordsElsewhere(Protocol):
    """Has other cells go on with a new password."""

    def replace_hash(self, email: str, mark: bytes, hashed: str) -> Awaitable[Sequence[CellId]]:
        """Have the persons of an address whose hash has a mark go on with that of a new password,
        in all other cells; return the cells that have not answered. Where one does not answer to
        begin with, nothing is changed anywhere."""


class Passwords:
    """Hashes and checks."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(TIME_COST, MEMORY_KIB, PARALLELISM)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._strangers = SharedBudget[str](WAITING_MAX)
        self._known = SharedBudget[str](KNOWN_MAX)

    async def hash(self, password: str, like: str | None = None) -> str:
        """Compute the hash to keep, in a thread; with the salt of `like`, so that one check finds
        both. Raise TooBusy where too many wait."""
        salt = None if like is None or self.is_old(like) else _salt(like)
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password, salt=salt)

    async def which(self, hashes: Sequence[str], password: str, network: str = KNOWN) -> set[str]:
        """Return those of some hashes that a password is of. Hashes of one salt cost one check
        together, and none at all cost as much. `network`: where a stranger asks from. TooBusy."""
        async with self._turn(network):
            return await asyncio.to_thread(self._check, hashes, password)

    def is_old(self, hashed: str) -> bool:
        """Return whether a hash was made with weaker parameters than are used now."""
        return self._hasher.check_needs_rehash(hashed)

    def _check(self, hashes: Sequence[str], password: str) -> set[str]:
        known, of = set(hashes), self._hasher
        # Made by the first check of all, whoever it is of: its time must not tell.
        nobodys = _nobodys(of.time_cost, of.memory_cost, of.parallelism)
        fitting: set[str] = set()
        for like in {hashed.rpartition("$")[0]: hashed for hashed in known or {nobodys}}.values():
            made = _again(like, password)
            fitting |= {hashed for hashed in known if hmac.compare_digest(hashed.encode(), made)}
        return fitting

    @contextlib.asynccontextmanager
    async def _turn(self, network: str = KNOWN) -> AsyncIterator[None]:
        places = self._strangers if network else self._known
        if not (places.take(network) if network else places.held < KNOWN_MAX):
            raise TooBusy
        if not network:
            places.charge(network, 1)
        try:
            async with self._slots:
                yield
        finally:
            places.give(network)


def _salt(hashed: str) -> bytes:
    text = hashed.split("$")[-2]
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _again(hashed: str, password: str) -> bytes:
    """Hash a password as another hash was made, with its salt and cost; return empty bytes if that
    is impossible."""
    try:
        made = extract_parameters(hashed)
        return hash_secret(
            password.encode(),
            _salt(hashed),
            made.time_cost,
            made.memory_cost,
            made.parallelism,
            made.hash_len,
            made.type,
            made.version,
        )
    except (Argon2Error, InvalidHashError, UnicodeEncodeError, ValueError):
        return b""
