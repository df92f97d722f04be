"""Anchors: what is missing behind one is named, and so is one that was changed or is missing."""

import json
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from tests.core.audit.chains import KEY, chain_of, faults
from tidings.core.audit.anchors import AnchorCheck, anchor_mac, read_anchor_line
from tidings.core.audit.chain import START, Anchor, ChainHead, Remainder
from tidings.core.audit.entries import AuditEntry

DIGEST = "0123456789abcdef" * 4


def anchored(number: int, *heads: ChainHead, previous: bytes = START) -> Anchor:
    anchor = Anchor(number, 99, heads, previous)
    return msgspec.structs.replace(anchor, mac=anchor_mac(KEY, anchor))


def heads_of(entries: Sequence[AuditEntry], *numbers: int) -> list[ChainHead]:
    return [ChainHead(7, number, entries[number - 1].mac) for number in numbers]


def anchors_of(entries: Sequence[AuditEntry], *numbers: int) -> list[Anchor]:
    anchors: list[Anchor] = []
    previous = START
    for number, head in enumerate(heads_of(entries, *numbers), 1):
        anchors.append(anchored(number, head, previous=previous))
        previous = anchors[-1].mac
    return anchors


def found(
    anchors: Sequence[Anchor],
    entries: Sequence[AuditEntry],
    kept: Remainder | None = None,
    begins: Mapping[int, int] | None = None,
) -> list[str]:
    seals = {(there.chain, there.number): there.mac for there in entries}
    ends = {there.chain: there.number for there in entries}
    check = AnchorCheck(
        KEY, kept, begins or {}, ends, lambda chain, number: seals.get((chain, number))
    )
    told = [str(fault) for anchor in anchors for fault in check.add(anchor)]
    return told + [str(fault) for fault in check.end()]


def test_an_end_that_was_cut_is_named_once_from_where_it_is_missing() -> None:
    entries = chain_of(9)
    anchors = anchors_of(entries, 3, 5, 9)
    assert found(anchors, entries) == []
    cut = entries[:3]
    assert faults(cut) == [], "by itself it is whole"
    [fault] = found(anchors, cut)
    assert fault.startswith("Entry 4 of org 7 is missing, and so is all up to 9: anchor 3")


def test_a_chain_that_was_begun_anew_is_not_the_one_that_was_there() -> None:
    entries = chain_of(5)
    other = [
        msgspec.structs.replace(there, mac=bytes(reversed(there.mac))) for there in chain_of(5)
    ]
    [fault] = found(anchors_of(entries, 2, 4), other)
    assert "Entry 2 of org 7 is not the one that was there at anchor 1" in fault
    [fault] = found(anchors_of(entries, 2, 4), [])
    assert fault.startswith("Entry 1 of org 7 is missing, and so is all up to 4")


def test_what_retention_has_dropped_is_not_missing() -> None:
    entries = chain_of(9)
    anchors = anchors_of(entries, 3, 5, 9)
    assert found(anchors, entries[5:], begins={7: 6}) == []
    assert found(anchors[1:], entries, Remainder(2, anchors[0].mac.hex(), 1)) == []


@pytest.mark.parametrize("field", [*Anchor.__struct_fields__])
def test_each_changed_field_of_an_anchor_is_named(field: str) -> None:
    entries = chain_of(6)
    anchors = anchors_of(entries, 2, 4, 6)
    value = getattr(anchors[1], field)
    other: object = value[:-1] if isinstance(value, list | tuple | bytes) else value + 1
    anchors[1] = msgspec.structs.replace(anchors[1], **{field: other})
    told = found(anchors, entries)
    assert any(fault.startswith(("Anchor 2 ", "Anchor 3 ")) for fault in told), told


@pytest.mark.parametrize("gone", [[0], [1], [0, 1]])
def test_anchors_that_were_taken_out_are_named(gone: list[int]) -> None:
    entries = chain_of(6)
    anchors = anchors_of(entries, 2, 4, 6)
    left = [anchor for place, anchor in enumerate(anchors) if place not in gone]
    told = found(left, entries)
    assert any(f"Anchor {gone[0] + 1} is missing" in fault for fault in told), told


def test_an_anchor_that_retention_has_dropped_does_not_come_back() -> None:
    entries = chain_of(6)
    anchors = anchors_of(entries, 2, 4, 6)
    told = found(anchors, entries, Remainder(2, anchors[0].mac.hex(), 1))
    assert told == ["Anchor 1 is there again, and was dropped by retention."]


def test_another_key_makes_no_anchor() -> None:
    entries = chain_of(2)
    anchor = Anchor(1, 99, heads_of(entries, 2))
    forged = msgspec.structs.replace(anchor, mac=anchor_mac(b"x" * 32, anchor))
    assert found([forged], entries) == ["Anchor 1 was changed."]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (DIGEST, None),
        (f"  {DIGEST.upper()}\n", None),
        (json.dumps({"number": 12, "digest": DIGEST, "event": "audit anchor"}), 12),
        (f'Nov 30 host tidings[7]: {{"number": 12, "at": "…", "digest": "{DIGEST}"}}', 12),
        (f"2026-11-30 [info] audit anchor  at=2026 chains=3 digest={DIGEST} number=12", 12),
        (f"Newest anchor: number=12 at=2026-11-30 digest={DIGEST}", 12),
    ],
)
def test_an_anchor_is_read_as_a_line_or_as_its_digest(text: str, number: int | None) -> None:
    line = read_anchor_line(text)
    assert (line.digest.hex(), line.number) == (DIGEST, number)


@pytest.mark.parametrize("text", ["", "12", DIGEST[:-1], DIGEST + "0", f"{DIGEST} {DIGEST[::-1]}"])
def test_what_is_no_anchor_is_refused_with_what_it_must_be(text: str) -> None:
    with pytest.raises(ValueError, match="--anchor must be"):
        read_anchor_line(text)
