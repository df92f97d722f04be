"""Calls of the API that came with an `Idempotency-Key`, and what they were answered."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId

KEYED_KEPT_MS = 24 * 3_600_000
KEYED_MAX = 500  # of an org, at one time


class KeyedCall(msgspec.Struct, frozen=True, array_like=True):
    """One call. What it is found by and its answer are opaque to the store."""

    place: bytes  # of whom, which call and which key
    org: OrgId
    body: bytes  # a digest: the same key may not come with another one
    at_ms: int = 0
    answer: bytes | None = None  # None: it has not ended, or its end is not known


class CallBegun(msgspec.Struct, frozen=True, array_like=True):
    """The result of beginning a call: it is new, there is a first one, or no room."""

    first: KeyedCall | None = None
    full: bool = False


class KeyedCallStore(Protocol):
    """The store of calls with a key."""

    def begin_call(self, call: KeyedCall) -> Awaitable[CallBegun]:
        """Note a call before it does anything, unless there is one at its place that is younger
        than `KEYED_KEPT_MS`. Older ones are forgotten. On the disk when it is answered."""

    def end_call(self, place: bytes, answer: bytes | None) -> Awaitable[None]:
        """Keep the answer of a call; None: nothing was done, and it is forgotten."""
