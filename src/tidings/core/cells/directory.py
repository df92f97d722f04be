"""The directory: by the digest of what opens something, the family that it belongs to.

A key, a link, the token of an inbox, an e-mail address, the id of a webhook or of a consumer group:
a call that brings one of these names no org, and finds its family here; one that names an org below
others finds it here too. Only digests stand in it, so who reads it can open nothing.

A row is written before its thing is, and that before its answer: whoever was given a key finds it.
What a crash leaves is a row without its thing, which costs a caller who guesses nothing but the
answer that the owner gives for what does not exist. Rows go after their thing has gone. The row
names the family and no cell, so it stays as it is when the family moves.
"""

import hashlib
from collections.abc import Collection
from enum import Enum, unique
from typing import NamedTuple

from tidings.core.cells.families import FamilyId

DIGEST_BYTES = 16
UNUSED_KEPT_S = 3600.0  # a row without its thing: longer than any call takes


@unique
class OpenerKind(Enum):
    """List what opens something without naming an org. The letters are in digests: they stay."""

    KEY = "k"
    LINK = "l"
    INBOX = "i"
    INBOUND = "n"  # the name in `/in/…`
    EMAIL = "e"
    WEBHOOK = "w"
    CONSUMER_GROUP = "g"
    ORG = "o"  # its number: that of a family is in the map too


_SHARED = frozenset((OpenerKind.EMAIL,))  # one person may see orgs of several families


class Opener(NamedTuple):
    """Something that opens, and whose it is."""

    kind: OpenerKind
    family: FamilyId


def directory_digest(kind: OpenerKind, secret: bytes, text: str) -> bytes:
    """Return the digest by which something is found. `secret`: the installation's, without which a
    guess cannot be tried against a stolen directory."""
    message = f"{kind.value}\n{text}".encode()
    return hashlib.blake2b(message, key=secret, digest_size=DIGEST_BYTES).digest()


def may_register(known: Collection[Opener], opener: Opener) -> bool:
    """Return whether a row may be written beside those that are `known` under its digest: what
    belongs to one family alone is never given to a second one."""
    return opener.kind in _SHARED or all(row == opener for row in known)


def is_unused(age_s: float, owner_has_it: bool) -> bool:
    """Return whether a row can go: its owner was asked and has no such thing, and no call that made
    the row can still be under way."""
    return not owner_has_it and age_s > UNUSED_KEPT_S
