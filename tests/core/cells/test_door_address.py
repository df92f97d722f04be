"""Addresses of doors: who is reached at one, and how it is written with a port."""

import pytest

from tidings.core.cells.door_address import is_any, is_loopback, is_one, with_port


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_reached_from_its_own_machine_alone(host: str) -> None:
    assert is_loopback(host) and not is_any(host) and is_one(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_of_a_machine_names_none(host: str) -> None:
    assert is_any(host) and not is_loopback(host)


def test_a_name_or_an_address_has_no_port() -> None:
    for host in ("10.0.0.5", "2001:db8::7", "tidings-0.tidings-pods.default.svc"):
        assert is_one(host) and not is_any(host) and not is_loopback(host)
    for text in ("10.0.0.5:8443", "door.example:8443"):
        assert not is_one(text)


def test_an_address_of_version_6_is_written_in_brackets() -> None:
    assert with_port("10.0.0.5", 8443) == "10.0.0.5:8443"
    assert with_port("2001:db8::7", 8443) == "[2001:db8::7]:8443"
