"""Where a call comes from, when proxies stand between: address, scheme and authority.

What a proxy writes into `Forwarded` (RFC 7239) or `X-Forwarded-For`, `-Proto` and `-Host` counts
only where it was written by a trusted one. The chain of addresses is walked from the right, which
is the end that the last proxy wrote, and ends at the first address that is not trusted: that one
is the caller, and whatever it wrote further left is not looked at. So nobody chooses who they are.

What cannot be read says nothing: the caller is then who the last trusted proxy is, never somebody
that a header names.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = Iterable[tuple[bytes, bytes]]

HOPS_MAX = 32  # of a chain that are looked at, from the right
CUSTOMER_BITS = 64
NETWORK_BITS = (24, 32)  # of IPv4 and IPv6: what one stranger may have many addresses of
HEADER_MAX = 8192  # bytes; a longer chain says nothing

_FOR, _PROTO, _HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"
_READ = frozenset((b"forwarded", _FOR, _PROTO, _HOST))
# What says that a call was passed on, whoever wrote it and however it reads.
_PASSED_ON = (b"forwarded", b"x-forwarded", b"x_forwarded", b"x-original-forwarded", b"via")
_PASSED_ON_FOR = frozenset(
    b"x-real-ip x-client-ip x-cluster-client-ip x-remote-ip x-remote-addr x-originating-ip "
    b"x-envoy-external-address x-azure-clientip x-appengine-user-ip true-client-ip client-ip "
    b"cf-connecting-ip fastly-client-ip fly-client-ip do-connecting-ip".split()
)
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rf'\s*({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")\s*')
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PORT = re.compile(r"[0-9]{1,5}|_[A-Za-z0-9._-]{1,64}")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Origin(msgspec.Struct, frozen=True):
    """The origin of a call as trusted proxies tell it; empty where they tell nothing."""

    address: str
    scheme: str = ""
    authority: str = ""


class _Hop(msgspec.Struct, frozen=True):
    """One proxy's word on whom it took the call from."""

    node: str = ""
    scheme: str = ""
    authority: str = ""


class Proxies:
    """The proxies that are trusted, by their networks."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def trusts(self, address: str) -> bool:
        """Return whether an address, in its plain form, is that of a trusted proxy."""
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(
            known.version == network.version and known in network for network in self._networks
        )

    def origin_of(self, peer: str, headers: Headers) -> Origin:
        """Return the caller, and the scheme and authority that trusted proxies tell.

        `peer` is the other end of the connection, `headers` are those of the call with their names
        in lower case.
        """
        address = plain_address(peer) or peer
        if not self._networks or not self.trusts(address):
            return Origin(address)
        standard, older = _read(headers)
        if standard is None and older is None:
            return Origin(address)
        ways = [self._walk(address, hops) for hops in (standard, older) if hops is not None]
        first, last = ways[0], ways[-1]
        # A proxy that writes one kind of header may pass on the other as its caller sent it. So
        # where both came, only what both say counts.
        return Origin(
            first.address if first.address == last.address else address,
            first.scheme if first.scheme == last.scheme else "",
            first.authority if first.authority == last.authority else "",
        )

    def client(self, peer: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Return the address of the caller, for what an address alone opens: never that of a proxy.

        None where a call was passed on and trusted proxies do not say, in words that can be read to
        the end, for whom. `peer` and `headers` are those of `origin_of`.
        """
        if not any(name.startswith(_PASSED_ON) or name in _PASSED_ON_FOR for name, _ in headers):
            return plain_address(peer)
        address = self.origin_of(peer, headers).address
        # `origin_of` ends at a proxy, or at whoever is no trusted one and has passed it on, where
        # it can read no further; only a trusted one's word leads from its own address to another.
        beyond = address != (plain_address(peer) or peer) and not self.trusts(address)
        return address if beyond else None

    def _walk(self, peer: str, hops: Sequence[_Hop]) -> Origin:
        """Follow the hops from the right, as long as whoever is met is trusted."""
        address, scheme, authority = peer, "", ""
        for hop in reversed(hops):
            scheme, authority = hop.scheme, hop.authority
            met = _node(hop.node)
            if met is None:
                break  # this proxy does not say from whom: nobody further left can be believed
            address = met
            if not self.trusts(met):
                break
        return Origin(address, scheme, authority)


def plain_address(text: str) -> str | None:
    """Return an IP address in its one spelling, as IPv4 where it is mapped into IPv6; None for any
    other text."""
    try:
        known = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return str(known)


def block_of(address: str) -> str:
    """Return the block that an address is counted by: itself; of IPv6 the network that one customer
    is given."""
    plain = plain_address(address)
    if plain is None:
        return address[:64]
    if ":" not in plain:
        return plain
    return str(ipaddress.IPv6Network((plain, CUSTOMER_BITS), strict=False))


def network_of(address: str) -> str:
    """Return the network that an address is counted in, where there are too many addresses to
    remember: whoever has one of its addresses easily has others."""
    plain = plain_address(address)
    if plain is None:
        return "no address"
    bits = NETWORK_BITS[":" in plain]
    return str(ipaddress.ip_network((plain, bits), strict=False))


def origin_of(url: str) -> str:
    """Return the origin of a URL as browsers write it: in lower case, without the scheme's own
    port. Empty if it has none."""
    try:
        parts = urlsplit(url.lower())
    except ValueError:
        return ""
    if not parts.scheme or not parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ':'))}"


def _read(headers: Headers) -> tuple[list[_Hop] | None, list[_Hop] | None]:
    """Read `Forwarded` and the older headers; None for those that did not come."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _READ:
            values.setdefault(name, []).append(value)
    if not values:
        return None, None
    texts = {
        name: b",".join(several).decode("latin-1") if sum(map(len, several)) <= HEADER_MAX else ""
        for name, several in values.items()
    }
    standard = _standard(texts[b"forwarded"]) if b"forwarded" in texts else None
    older = None
    if values.keys() & {_FOR, _PROTO, _HOST}:
        older = _older(texts.get(_FOR, ""), texts.get(_PROTO, ""), texts.get(_HOST, ""))
    return standard, older


def _older(nodes: str, schemes: str, authorities: str) -> list[_Hop]:
    """Read the hops of the older headers. Where a list has not one entry for each address, its last
    entry, which the last proxy wrote, stands for all."""
    chain = _entries(nodes) or [""]
    of_scheme, of_authority = _entries(schemes), _entries(authorities)
    return [
        _Hop(
            node,
            _scheme(_one_of(of_scheme, place, len(chain))),
            _authority(_one_of(of_authority, place, len(chain))),
        )
        for place, node in enumerate(chain)
    ][-HOPS_MAX:]


def _entries(text: str) -> list[str]:
    return [element.strip(" \t") for element in text.split(",")] if text.strip(" \t,") else []


def _one_of(entries: list[str], place: int, count: int) -> str:
    if not entries:
        return ""
    return entries[place] if len(entries) == count else entries[-1]


def _standard(text: str) -> list[_Hop]:
    """Read the hops of `Forwarded`; one that says nothing where it cannot be read."""
    hops: list[_Hop] = []
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None or found[1].lower() in pairs:
            return [_Hop()]
        quoted = found[3]
        value = found[2] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        pairs[found[1].lower()] = value
        at = found.end()
        end = text[at : at + 1]
        if end not in ("", ",", ";"):
            return [_Hop()]
        at += 1
        if end != ";":
            hops.append(
                _Hop(
                    pairs.get("for", ""),
                    _scheme(pairs.get("proto", "")),
                    _authority(pairs.get("host", "")),
                )
            )
            pairs = {}
    return (hops if not pairs else [_Hop()])[-HOPS_MAX:]


def _node(text: str) -> str | None:
    """Read the address of `for`: with or without a port, IPv6 with or without brackets. None for
    `unknown`, a hidden name, and what is no address."""
    if text.startswith("["):
        inner, closed, rest = text[1:].partition("]")
        if not closed or ":" not in inner or (rest and not _is_port(rest)):
            return None
        return plain_address(inner)
    if text.count(":") == 1:
        text, _, port = text.partition(":")
        return plain_address(text) if _is_port(f":{port}") else None
    return plain_address(text)


def _is_port(text: str) -> bool:
    return text[:1] == ":" and _PORT.fullmatch(text[1:]) is not None


def _scheme(text: str) -> str:
    return text.lower() if text.lower() in _DEFAULT_PORTS else ""


def _authority(text: str) -> str:
    return text.lower() if _AUTHORITY.fullmatch(text) else ""
