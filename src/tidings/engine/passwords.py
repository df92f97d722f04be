"""Passwords of people: Argon2id, checked in a thread, so many at once and no more."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

# OWASP's first profile for servers: 19 MiB and about 20 ms a check.
TIME_COST, MEMORY_KIB, PARALLELISM = 2, 19_456, 1
AT_ONCE = 2
WAITING_MAX = 64


class TooBusy(Exception):
    """More checks of passwords wait than may; nothing was checked."""


class Passwords:
    """Hashes and checks."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(TIME_COST, MEMORY_KIB, PARALLELISM)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """The hash to keep. TooBusy."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, hashed: str | None, password: str) -> bool:
        """Whether a password is the one of a hash; as slow where there is no hash. TooBusy."""
        async with self._turn():
            fits = await asyncio.to_thread(self._check, hashed or self._nobodys, password)
        return fits and hashed is not None

    def is_old(self, hashed: str) -> bool:
        """Whether a hash was made with weaker parameters than are used now."""
        return self._hasher.check_needs_rehash(hashed)

    def _check(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return False

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise TooBusy
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1
