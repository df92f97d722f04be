"""Keys and secrets: random texts with a type and a checksum, what a till sends, and what
the operator may give."""

import base64
import binascii
import hashlib
import zlib

import msgspec

from tidings.engine.callables import RandomBytes
from tidings.errors import Unusable
from tidings.store import port
from tidings.values import describe_value

SESSION, SESSION_BYTES = "tsn", 32
LINK, LINK_BYTES = "lnk", 30
_CELL_BYTES = 2
PRESENTED_MAX = 4096  # bytes of a header that is looked at before its call begins
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # as in ids: no i, l, o, u


class NewCredential(msgspec.Struct, frozen=True):
    """A credential that was made just now; the only time that its secret is known."""

    key: str
    secret: str

    def __repr__(self) -> str:
        """Show it without the secret."""
        return f"NewCredential(key={self.key!r})"


def new_key(random_bytes: RandomBytes) -> str:
    """Make the public half of a credential."""
    return typed("tdk", random_bytes(10))


def new_secret(random_bytes: RandomBytes) -> str:
    """Make the secret half of a credential: 240 random bits."""
    return typed("tds", random_bytes(30))


def shown_id(digest: bytes) -> str:
    """Return what a session or link is called by where people see it."""
    return digest[:8].hex()


def digest_of(secret: str) -> bytes:
    """Compute what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def till_secret(password: str) -> str:
    """Compute what a till sends for its password: the original's MD5, in hex."""
    return hashlib.md5(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def typed(prefix: str, value: bytes) -> str:
    """Write `prefix_`, the bytes, and a checksum by which a scanner tells a leaked key from any
    text."""
    text = _letters(int.from_bytes(value, "big"), -(-len(value) * 8 // 5))
    return f"{prefix}_{text}{_letters(zlib.crc32(f'{prefix}_{text}'.encode()), 7)}"


def session_token(cell: int, value: bytes) -> str:
    """Write a session's token. It names the cell that made it, of the first one none: every process
    sees by the cookie alone whose the session is. Whoever changes that reaches a cell that does not
    know the rest."""
    return typed(SESSION, _named(cell) + value)


def cell_of_session(token: str) -> int:
    """Return the cell that has made a session's token; 1 also for what is no such token."""
    return _cell_in(SESSION, SESSION_BYTES, token) or 1


def sign_in_token(cell: int, value: bytes) -> str:
    """Write the token of a link that signs in as a credential: it names the cell that made it as
    that of a session does, for it is of no org by which the directory would know it."""
    return typed(LINK, _named(cell) + value)


def cell_of_link(token: str) -> int | None:
    """Return the cell that a link's token names; None where it names none."""
    return _cell_in(LINK, LINK_BYTES, token)


def _named(cell: int) -> bytes:
    return cell.to_bytes(_CELL_BYTES, "big") if cell > 1 else b""


def _cell_in(prefix: str, value_bytes: int, token: str) -> int | None:
    body = token[len(prefix) + 1 : -7]
    letters = -(-(_CELL_BYTES + value_bytes) * 8 // 5)
    if not token.startswith(prefix + "_") or len(body) != letters:
        return None
    number = 0
    for letter in body:
        if (value := _LETTERS.find(letter)) < 0:
            return None
        number = number << 5 | value
    return max(1, number >> value_bytes * 8)


def csrf_of(token: str, action: str) -> str:
    """Make the token that a form of a session carries that is sent to the path `action`: good for
    this session and this path alone. Who has only this does not get at the session."""
    key = hashlib.blake2b(token.encode("utf-8", "replace"), digest_size=32, person=b"tidings.csrf")
    path = action.encode("utf-8", "replace")
    return hashlib.blake2b(path, digest_size=16, key=key.digest()).hexdigest()


def is_typed(prefix: str, text: str) -> bool:
    """Return whether a text was made by `typed` with this prefix."""
    body, check = text[:-7], text[-7:]
    return body.startswith(prefix + "_") and check == _letters(zlib.crc32(body.encode()), 7)


def _letters(number: int, count: int) -> str:
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in reversed(range(count)))


def key_in(presented: bytes) -> str:
    """Return the key of a pair that was shown in a header; empty where there is none."""
    scheme, _, rest = presented.strip().partition(b" ")
    if scheme.lower() != b"basic" or len(rest) > PRESENTED_MAX:
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


class BootstrapRefused(Unusable):
    """The platform's credential cannot be as the operator gives it."""


def check_bootstrap(key: str, secret: str, known: port.StoredCredential | None) -> None:
    """Raise BootstrapRefused where key and secret cannot be the platform's. `known`: the credential
    that has this key already."""
    if not key or ":" in key:
        raise BootstrapRefused(
            "TIDINGS_BOOTSTRAP_KEY must be text without a colon; got "
            f"{'a colon in it' if key else 'nothing'}. Use a name such as platform."
        )
    if not secret:
        raise BootstrapRefused(
            "TIDINGS_BOOTSTRAP_SECRET must be text; got nothing. Use 32 random characters."
        )
    if known is not None and not known.platform:
        raise BootstrapRefused(
            "TIDINGS_BOOTSTRAP_KEY must be a key of the platform's own; got "
            f"{describe_value(key)}, which is a credential of org {known.org}. Choose another "
            "name."
        )
