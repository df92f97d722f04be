"""What every signature scheme is: who signs, and what is said of a signature that came."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec


class Signer(Protocol):
    """Signs for one webhook, by the secrets that are in force. Not printable."""

    def sign(self, message_id: str, timestamp_s: int, body: bytes, /) -> str:
        """The value of the scheme's header for one message."""


class SignatureVerdict(StrEnum):
    """Of one arrival."""

    VALID = "valid"
    WRONG = "wrong"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with its reason, one sentence or two."""

    verdict: SignatureVerdict
    reason: str


class Judge(Protocol):
    """Judges a message that came for a test inbox, by the secrets that may have signed it."""

    def __call__(
        self,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        secrets: Sequence[bytes],
        now_s: int,
        /,
    ) -> Judgement: ...


class Scheme(msgspec.Struct, frozen=True):
    """A way to sign."""

    header: str  # that holds the signature
    signer: Callable[[tuple[bytes, ...]], Signer]  # by secrets, newest first
    judge: Judge
