"""The parser of receivers' URLs: what it takes, what it refuses, and that all read it alike."""

from ipaddress import ip_address
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyreqwest.http import Url

from tidings.egress.address import (
    SERVICE_PORTS,
    TargetRefused,
    check_target,
    is_literal,
    parse_target,
    url_of,
)
from tidings.egress.outlet import reads_back
from tidings.egress.policy import Policy
from tidings.egress.port import ReceiverAddress

TAKEN = {
    "https://example.com": ReceiverAddress("https", "example.com", 443, "/"),
    "HTTPS://Example.COM:8443/Hook": ReceiverAddress("https", "example.com", 8443, "/Hook"),
    "http://example.com?q=1": ReceiverAddress("http", "example.com", 80, "/?q=1"),
    "https://example.com/a%2Fb//c;d=1?x=%20&y=/?": ReceiverAddress(
        "https", "example.com", 443, "/a%2Fb//c;d=1?x=%20&y=/?"
    ),
    "https://example.com/?": ReceiverAddress("https", "example.com", 443, "/?"),
    "https://bad.cab/": ReceiverAddress("https", "bad.cab", 443, "/"),
    "https://a_b.example/": ReceiverAddress("https", "a_b.example", 443, "/"),
    "https://München.example/": ReceiverAddress("https", "xn--mnchen-3ya.example", 443, "/"),
    "https://Mu\u0308nchen.example/": ReceiverAddress("https", "xn--mnchen-3ya.example", 443, "/"),
    "https://xn--mnchen-3ya.example/": ReceiverAddress("https", "xn--mnchen-3ya.example", 443, "/"),
    "https://8.8.8.8:1024/": ReceiverAddress("https", "8.8.8.8", 1024, "/"),
    "https://[2001:4860:4860::8888]:443/": ReceiverAddress(
        "https", "2001:4860:4860::8888", 443, "/"
    ),
    "https://[2001:4860:4860:0::8888]/": ReceiverAddress("https", "2001:4860:4860::8888", 443, "/"),
}

REFUSED = {
    "url-scheme": [
        "",
        "example.com",
        "//example.com/",
        "https:example.com",
        "https:/example.com",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
        "unix:///run/x",
        "ws://example.com/",
        "FILE://x/",
        "data:,x",
        "javascript://x/",
        "httpsx://x/",
    ],
    "url-userinfo": [
        "https://user@example.com/",
        "https://user:word@example.com/",
        "https://example.com@127.0.0.1/",
        "https://@example.com/",
        "https://a@b@example.com/",
    ],
    "url-character": [
        "https://example.com\\@127.0.0.1/",
        "https://example.com/a b",
        " https://example.com/",
        "https://example.com/\t",
        "https://exa\nmple.com/",
        "https://example.com/\r\nHost: x",
        "https://example.com/\0",
        "https://example.com/\u2028",
        "https://exa\u00admple.com/",
        "https://exa\u200bmple.com/",
        "https://\ud800.com/",
    ],
    "url-fragment": ["https://example.com/#x", "https://example.com#@127.0.0.1/"],
    "url-host": [
        "https://",
        "https:///x",
        "https://:443/",
        "https://%31.0.0.1/",
        "https://example%2ecom/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://127.0.1/",
        "https://127.0.0.1./",
        "https://127.0.0.01/",
        "https://256.1.1.1/",
        "https://1.2.3.4.5/",
        "https://a.0x/",
        "https://example.1/",
        "https://１２７.0.0.1/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
        "https://127．0．0．1/",
        "https://ｅxample.com/",
        "https://example.com./",
        "https://example..com/",
        "https://.example.com/",
        "https://-a.example/",
        "https://a-.example/",
        "https://exa mple.com/".replace(" ", "!"),
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://xn--a.example/",
        "https://xn--.example/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[127.0.0.1]/",
        "https://[v1.x]/",
        "https://[]/",
        "https://<x>/",
    ],
    "url-port": [
        *(f"https://example.com:{port}/" for port in (0, 1, 22, 25, 110, 1023, 65536, 99999)),
        *(f"https://example.com:{port}/" for port in sorted(SERVICE_PORTS)),
        "https://example.com:/",
        "https://example.com:0443/",
        "https://example.com:+443/",
        "https://example.com:443:443/",
        "https://example.com:x/",
        "https://example.com:４４３/",
        "https://::1/",
    ],
    "url-path": [
        "https://example.com/é",
        "https://example.com/%",
        "https://example.com/%zz",
        "https://example.com/<x>",
        "https://example.com/?q='x'",
        "https://example.com/..",
        "https://example.com/a/../b",
        "https://example.com/a/./b",
        "https://example.com/%2e%2E/b",
        "https://example.com/.%2e",
        "https://example.com/|",
    ],
    "url-length": ["https://example.com/" + "a" * 2048],
}


@pytest.mark.parametrize("url", TAKEN)
def test_taken(url: str) -> None:
    """A plain URL is split once; the host is ASCII, the path exactly what was written."""
    assert parse_target(url, allow_http=True) == TAKEN[url]


@pytest.mark.parametrize(
    ("code", "url"), [(code, url) for code, urls in REFUSED.items() for url in urls], ids=ascii
)
def test_refused(code: str, url: str) -> None:
    """What two parsers could read differently, or what leads inside, is refused with its code."""
    if url == "https://::1/":  # an IPv6 address without brackets has no host
        code = "url-host"
    with pytest.raises(TargetRefused) as refused:
        parse_target(url, allow_http=True)
    assert refused.value.code == code, refused.value.message


def test_http_only_by_setting() -> None:
    """Plain http is refused unless allowed."""
    with pytest.raises(TargetRefused) as refused:
        parse_target("http://example.com/", allow_http=False)
    assert refused.value.code == "url-scheme"
    assert parse_target("http://example.com/", allow_http=True).port == 80


@pytest.mark.parametrize("url", [urls[-1] for urls in REFUSED.values()], ids=ascii)
def test_refusals_speak_our_language(url: str) -> None:
    """Each refusal says what must be, what came, and what to do; none shows the whole URL."""
    with pytest.raises(TargetRefused) as refused:
        parse_target(url, allow_http=True)
    message = refused.value.message
    assert " must " in message
    assert "got " in message
    assert message.endswith(".")
    assert not any(word in message.lower() for word in ("invalid", "oops", "please", "error"))
    assert "word@" not in message


PARTS = st.sampled_from(
    ["https", "http", ":", "//", "/", "\\", "@", "#", "?", "[", "]", "%", ".", "0x7f", "127", "1"]
    + [
        "localhost",
        "example",
        "com",
        "xn--",
        "é",
        "①",
        "。",
        "\t",
        "\0",
        " ",
        "..",
        "%2e",
        "'",
        "443",
    ]
)


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(PARTS, max_size=14).map("".join),
        st.lists(PARTS, max_size=14).map(lambda parts: "https://" + "".join(parts)),
        st.text(max_size=30).map(lambda text: f"https://{text}/"),
        st.text(max_size=30).map(lambda text: f"https://example.com/{text}"),
    )
)
def test_any_text(url: str) -> None:
    """Any text is a target or refused; and what is taken, urllib and a WHATWG parser read alike."""
    try:
        target = parse_target(url, allow_http=True)
    except TargetRefused:
        return
    assert reads_back(target)
    for reading in (url, url_of(target)):
        theirs, plain = Url(reading), urlsplit(reading)
        host = (theirs.host_str or "").strip("[]")
        assert theirs.scheme == plain.scheme == target.scheme
        assert theirs.port_or_known_default == target.port
        assert (plain.port or target.port) == target.port
        if is_literal(target.host):
            assert ip_address(host) == ip_address(plain.hostname or "") == ip_address(target.host)
        else:
            assert host == target.host
    assert parse_target(url_of(target), allow_http=True) == target


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "[::1]", "localhost", "a.localhost"])
def test_literal_is_checked_at_save(host: str) -> None:
    """An inner address is refused when the webhook is saved; development admits it."""
    target = parse_target(f"https://{host}/", allow_http=False)
    with pytest.raises(TargetRefused) as refused:
        check_target(target, Policy())
    assert refused.value.code == "url-blocked"
    assert "blocked by policy" in refused.value.message
    check_target(target, Policy(allow_private=True))


def test_names_are_not_looked_up_at_save() -> None:
    """A name is judged when it is sent to, not when it is saved."""
    check_target(parse_target("https://no-such-name.invalid/", allow_http=False), Policy())
    check_target(parse_target("https://8.8.8.8/", allow_http=False), Policy())


INNER = {
    "MS SQL Server": (1433, 1434), "Oracle": (1521,), "MQTT": (1883, 8883), "NFS": (2049,),
    "ZooKeeper": (2181,), "Docker": (2375, 2376), "etcd": (2379, 2380), "MySQL": (3306,),
    "RDP": (3389,), "PostgreSQL": (5432, 5433), "AMQP": (5671, 5672, 15672, 25672), "VNC": (5900,),
    "CouchDB": (5984,), "WinRM": (5985, 5986), "X11": (6000,), "Redis": (6379, 6380),
    "PgBouncer": (6432,), "Kubernetes": (6443, 10250, 10255), "IRC": (6665, 6666, 6667, 6669, 6697),
    "Cassandra": (7000, 7001, 9042), "Consul": (8500,), "Kafka": (9092, 9093),
    "Elasticsearch": (9200, 9300), "memcached": (11211,), "CockroachDB": (26257,),
    "MongoDB": (27017, 27018, 27019), "ActiveMQ": (61616,), "SIP": (5060, 5061),
}  # fmt: skip


@pytest.mark.parametrize("service", INNER)
def test_no_webhook_leads_to_an_inner_service(service: str) -> None:
    for port in INNER[service]:
        with pytest.raises(TargetRefused) as refused:
            parse_target(f"https://example.com:{port}/", allow_http=False)
        assert refused.value.code == "url-port", port


@pytest.mark.parametrize("port", [80, 443, 1024, 3000, 5000, 8000, 8080, 8443, 9000, 65535])
def test_where_receivers_listen_is_taken(port: int) -> None:
    assert parse_target(f"https://example.com:{port}/", allow_http=False).port == port
