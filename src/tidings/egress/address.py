"""A receiver's URL is parsed here, once, and never again: everything later works on the
`ReceiverAddress`.

Pure. Strict on purpose: where two URL parsers could read a text differently, it is refused (a guard
that checks one host while the client dials another is the usual way in). The rules restate WHATWG's
"ends in a number" check for hosts, RFC 3986 for characters, and IDNA 2008 for names.
"""

import re
import unicodedata
from ipaddress import IPv6Address

import idna

from tidings.egress.policy import Policy
from tidings.egress.port import ReceiverAddress
from tidings.errors import FieldRefusal, Invalid

URL_MAX = 2048
HOST_MAX = 253

# Ports 80, 443 and 1024 to 65535, less those where something else than a webhook listens:
# databases, brokers, caches, control planes, and what browsers refuse because of cross-protocol
# attacks (WHATWG Fetch, "bad ports", those above 1023).
SERVICE_PORTS = frozenset(
    (1433, 1434, 1521, 1719, 1720, 1723, 1883, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 3659)
    + (4045, 4190, 4222, 4369, 5060, 5061, 5432, 5433, 5671, 5672, 5900, 5984, 5985, 5986, 6000)
    + (6379, 6380, 6432, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 7000, 7001, 8500)
    + (8883, 9042, 9092, 9093, 9200, 9300, 10080, 10250, 10255, 11211, 15672, 25672, 26257)
    + (27017, 27018, 27019, 61616)
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_LABEL = re.compile(r"(?!-)[a-z0-9_\-]{1,63}(?<!-)")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
# `'` is legal in a query, but clients rewrite it to %27: refused, so that what is shown is sent.
_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~!$&()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


class TargetRefused(Invalid):
    """A URL that no webhook may have. `message` says what must be, what came and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(FieldRefusal(code, message, ""))
        self.code = code
        self.message = message


def parse_target(url: str, *, allow_http: bool) -> ReceiverAddress:
    """Read a receiver's URL, or raise TargetRefused; never anything else."""
    _check_characters(url)
    scheme, rest = _split_scheme(url, allow_http)
    cut = next((i for i, char in enumerate(rest) if char in "/?"), len(rest))
    host, port = _split_authority(rest[:cut], scheme)
    return ReceiverAddress(scheme=scheme, host=host, port=port, path=_check_path(rest[cut:]))


def check_target(target: ReceiverAddress, policy: Policy) -> None:
    """Refuse, when a webhook is saved and without a lookup, an address or localhost as host.

    Other names are judged at every send, by the addresses that they have then.
    """
    local = target.host == "localhost" or target.host.endswith(".localhost")
    address = "127.0.0.1" if local else target.host
    if not (local or is_literal(target.host)) or policy.admits(address, target.port):
        return
    raise TargetRefused(
        "url-blocked",
        "The URL must lead to a public address; this one is blocked by policy. Use the receiver's "
        "public address, or ask the operator to allow this network and port.",
    )


def is_literal(host: str) -> bool:
    """Return whether a Target's host is an address and not a name."""
    return ":" in host or _QUAD.fullmatch(host) is not None


def url_of(target: ReceiverAddress) -> str:
    """Build the URL that a client is given for an address."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{target.scheme}://{host}:{target.port}{target.path}"


def _check_characters(url: str) -> None:
    if len(url) > URL_MAX:
        raise TargetRefused(
            "url-length",
            f"The URL must be at most {URL_MAX} characters; got {len(url)}. Shorten its path or "
            "query.",
        )
    for char in url:
        if char == "\\" or char.isspace() or unicodedata.category(char)[0] == "C":
            raise TargetRefused(
                "url-character",
                "The URL must contain no spaces, line ends, control characters or backslashes; got "
                f"U+{ord(char):04X}. Remove it, or percent-encode it if it belongs to the path.",
            )
    if "#" in url:
        raise TargetRefused(
            "url-fragment",
            "The URL must end before #; got a fragment, which is never sent. Remove # and what "
            "follows.",
        )


def _split_scheme(url: str, allow_http: bool) -> tuple[str, str]:
    found = _SCHEME.match(url)
    scheme = found[1].lower() if found else ""
    if scheme == "http" and not allow_http:
        raise TargetRefused(
            "url-scheme",
            "The URL must begin with https://; got http://. Use the receiver's https address.",
        )
    if scheme not in ("https", "http") or not found or url[found.end() :][:2] != "//":
        got = f"{scheme[:20]}:" if scheme else "no scheme"
        raise TargetRefused(
            "url-scheme",
            f"The URL must begin with https://; got {got}. Write it in full, as "
            "https://example.com/hook.",
        )
    return scheme, url[found.end() + 2 :]


def _split_authority(authority: str, scheme: str) -> tuple[str, int]:
    if "@" in authority:
        raise TargetRefused(
            "url-userinfo",
            "The URL must contain no user name or password; got one before @. Send it in a header "
            "of the webhook, such as Authorization.",
        )
    if authority.startswith("["):
        inner, bracket, port_text = authority[1:].partition("]")
        host = _check_ipv6(inner) if bracket else ""
        if not bracket or (port_text and not port_text.startswith(":")):
            raise _bad_host("brackets that do not match")
        return host, _check_port(port_text[1:] if port_text else None, scheme)
    name, colon, port_text = authority.partition(":")
    return _check_name(name), _check_port(port_text if colon else None, scheme)


def _bad_host(got: str) -> TargetRefused:
    return TargetRefused(
        "url-host",
        "The host must be a domain name, a dotted IPv4 address or an IPv6 address in brackets; "
        f"got {got}. Write it as in https://example.com/hook.",
    )


def _check_ipv6(inner: str) -> str:
    try:
        if "%" in inner or not inner.isascii():
            raise ValueError
        return str(IPv6Address(inner))
    except ValueError:
        raise _bad_host("brackets without an IPv6 address, or with a zone") from None


def _check_name(name: str) -> str:
    if not name:
        raise _bad_host("none")
    if len(name) > HOST_MAX:
        raise _bad_host(f"{len(name)} characters (at most {HOST_MAX})")
    host = name.lower() if name.isascii() else _to_ascii(name)
    if len(host) > HOST_MAX:
        raise _bad_host(f"{len(host)} characters after encoding (at most {HOST_MAX})")
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        if not _QUAD.fullmatch(host):
            raise _bad_host("a number that is not four decimal parts")
        return host
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise _bad_host("another sign in it" if label else "an empty part (a dot too many)")
        if label.startswith("xn--"):
            _check_encoded(label)
    return host


def _to_ascii(name: str) -> str:
    """IDNA. A name with compatibility forms (full-width, circled …) is a disguise and refused."""
    plain = unicodedata.normalize("NFC", name)
    if unicodedata.normalize("NFKC", name) != plain or "\u3002" in name:  # ideographic full stop
        raise _bad_host("letters that only look like others")
    try:
        return idna.encode(name.lower(), uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise _bad_host("letters that no domain name may hold") from None


def _check_encoded(label: str) -> None:
    try:
        if idna.encode(idna.decode(label), uts46=True, std3_rules=True).decode("ascii") == label:
            return
    except (idna.IDNAError, UnicodeError):
        pass
    raise _bad_host("a part that begins with xn-- and encodes no name")


def _check_port(text: str | None, scheme: str) -> int:
    if text is None:
        return 443 if scheme == "https" else 80
    port = int(text) if _PORT.fullmatch(text) else 0
    if port in (80, 443) or (1024 <= port <= 65535 and port not in SERVICE_PORTS):
        return port
    got = str(port) if port else "something else"
    raise TargetRefused(
        "url-port",
        "The port must be 80, 443 or from 1024 to 65535, and not one where databases, brokers and "
        f"other internal services listen; got {got}. Let the receiver listen on 443.",
    )


def _check_path(rest: str) -> str:
    path, mark, query = rest.partition("?")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        raise TargetRefused(
            "url-path",
            "Path and query must contain only letters, digits, the characters -._~!$&()*+,;=:@/? "
            "and %XX; got another character. Percent-encode it, as %20 for a space or %27 for an "
            "apostrophe.",
        )
    if any(_DOTS.fullmatch(segment) for segment in path.split("/")):
        raise TargetRefused(
            "url-path",
            "The path must not contain a part that is only dots; got . or .. (or %2E), which "
            "clients resolve differently. Write the resolved path.",
        )
    return (path or "/") + mark + query
