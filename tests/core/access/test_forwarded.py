"""Where a call comes from: what trusted proxies tell counts, and nobody chooses who they are."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.access.forwarded import (
    Origin,
    Proxies,
    block_of,
    origin_of,
    plain_address,
)

PROXY = "10.0.0.1"
PROXIES = Proxies([ip_network("10.0.0.0/24"), ip_network("2001:db8:ffff::/48")])
SECURE = Origin("9.9.9.9", "https")
Pairs = list[tuple[bytes, bytes]]


def forwarded(*values: str) -> Pairs:
    return [(b"forwarded", value.encode("latin-1")) for value in values]


def older(nodes: str = "", scheme: str = "", host: str = "") -> Pairs:
    pairs = {"x-forwarded-for": nodes, "x-forwarded-proto": scheme, "x-forwarded-host": host}
    return [(name.encode(), value.encode("latin-1")) for name, value in pairs.items() if value]


@pytest.mark.parametrize(
    ("peer", "headers", "told"),
    [
        ("192.0.2.1", [], Origin("192.0.2.1")),
        ("192.0.2.1", older("198.51.100.7", "https", "t.example"), Origin("192.0.2.1")),
        ("192.0.2.1", forwarded("for=198.51.100.7;proto=https"), Origin("192.0.2.1")),
        (PROXY, [], Origin(PROXY)),
        (PROXY, older("198.51.100.7"), Origin("198.51.100.7")),
        (PROXY, older("6.6.6.6, 198.51.100.7"), Origin("198.51.100.7")),
        (PROXY, older("6.6.6.6,198.51.100.7, 10.0.0.9"), Origin("198.51.100.7")),
        (PROXY, older("10.0.0.8, 10.0.0.9"), Origin("10.0.0.8")),
        (PROXY, older("198.51.100.7:4711"), Origin("198.51.100.7")),
        (PROXY, older("2001:db8::7"), Origin("2001:db8::7")),
        (PROXY, older("[2001:DB8::7]"), Origin("2001:db8::7")),
        (PROXY, older("[2001:db8::7]:443"), Origin("2001:db8::7")),
        (PROXY, older("::ffff:198.51.100.7"), Origin("198.51.100.7")),
        ("::ffff:10.0.0.1", older("198.51.100.7"), Origin("198.51.100.7")),
        ("2001:db8:ffff::1%eth0", older("198.51.100.7"), Origin("198.51.100.7")),
        ("", older("198.51.100.7"), Origin("")),
        ("a socket", older("198.51.100.7"), Origin("a socket")),
        # what cannot be read says nothing, and what stands left of it is not believed
        (PROXY, older("198.51.100.7, unknown"), Origin(PROXY)),
        (PROXY, older("198.51.100.7, unknown, 10.0.0.9"), Origin("10.0.0.9")),
        (PROXY, older("198.51.100.7, _hidden"), Origin(PROXY)),
        (PROXY, older("198.51.100.7,"), Origin(PROXY)),
        (PROXY, older("198.51.100.7 6.6.6.6"), Origin(PROXY)),
        (PROXY, older("198.51.100.777"), Origin(PROXY)),
        (PROXY, older("198.51.100.7:x"), Origin(PROXY)),
        (PROXY, older("[2001:db8::7"), Origin(PROXY)),
        (PROXY, older("[198.51.100.7]"), Origin(PROXY)),
        (PROXY, older("\xff\x00"), Origin(PROXY)),
        # what is left of the first that is not trusted is that one's own, and not looked at
        (PROXY, older('"; garbage \x00, 198.51.100.7'), Origin("198.51.100.7")),
        (PROXY, older("10.0.0.3, 198.51.100.7"), Origin("198.51.100.7")),
        # the scheme and the host
        (PROXY, older("198.51.100.7", "https"), Origin("198.51.100.7", "https")),
        (PROXY, older("198.51.100.7", "HTTPS"), Origin("198.51.100.7", "https")),
        (PROXY, older("198.51.100.7", "javascript"), Origin("198.51.100.7")),
        (PROXY, older("", "https", "T.example:8443"), Origin(PROXY, "https", "t.example:8443")),
        (PROXY, older("9.9.9.9", host="[2001:db8::1]:4"), Origin("9.9.9.9", "", "[2001:db8::1]:4")),
        (PROXY, older("9.9.9.9", host="t.example/path"), Origin("9.9.9.9")),
        (PROXY, older("9.9.9.9", host="user@t.example"), Origin("9.9.9.9")),
        (PROXY, older("6.6.6.6, 9.9.9.9", "http, https"), Origin("9.9.9.9", "https")),
        (PROXY, older("9.9.9.9, 10.0.0.9", "https, http"), Origin("9.9.9.9", "https")),
        (PROXY, older("9.9.9.9", "http, https"), Origin("9.9.9.9", "https")),
        # RFC 7239
        (PROXY, forwarded("for=198.51.100.7"), Origin("198.51.100.7")),
        (PROXY, forwarded('For="[2001:db8:cafe::17]:4711"'), Origin("2001:db8:cafe::17")),
        (
            PROXY,
            forwarded('for=6.6.6.6;proto=http, for=9.9.9.9;proto=https;host="t.example:4";by=_x'),
            Origin("9.9.9.9", "https", "t.example:4"),
        ),
        (PROXY, forwarded("for=9.9.9.9;proto=https, for=10.0.0.9;proto=http"), SECURE),
        (PROXY, forwarded("for=6.6.6.6", "for=9.9.9.9"), Origin("9.9.9.9")),
        (PROXY, forwarded("proto=https;host=t.example"), Origin(PROXY, "https", "t.example")),
        (PROXY, forwarded('for="_gazonk"'), Origin(PROXY)),
        (PROXY, forwarded("for=unknown;proto=https"), Origin(PROXY, "https")),
        (PROXY, forwarded('for="9.9.9.9:_port"'), Origin("9.9.9.9")),
        (PROXY, forwarded('for="9.9.9\\.9"'), Origin("9.9.9.9")),
        (PROXY, forwarded("for=9.9.9.9;for=6.6.6.6"), Origin(PROXY)),
        (PROXY, forwarded('for="9.9.9.9'), Origin(PROXY)),
        (PROXY, forwarded("for=9.9.9.9 for=6.6.6.6"), Origin(PROXY)),
        (PROXY, forwarded("for=9.9.9.9;"), Origin(PROXY)),
        (PROXY, forwarded("for=" + "9.9.9.9, for=" * 5000 + "9.9.9.9"), Origin(PROXY)),
        # both kinds: only what both say
        (PROXY, forwarded("for=9.9.9.9;proto=https") + older("9.9.9.9", "https"), SECURE),
        (PROXY, forwarded("for=6.6.6.6;proto=https") + older("9.9.9.9", "http"), Origin(PROXY)),
        (PROXY, forwarded("for=9.9.9.9") + older("6.6.6.6, 9.9.9.9, 10.0.0.9"), Origin("9.9.9.9")),
        (PROXY, forwarded("garbage") + older("9.9.9.9"), Origin(PROXY)),
    ],
)  # fmt: skip
def test_what_is_told(peer: str, headers: Pairs, told: Origin) -> None:
    assert PROXIES.origin_of(peer, headers) == told


def test_headers_that_came_several_times_are_one_list() -> None:
    headers = older("6.6.6.6") + older("198.51.100.7") + older("10.0.0.9")
    assert PROXIES.origin_of(PROXY, headers).address == "198.51.100.7"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    for headers in (older("6.6.6.6", "https", "evil.example"), forwarded("for=6.6.6.6")):
        assert Proxies().origin_of("127.0.0.1", headers) == Origin("127.0.0.1")


NEAR = "198.51.100.7"
PASSED_ON = (
    "X-Real-IP True-Client-IP CF-Connecting-IP Client-IP Via X-Client-IP X-Forwarded".split()
)


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        (NEAR, [], NEAR),
        ("::ffff:198.51.100.7", [], NEAR),
        (PROXY, [], PROXY),  # itself: it has passed nothing on
        ("a socket", [], None),
        (PROXY, older(NEAR), NEAR),
        (PROXY, older(NEAR, "https") + [(b"x-real-ip", b"6.6.6.6"), (b"via", b"1.1 x")], NEAR),
        (PROXY, older("6.6.6.6, 2001:db8::7, 10.0.0.9"), "2001:db8::7"),
        (PROXY, forwarded('For="[2001:DB8::7]:4711"'), "2001:db8::7"),
        (PROXY, forwarded("for=" + NEAR) + older(NEAR), NEAR),
        # passed on by who is not trusted
        (NEAR, older(NEAR), None),
        (NEAR, forwarded("for=" + NEAR), None),
        # passed on, and nobody says for whom
        (PROXY, [(b"x-forwarded-for", b"")], None),
        (PROXY, [(b"forwarded", b"")], None),
        (PROXY, older("", "https", "t.example"), None),
        (PROXY, older("unknown"), None),
        (PROXY, older("6.6.6.6, unknown, 10.0.0.9"), None),
        (PROXY, older("_hidden"), None),
        (PROXY, older("10.0.0.8"), None),  # a proxy's own, whichever of them wrote it
        (PROXY, older(", ".join([NEAR] + ["10.0.0.8"] * 40)), None),
        (PROXY, older("1" * 10_000), None),
        (PROXY, older("10.0.0.8, " * 1000 + NEAR), None),
        (PROXY, older(NEAR) + older("\xff\x00"), None),
        (PROXY, forwarded("for=unknown"), None),
        (PROXY, forwarded("garbage") + older(NEAR), None),
        (PROXY, forwarded("for=6.6.6.6") + older(NEAR), None),
        (PROXY, forwarded("proto=https") + older(NEAR), None),
        (PROXY, forwarded("for=" + NEAR) + older("", "https"), None),
        *((PROXY, [(name.lower().encode(), NEAR.encode())], None) for name in PASSED_ON),
        *((NEAR, [(name.lower().encode(), NEAR.encode())], None) for name in PASSED_ON),
    ],
)  # fmt: skip
def test_an_address_opens_something_for_the_client_alone_and_never_for_a_proxy(
    peer: str, headers: Pairs, client: str | None
) -> None:
    assert PROXIES.client(peer, headers) == client


ANY_NAME = st.sampled_from(
    [b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"]
)
PART = st.sampled_from(
    ["6.6.6.6", "10.0.0.7", "for=6.6.6.6", 'for="', "\\", '"', ",", ";", "=", " ", "unknown", "_x"]
    + ["[2001:db8::7]:80", "proto=https", "https", "host=evil.example", "\xe9", "::1", "127.0.0.1"]
)
VALUE = st.lists(PART, max_size=12).map(lambda parts: "".join(parts).encode("latin-1"))
SENT = st.lists(st.tuples(ANY_NAME, VALUE), max_size=4)
CALLERS = (
    st.ip_addresses()
    .map(lambda one: str(plain_address(str(one))))
    .filter(lambda one: not PROXIES.trusts(one))
)


@given(caller=CALLERS, sent=SENT)
def test_a_caller_without_proxy_is_itself_whatever_it_sends(caller: str, sent: Pairs) -> None:
    assert PROXIES.origin_of(caller, sent) == Origin(caller)


@given(caller=CALLERS, sent=SENT, hops=st.integers(0, 3))
def test_through_trusted_proxies_nobody_is_somebody_else(
    caller: str, sent: Pairs, hops: int
) -> None:
    """Each proxy appends to X-Forwarded-For and passes all other headers on as they came."""
    chain = b",".join(value for name, value in sent if name == b"x-forwarded-for")
    for node in [caller, *(f"10.0.0.{n}" for n in range(2, 2 + hops))]:
        chain = chain + b", " + node.encode() if chain else node.encode()
    others = [pair for pair in sent if pair[0] != b"x-forwarded-for"]
    told = PROXIES.origin_of(PROXY, [*others, (b"x-forwarded-for", chain)])
    standard = any(name == b"forwarded" for name, _ in others)
    assert told.address == caller or (standard and told.address == PROXY)
    client = PROXIES.client(PROXY, [*others, (b"x-forwarded-for", chain)])
    assert client == caller or (standard and client is None)


@given(caller=CALLERS, sent=st.lists(PART, max_size=12))
def test_nor_where_they_write_the_standard_header(caller: str, sent: list[str]) -> None:
    node = f'"[{caller}]:1"' if ":" in caller else caller
    came = "".join(sent)
    said = f"{came}, for={node};proto=https" if came else f"for={node};proto=https"
    told = PROXIES.origin_of(PROXY, forwarded(said))
    assert told.address in (caller, PROXY)
    if told.address == caller:
        assert told.scheme == "https"


@given(st.ip_addresses())
def test_an_address_has_one_spelling_and_a_block(address: object) -> None:
    plain = plain_address(str(address))
    assert plain is not None and plain_address(plain) == plain
    block = block_of(str(address))
    assert ip_address(plain) in ip_network(block)


def test_origins_as_browsers_write_them() -> None:
    assert origin_of("HTTPS://T.Example:443/path?q") == "https://t.example"
    assert origin_of("http://t.example:80") == "http://t.example"
    assert origin_of("http://t.example:443") == "http://t.example:443"
    assert origin_of("https://[2001:db8::1]:8443/") == "https://[2001:db8::1]:8443"
    for none in ("", "null", "t.example", "//t.example", "http://[x"):
        assert origin_of(none) == ""
