"""Which addresses may be dialled: one list of our own, and what an operator adds or takes away.

Pure. `ipaddress.is_private` and `is_global` are never asked: their tables belong to the Python
release (CVE-2024-4032) and let NAT64-wrapped loopback and metadata addresses through. The list is
the IANA special-purpose registries for IPv4 and IPv6 (the latter as of 2025-10-09), multicast,
everything of IPv6 that is not allocated unicast, and one address of a cloud's inside
(168.63.129.16, Azure). Blocked on purpose although "globally reachable" in the registries, because
no webhook lives there: PCP and TURN anycast, AS112, AMT, ORCHIDv2, drone ids, NAT64.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_BLOCKED_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    )
)
_UNICAST_6 = IPv6Network("2000::/3")
_BLOCKED_6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # Teredo, PCP and TURN anycast, benchmarking, AMT, AS112, ORCHID, drone ids
        "2001:db8::/32",
        "2002::/16",  # 6to4 wraps any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)

# What "private" means to `allow_private`: a developer's own machine and network. Link-local (cloud
# metadata) and everything else on the list stay blocked even then.
_PRIVATE_4 = tuple(
    IPv4Network(block) for block in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_PRIVATE_6 = tuple(IPv6Network(block) for block in ("::1/128", "fc00::/7"))


def unwrap(address: Address) -> Address:
    """Return the IPv4 address inside an IPv4-mapped IPv6 one, since that is where the kernel
    connects."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def forbidden(ip: str | Address) -> bool:
    """Return whether an address is on the list. What is not an address, or has a zone, is
    forbidden."""
    try:
        address = unwrap(ip_address(ip))
    except ValueError:
        return True
    if isinstance(address, IPv4Address):
        return any(address in block for block in _BLOCKED_4)
    if address.scope_id is not None or address not in _UNICAST_6:
        return True
    return any(address in block for block in _BLOCKED_6)


def _private(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in block for block in _PRIVATE_4)
    return address.scope_id is None and any(address in block for block in _PRIVATE_6)


class AllowedRange(msgspec.Struct, frozen=True):
    """An operator's exception: addresses of a network, at one port."""

    network: Network
    port: int

    @classmethod
    def parse(cls, text: str) -> "AllowedRange":
        """Read `10.1.0.0/16:8443` or `[fd00:1::/32]:8443`. Raises ValueError with what to write."""
        block, _, port = text.rpartition(":")
        if block.startswith("[") and block.endswith("]"):
            block = block[1:-1]
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise ValueError(
                f"An allowed range must be CIDR:port; got {text!r}. Write 10.1.0.0/16:8443."
            )
        return cls(ip_network(block), int(port))


class Policy(msgspec.Struct, frozen=True):
    """The addresses and ports that one process may dial. Made at start from the settings; never
    changes while it runs."""

    allow_private: bool = False  # development: loopback and private receivers are admitted
    allowed: tuple[AllowedRange, ...] = ()  # logged at start, shown in the console
    # Own public addresses (an event must not loop back to us), and a network's own NAT64 prefix,
    # which no registry lists. Wins over everything above.
    denied: tuple[Network, ...] = ()

    def admits(self, ip: str | Address, port: int) -> bool:
        """Return whether this address may be dialled at this port. What cannot be read is not
        admitted."""
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        inner = unwrap(address)
        if any(inner in net or address in net for net in self.denied):
            return False
        if not forbidden(inner):
            return True
        if self.allow_private and _private(inner):
            return True
        return any(port == allowed.port and inner in allowed.network for allowed in self.allowed)
