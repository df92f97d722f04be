"""The address list: all samples, and what an operator's settings change."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.egress.support import FORBIDDEN
from tidings.egress.policy import AllowedRange, Policy, forbidden

ALLOWED = """
1.1.1.1 8.8.8.8 93.184.216.34 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.1 169.253.255.255
192.0.1.1 198.17.255.255 198.20.0.1 223.255.255.255 11.0.0.1 ::ffff:8.8.8.8 2001:4860:4860::8888
2606:4700::1111 2a00:1450:4001::1 2400:cb00::1 2001:200::1 2003::1 3ffe::1
""".split()


def test_samples_are_complete() -> None:
    """None of the samples was lost in copying."""
    assert (len(set(FORBIDDEN)), len(set(ALLOWED))) == (70, 21)


@pytest.mark.parametrize("ip", FORBIDDEN)
def test_forbidden(ip: str) -> None:
    """A special, unallocated or inner address is forbidden."""
    assert forbidden(ip)
    assert not Policy().admits(ip, 443)


@pytest.mark.parametrize("ip", ALLOWED)
def test_allowed(ip: str) -> None:
    """A public address, also next to a blocked range, is admitted."""
    assert not forbidden(ip)
    assert Policy().admits(ip, 443)


@pytest.mark.parametrize(
    "ip", ["", "x", "1.2.3", "0177.0.0.1", "2130706433", "1.2.3.4/32", "2a00::1%a"]
)
def test_what_is_no_address_is_forbidden(ip: str) -> None:
    """What cannot be read as an address is not admitted by any setting."""
    assert forbidden(ip)
    assert not Policy(allow_private=True).admits(ip, 443)


@given(st.integers(0, 2**32 - 1))
def test_mapped_is_judged_as_ipv4(number: int) -> None:
    """An IPv4-mapped address is exactly as forbidden as the IPv4 address inside."""
    inner = IPv4Address(number)
    assert forbidden(IPv6Address(f"::ffff:{inner}")) == forbidden(inner)


@pytest.mark.parametrize(
    "ip", ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "::1", "fd00::1"]
)
def test_development_admits_private(ip: str) -> None:
    """Development mode admits the developer's machine and network."""
    assert Policy(allow_private=True).admits(ip, 8080)
    assert Policy(allow_private=True).admits("1.1.1.1", 443)


@pytest.mark.parametrize(
    "ip", ["169.254.169.254", "168.63.129.16", "100.100.100.200", "0.0.0.0", "fe80::1", "224.0.0.1"]
)
def test_development_does_not_admit_metadata(ip: str) -> None:
    """Cloud metadata, link-local and multicast stay blocked in development."""
    assert not Policy(allow_private=True).admits(ip, 80)


def test_operator_exception_is_network_and_port() -> None:
    """An exception admits its network at its port only."""
    policy = Policy(
        allowed=(AllowedRange.parse("10.1.0.0/16:8443"), AllowedRange.parse("[fd00:1::/32]:443"))
    )
    assert policy.admits("10.1.2.3", 8443)
    assert policy.admits("::ffff:10.1.2.3", 8443)
    assert policy.admits("fd00:1::9", 443)
    assert not policy.admits("10.1.2.3", 443)
    assert not policy.admits("10.2.2.3", 8443)
    assert not policy.admits("fd00:2::9", 443)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.1/8:443", "10.0.0.0/8:0", "x:443", ":", ""])
def test_exception_must_be_exact(text: str) -> None:
    """An exception without a port, or with host bits, is refused at start."""
    with pytest.raises(ValueError):
        AllowedRange.parse(text)


def test_denied_wins() -> None:
    """Own addresses and a local NAT64 prefix are blocked whatever else is allowed."""
    policy = Policy(
        allow_private=True,
        allowed=(AllowedRange.parse("11.0.0.0/8:443"),),
        denied=(ip_network("11.0.0.1/32"), ip_network("2a00:64::/96"), ip_network("127.0.0.9/32")),
    )
    assert not policy.admits("11.0.0.1", 443)
    assert not policy.admits("::ffff:11.0.0.1", 443)
    assert not policy.admits("2a00:64::7f00:1", 443)
    assert not policy.admits("127.0.0.9", 443)
    mapped = Policy(denied=(ip_network("::ffff:11.0.0.0/104"),))
    assert not mapped.admits("::ffff:11.0.0.1", 443), "written as the operator writes it"
    assert policy.admits("11.0.0.2", 443)
