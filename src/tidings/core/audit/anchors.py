"""Anchors: what the chains were at a time. What is cut off the end of a chain shows against them.

Each holds the seal of the one before it, so an anchor that is known from outside, by its line in
the service's log, vouches for itself and for all that came earlier.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import NamedTuple

import msgspec

from tidings.core.audit.chain import START, Anchor, ChainFault, ChainHead, Remainder, missing

_DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{64}(?![0-9A-Za-z])")
_NUMBER = re.compile(r"\bnumber\W{1,5}(\d{1,18})\b")
_pack = msgspec.msgpack.Encoder().encode


class AnchorFault(NamedTuple):
    """A fault of an anchor itself."""

    number: int
    reason: str

    def __str__(self) -> str:
        """Say it as a sentence."""
        return f"Anchor {self.number} {self.reason}."


class AnchorLine(NamedTuple):
    """An anchor as the service's log names it."""

    digest: bytes
    number: int | None = None  # None: only the digest was given


def anchor_mac(key: bytes, anchor: Anchor) -> bytes:
    """Seal an anchor: over its number, its time, its heads, and the anchor before it."""
    sealed = _pack(
        ("anchor", anchor.number, anchor.at_ms, list(anchor.heads), bytes(anchor.previous))
    )
    return hmac.new(key, sealed, hashlib.sha256).digest()


def read_anchor_line(text: str) -> AnchorLine:
    """Read a line of the log, in JSON or as a console shows it, or a digest alone. Raise ValueError
    unless it holds just one digest."""
    digests = {found.lower() for found in _DIGEST.findall(text)}
    if len(digests) != 1:
        raise ValueError(
            "--anchor must be a line `audit anchor` of the service's log, or the digest in it: 64 "
            f"hexadecimal digits; got {len(digests) or 'no'} such digest"
            f"{'s' if len(digests) > 1 else ''}. Copy one whole line."
        )
    number = _NUMBER.search(text)
    return AnchorLine(bytes.fromhex(digests.pop()), int(number[1]) if number else None)


class AnchorCheck:
    """Checks all anchors in their order, and against them the entries that are there."""

    def __init__(
        self,
        key: bytes,
        kept: Remainder | None,
        begins: Mapping[int, int],
        ends: Mapping[int, int],
        seal_of: Callable[[int, int], bytes | None],
        gone: Container[int] = (),
    ) -> None:
        """`kept`: where the anchors begin by the newest mark of retention. `begins`, `ends`: the
        first and last entry of each chain by its own check; `seal_of` looks up the seal of an
        entry by its chain and number. `gone`: the chains that have gone to another cell."""
        self._key = key
        self._gone = gone
        self.first = 1 if kept is None else kept.first
        self._next = self.first
        self._previous: bytes | None = START if kept is None else bytes.fromhex(kept.mac)
        self._begins = begins
        self._ends = ends
        self._seal_of = seal_of
        self.count = 0
        self.newest: Anchor | None = None
        self.named: dict[int, int] = {}  # by chain, the last of its entries that an anchor names
        self._cut: dict[int, tuple[int, int]] = {}  # by chain, an entry and the anchor that has it
        self._replaced: dict[int, tuple[int, int]] = {}

    def add(self, anchor: Anchor) -> Iterator[AnchorFault]:
        """Take the next anchor; find what is wrong with it or before it."""
        self.count += 1
        if anchor.number > self._next:
            yield AnchorFault(self._next, missing(self._next, anchor.number - 1))
            self._previous = None
        elif anchor.number < self._next:
            yield AnchorFault(anchor.number, "is there again, and was dropped by retention")
            return
        fits = hmac.compare_digest(anchor_mac(self._key, anchor), anchor.mac)
        if not fits:
            yield AnchorFault(anchor.number, "was changed")
        elif self._previous is not None and anchor.previous != self._previous:
            yield AnchorFault(anchor.number, "does not follow the anchor before it")
        self._next, self._previous = anchor.number + 1, anchor.mac
        self.newest = anchor
        if fits:
            for head in anchor.heads:
                self._compare(anchor, head)

    def end(self) -> Iterator[ChainFault]:
        """Find the entries that anchors name and that are not there as they were."""
        for chain, (number, anchor) in sorted(self._cut.items()):
            first = max(self._ends.get(chain, 0) + 1, self._begins.get(chain, 1))
            reason = f"{missing(first, number)}: anchor {anchor} names {number}, the end was cut"
            yield ChainFault(chain, first, reason)
        for chain, (number, anchor) in sorted(self._replaced.items()):
            yield ChainFault(chain, number, f"is not the one that was there at anchor {anchor}")

    def _compare(self, anchor: Anchor, head: ChainHead) -> None:
        self.named[head.chain] = max(head.number, self.named.get(head.chain, 0))
        if head.number < self._begins.get(head.chain, 1) or head.chain in self._gone:
            return  # retention has dropped it, or it is another cell's
        if head.number > self._ends.get(head.chain, 0):
            self._cut[head.chain] = max(
                self._cut.get(head.chain, (0, 0)), (head.number, anchor.number)
            )
            return
        seal = self._seal_of(head.chain, head.number)
        if seal is not None and seal != head.mac:  # where it is missing, its chain shows a gap
            self._replaced.setdefault(head.chain, (head.number, anchor.number))
