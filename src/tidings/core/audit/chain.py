"""Chains of entries: how one is sealed to the one before it, and what is wrong with one that is
not whole.

The seal is HMAC-SHA256 over the seal before it and all fields, by a key that is not in the store's
tables. So a changed entry, one that was taken out, added or moved does not fit. A chain of which
the *end* was cut is whole by itself: what is missing shows against an anchor, which the service
writes into its log each hour (`anchors.py`).

Retention cuts the beginning off, and says so in a mark, which is an entry like the others: a chain
begins with 1, or with what the newest of its marks names.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from tidings.core.audit.audit_actions import LOG_SHORTENED
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditDraft, AuditEntry, shown_object

START = bytes(32)  # what stands before the first entry of a chain, and before the first anchor
ANCHORS = "anchors"  # the object of a mark of the platform's chain that is of anchors
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
    previous: bytes = START  # the seal of the anchor before
    mac: bytes = b""


class Remainder(msgspec.Struct, frozen=True):
    """The beginning of a chain after retention: its entries begin with `first`, behind the seal
    `mac` (hexadecimal) of the last one that was dropped. Of anchors alike."""

    first: int
    mac: str
    dropped: int


class ChainFault(NamedTuple):
    """A fault of a chain, and the entry at which it is."""

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
    """Return a draft as an entry of its chain; `made` is the number of what its write has made,
    which people see in its id."""
    given = msgspec.structs.asdict(draft) | {"number": number, "at_ms": at_ms}
    if draft.object is None:
        given["object"] = shown_object(draft.object_kind, made)
    return AuditEntry(**given)


class ChainCheck:
    """Checks a chain entry by entry, in their order. It keeps no more than the last of them."""

    def __init__(self, key: bytes, chain: int) -> None:
        self._key = key
        self.chain = chain
        self.entries = 0
        self.head: ChainHead | None = None
        self.kept_anchors: Remainder | None = None  # the newest mark of anchors, in the platform's
        self._first: AuditEntry | None = None
        self._mark: Remainder | None = None  # the newest one whose seal fits
        self._mark_number = 0
        self._next = 0
        self._previous: bytes | None = None  # the seal before the next entry, where it is known

    def add(self, entry: AuditEntry) -> ChainFault | None:
        """Take the next entry; return what is wrong with it or before it."""
        self.entries += 1
        fault = None
        if self._first is None:
            self._first = entry
        elif entry.number > self._next:
            fault = self._fault(self._next, missing(self._next, entry.number - 1))
            self._previous = None
        elif entry.number < self._next:
            fault = self._fault(entry.number, "is there more than once, or in another's place")
        if self._previous is not None and not fits(self._key, self._previous, entry):
            fault = fault or self._fault(entry.number, "was changed, or the one before it was")
        elif entry.action == LOG_SHORTENED.name and (self._previous or entry is self._first):
            self._note(entry)
        self.head = ChainHead(self.chain, entry.number, entry.mac)
        self._next, self._previous = entry.number + 1, entry.mac
        return fault

    def end(self) -> Iterator[ChainFault]:
        """Find what is wrong with the beginning of the chain, of which all entries were given."""
        first = self._first
        if first is None:
            return
        begins, previous = self.first, START
        by = "the chain begins with 1"
        if self._mark is not None:
            previous = bytes.fromhex(self._mark.mac)
            by = f"by the mark of retention in entry {self._mark_number}, it begins with {begins}"
        if first.number > begins:
            yield self._fault(begins, f"{missing(begins, first.number - 1)}: {by}")
        elif first.number < begins:
            yield self._fault(first.number, f"is there again, and was dropped: {by}")
        elif not fits(self._key, previous, first):
            yield self._fault(first.number, "was changed, or is not the first that was there")

    @property
    def first(self) -> int:
        """Return the number of the chain's first entry, as its mark seals it."""
        return 1 if self._mark is None else self._mark.first

    def _note(self, mark: AuditEntry) -> None:
        try:
            remainder = msgspec.json.decode(mark.after or b"", type=Remainder)
            bytes.fromhex(remainder.mac)
        except ValueError:
            return  # what is no mark of ours has no seal that fits either
        if mark.object == ANCHORS:
            self.kept_anchors = remainder
        else:
            self._mark, self._mark_number = remainder, mark.number

    def _fault(self, number: int, reason: str) -> ChainFault:
        return ChainFault(self.chain, number, reason)


def check_chain(key: bytes, entries: Iterable[AuditEntry]) -> Iterator[ChainFault]:
    """Find what is wrong with a chain, of which all entries are given in order."""
    check: ChainCheck | None = None
    for given in entries:
        check = check or ChainCheck(key, given.chain)
        if (fault := check.add(given)) is not None:
            yield fault
    if check is not None:
        yield from check.end()


def fits(key: bytes, previous: bytes, entry: AuditEntry) -> bool:
    """Return whether an entry has the seal that it must have behind the seal `previous`."""
    return hmac.compare_digest(_mac(key, previous, entry), entry.mac)


def missing(first: int, last: int) -> str:
    """Say that entries from `first` are missing: the rest of a sentence that names it."""
    if first == last:
        return "is missing"
    return f"is missing, and so is all up to {last}"


def _mac(key: bytes, previous: bytes, entry: AuditEntry) -> bytes:
    fields = msgspec.structs.astuple(entry)[:-1]
    return hmac.new(key, previous + _pack(fields), hashlib.sha256).digest()
