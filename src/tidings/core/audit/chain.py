"""Chains of entries: how one is sealed to the one before it, and what is wrong with one that is
not whole.

The seal is HMAC-SHA256 over the seal before it and all fields, by a key that is not in the store's
tables. So a changed entry, one that was taken out, added or moved does not fit. A chain of which
the *end* was cut is whole by itself: what is missing shows against an anchor, which the service
writes into its log each hour (`Anchor`).
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tidings.core.audit.actions import LOG_SHORTENED
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditDraft, AuditEntry, shown_object

START = bytes(32)  # what stands before the first entry of a chain
_pack = msgspec.msgpack.Encoder().encode


class ChainHead(msgspec.Struct, frozen=True, array_like=True):
    """The newest entry of a chain."""

    chain: int
    number: int
    mac: bytes


class Anchor(msgspec.Struct, frozen=True, array_like=True):
    """The heads of all chains that have grown since the anchor before, sealed together."""

    number: int
    at_ms: int
    heads: Sequence[ChainHead]
    mac: bytes = b""


class Remainder(msgspec.Struct, frozen=True):
    """What retention has left of a chain: its entries begin with `first`, behind the seal `mac`
    (hexadecimal) of the last one that was dropped."""

    first: int
    mac: str
    dropped: int


class ChainFault(NamedTuple):
    """What is wrong with a chain, at which entry."""

    chain: int
    number: int
    reason: str

    def __str__(self) -> str:
        """Say it as a sentence."""
        of = "the platform" if self.chain == PLATFORM_CHAIN else f"org {self.chain}"
        return f"Entry {self.number} of {of} {self.reason}."


def sealed(key: bytes, previous: bytes, entry: AuditEntry) -> AuditEntry:
    """Return an entry with its seal behind the entry whose seal is `previous`."""
    return msgspec.structs.replace(entry, mac=_mac(key, previous, entry))


def numbered(draft: AuditDraft, number: int, at_ms: int, made: str) -> AuditEntry:
    """Return a draft as an entry of its chain; `made` is the number of what its write has made."""
    given = msgspec.structs.asdict(draft) | {"number": number, "at_ms": at_ms}
    if draft.object is None:
        given["object"] = shown_object(draft.object_kind, made)
    return AuditEntry(**given)


def check_chain(key: bytes, entries: Iterable[AuditEntry]) -> Iterator[ChainFault]:
    """Find what is wrong with a chain, of which all entries are given in order.

    It begins with 1, or where the newest mark of retention says that it does.
    """
    known = list(entries)
    if not known:
        return
    first = known[0]
    start = _start(known)
    number, previous = 1, START
    if start is not None:
        number, previous = start.first, bytes.fromhex(start.mac)
    if first.number != number:
        yield ChainFault(
            first.chain, number, f"is missing: the first that is there is {first.number}"
        )
        number = first.number
        previous = b""  # not known
    for entry in known:
        if entry.number != number:
            yield ChainFault(entry.chain, number, f"is missing: {entry.number} follows")
            previous = b""
        if previous and not hmac.compare_digest(_mac(key, previous, entry), entry.mac):
            yield ChainFault(entry.chain, entry.number, "was changed, or the one before it was")
        number, previous = entry.number + 1, entry.mac


def check_anchor(
    key: bytes, anchor: Anchor, heads: Mapping[tuple[int, int], bytes], kept_from: Mapping[int, int]
) -> Iterator[ChainFault]:
    """Find the entries that an anchor names and that are not there as they were.

    `heads`: the seals of the entries that are there, by chain and number; `kept_from`: the first
    entry of each chain that retention has left.
    """
    if not hmac.compare_digest(anchor_mac(key, anchor), anchor.mac):
        yield ChainFault(PLATFORM_CHAIN, anchor.number, "among the anchors was changed")
        return
    for head in anchor.heads:
        there = heads.get((head.chain, head.number))
        if there == head.mac or head.number < kept_from.get(head.chain, 1):
            continue
        wrong = "is missing, which was there" if there is None else "is not the one that was there"
        yield ChainFault(head.chain, head.number, f"{wrong} at the anchor")


def anchor_mac(key: bytes, anchor: Anchor) -> bytes:
    """Seal an anchor: over its number, its time and its heads."""
    told = _pack(("anchor", anchor.number, anchor.at_ms, list(anchor.heads)))
    return hmac.new(key, told, hashlib.sha256).digest()


def _mac(key: bytes, previous: bytes, entry: AuditEntry) -> bytes:
    fields = msgspec.structs.astuple(entry)[:-1]
    return hmac.new(key, previous + _pack(fields), hashlib.sha256).digest()


def _start(entries: Sequence[AuditEntry]) -> Remainder | None:
    """Return where a chain begins by its newest mark of retention; None: with its first entry."""
    for entry in reversed(entries):
        if entry.action == LOG_SHORTENED.name and entry.after is not None:
            return msgspec.json.decode(entry.after, type=Remainder)
    return None
