"""Letters that are not handed over to the mail server yet."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """What a letter tells, and when it is tried next. To whom, and in which words, is said then."""

    id: str  # of the operational event that it began with
    org: int
    kind: str
    fact: bytes  # JSON
    due_ms: int
    tries: int = 0


class LetterStore(Protocol):
    """What the engine asks of a store for letters."""

    def put_letter(self, letter: Letter) -> Awaitable[bool]:
        """Insert or replace; whether it is new."""
        ...

    def drop_letters(self, ids: Sequence[str]) -> Awaitable[None]:
        """They are handed over, or given up."""
        ...

    def letters(self) -> Awaitable[Sequence[Letter]]:
        """All that wait, in the order in which they are due."""
        ...
