"""Chains of the audit log: whatever is changed in one, or taken out of it, is named."""

import random
from collections.abc import Callable

import msgspec
import pytest

from tests.core.audit.chains import chain_of, faults
from tidings.core.audit.chain import (
    ChainFault,
    sealed,
)
from tidings.core.audit.entries import AuditEntry


def test_a_whole_chain_has_no_faults_nor_has_one_without_entries() -> None:
    assert faults(chain_of(9)) == [] and faults([]) == []


@pytest.mark.parametrize("field", [*AuditEntry.__struct_fields__])
def test_each_changed_field_of_an_entry_is_named(field: str) -> None:
    entries = chain_of(5)
    value = getattr(entries[2], field)
    if isinstance(value, int):
        other: object = value + 1
    elif isinstance(value, str):
        other = value + "x"
    else:
        other = (value or b"") + b"x"
    entries[2] = msgspec.structs.replace(entries[2], **{field: other})
    assert (7, 3) in faults(entries) or (8, 3) in faults(entries)


@pytest.mark.parametrize("place", range(4))
def test_an_entry_that_was_taken_out_is_named(place: int) -> None:
    entries = chain_of(5)
    del entries[place]
    assert (7, place + 1) in faults(entries)


def test_entries_that_were_numbered_anew_over_a_gap_do_not_fit() -> None:
    entries = chain_of(5)
    del entries[1]
    entries[1:] = [
        msgspec.structs.replace(moved, number=number)
        for number, moved in enumerate(entries[1:], start=2)
    ]
    assert (7, 2) in faults(entries)


def test_another_key_makes_no_entry_that_fits() -> None:
    entries = chain_of(3)
    forged = sealed(b"x" * 32, entries[1].mac, entries[2])
    assert faults([*entries[:2], forged]) == [(7, 3)]


@pytest.mark.parametrize("seed", range(20))
def test_no_chance_change_goes_unseen(seed: int) -> None:
    rng = random.Random(seed)
    entries = chain_of(12)
    change: Callable[[list[AuditEntry]], None] = rng.choice([swap, repeat, drop_some])
    changed = list(entries)
    change(changed)
    assert changed == entries or faults(changed) or len(changed) < 12


def swap(entries: list[AuditEntry]) -> None:
    entries[3], entries[8] = entries[8], entries[3]


def repeat(entries: list[AuditEntry]) -> None:
    entries.insert(5, entries[5])


def drop_some(entries: list[AuditEntry]) -> None:
    del entries[2:6]


def test_a_fault_is_said_as_a_sentence() -> None:
    assert str(ChainFault(0, 4, "is missing")) == "Entry 4 of the platform is missing."
    assert str(ChainFault(7, 4, "is missing")) == "Entry 4 of org 7 is missing."
