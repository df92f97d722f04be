"""A process whose files differ from those in force takes no cell, but for who is alone."""

import pytest

from tidings.core.cells.file_digests import (
    FilesJudgement,
    are_of_one_machine,
    differing_names,
    judge_files,
    short,
)

OWN = {"connections": "c1", "sources": "s1", "actions": ""}
OTHER = {"connections": "c2", "sources": "s1", "actions": "a1"}


def test_who_is_first_puts_its_own_in_force() -> None:
    for is_alone in (True, False):
        assert judge_files(OWN, None, is_alone=is_alone) == FilesJudgement(puts=True)


def test_the_same_files_are_taken_as_they_are() -> None:
    for is_alone in (True, False):
        assert judge_files(OWN, dict(OWN), is_alone=is_alone) == FilesJudgement()


def test_other_files_are_refused_by_name_where_other_machines_own_cells() -> None:
    found = judge_files(OWN, OTHER, is_alone=False)
    assert found == FilesJudgement(("actions", "connections"))


def test_other_files_are_in_force_where_one_machine_owns_all_cells() -> None:
    assert judge_files(OWN, OTHER, is_alone=True) == FilesJudgement(puts=True)


def test_what_another_release_does_not_know_does_not_differ() -> None:
    assert differing_names(OWN, {"sources": "s1", "of a later release": "x"}) == []


@pytest.mark.parametrize(
    ("addresses", "own_host", "is_one"),
    [
        ([], "10.0.0.5", True),
        (["", "127.0.0.1:4000", "[::1]:4001"], "127.0.0.1", True),
        (["10.0.0.5:4000", "10.0.0.5:4001"], "10.0.0.5", True),
        (["10.0.0.5:4000", "10.0.0.6:4000"], "10.0.0.5", False),
        (["10.0.0.6:4000"], "127.0.0.1", False),
    ],
)
def test_a_machine_is_alone_where_no_owner_is_elsewhere(
    addresses: list[str], own_host: str, is_one: bool
) -> None:
    assert are_of_one_machine(addresses, own_host) is is_one


def test_people_are_shown_the_beginning_of_a_digest() -> None:
    assert (short("0123456789abcdef"), short("")) == ("01234567", "none")
