"""The directory: by digests that tell nothing, and one thing is of one family."""

import itertools

import pytest

from tidings.core.cells.directory import (
    DIGEST_BYTES,
    UNUSED_KEPT_S,
    Opener,
    OpenerKind,
    directory_digest,
    is_unused,
    may_register,
)
from tidings.core.cells.families import FamilyId

SECRET = b"of the installation"
FAMILY, OTHER = FamilyId(7), FamilyId(8)


def test_kinds_texts_and_installations_have_digests_of_their_own() -> None:
    digests = {
        directory_digest(kind, secret, text)
        for kind, secret, text in itertools.product(OpenerKind, (SECRET, b"another"), ("a", "b"))
    }
    assert len(digests) == len(OpenerKind) * 4
    assert {len(digest) for digest in digests} == {DIGEST_BYTES}


@pytest.mark.parametrize("kind", OpenerKind)
def test_what_is_one_familys_is_not_given_to_another(kind: OpenerKind) -> None:
    known = [Opener(kind, FAMILY)]
    assert may_register([], Opener(kind, OTHER))
    assert may_register(known, Opener(kind, FAMILY)), "again, after a crash"
    assert may_register(known, Opener(kind, OTHER)) is (kind is OpenerKind.EMAIL)


@pytest.mark.parametrize("kind", OpenerKind)
def test_the_letters_of_kinds_stay(kind: OpenerKind) -> None:
    assert (
        kind.value
        == {
            OpenerKind.KEY: "k",
            OpenerKind.LINK: "l",
            OpenerKind.INBOX: "i",
            OpenerKind.INBOUND: "n",
            OpenerKind.EMAIL: "e",
            OpenerKind.WEBHOOK: "w",
            OpenerKind.CONSUMER_GROUP: "g",
            OpenerKind.ORG: "o",
        }[kind]
    )


def test_a_row_goes_when_its_thing_is_not_there_and_nobody_makes_it() -> None:
    assert is_unused(UNUSED_KEPT_S + 1, owner_has_it=False)
    assert not is_unused(UNUSED_KEPT_S + 1, owner_has_it=True)
    assert not is_unused(UNUSED_KEPT_S, owner_has_it=False)
