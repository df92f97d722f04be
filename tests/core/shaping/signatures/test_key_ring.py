"""Keys in force: rotated with an overlap, pruned when it is over."""

import base64

from tidings.core.shaping.signatures.key_ring import KeyRing

OLD, NEW, NEWEST = b"o" * 32, b"n" * 32, b"N" * 32


def test_the_former_key_goes_on_for_the_overlap() -> None:
    ring = KeyRing((OLD,)).rotated(NEW, 10, 100)
    assert ring.living(109) == [(NEW, None), (OLD, 110)]
    assert ring.in_force(110) == (NEW,)
    assert ring.pruned(110) == KeyRing((NEW,))


def test_no_key_goes_on_for_longer_than_it_was_given() -> None:
    ring = KeyRing((OLD,)).rotated(NEW, 10, 100).rotated(NEWEST, 50, 105)
    assert ring.living(105) == [(NEWEST, None), (NEW, 155), (OLD, 110)]
    assert ring.rotated(b"x" * 32, 2, 107).ends == (109, 109, 109)


def test_without_an_overlap_the_new_key_is_alone() -> None:
    assert KeyRing((NEW, OLD), (900,)).rotated(NEWEST, 0, 100) == KeyRing((NEWEST,))


def test_a_ring_without_keys_stays_one() -> None:
    assert KeyRing(()).in_force(5) == () and KeyRing(()).pruned(5) == KeyRing(())


def test_a_ring_does_not_print_its_keys() -> None:
    assert base64.b64encode(OLD).decode() not in repr(KeyRing((OLD,)))
    assert repr(OLD) not in repr(KeyRing((OLD,)))
