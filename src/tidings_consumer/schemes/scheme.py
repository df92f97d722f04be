"""What a scheme is to a receiver: how its keys are written, and what verifies by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Verify = Callable[[bytes, Sequence[str]], bool]
"""Tells of a text whether one of the signatures, which are base64, is its own."""


@dataclass(frozen=True)
class Scheme:
    """A way to sign."""

    id: str
    """Text that its signatures begin with, before a comma."""
    key_prefix: str
    """Text that a key begins with which verifies by it."""
    verifier: Callable[[str], Verify]
    """Makes of such a key what verifies by it; SecretError where it is none."""
    signatures_max: int
    """The most signatures of one header that are looked at; more are no header of the sender."""
