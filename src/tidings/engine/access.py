"""Who may call, and for which org.

Only digests are kept: a credential's secret is random and long, or is given by the operator at
every start, so one SHA-256 is enough. What a header meant last time is remembered by the header's
digest, never by the header itself, and is forgotten with every change of credentials.
"""

import base64
import binascii
import hashlib
import hmac
import os
import zlib
from collections.abc import Callable

import msgspec

from tidings.core.calls import Caller
from tidings.core.form import came
from tidings.engine.orgs import Orgs
from tidings.store import port

REMEMBERED_MAX = 4096
RESOURCES = ("webhooks", "events", "logs", "reference", "replay", "admin")
EVERYTHING = "*"
FIRST_ORG = 1
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # as in ids: no i, l, o, u
_NOBODY = b"\0" * 32


__all__ = ["Access", "Caller", "Denied", "NewCredential", "grants_of", "is_typed", "typed"]


class Denied(Exception):
    """The call is refused: 401 without a known credential, 403 where it may not do this."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class NewCredential(msgspec.Struct, frozen=True):
    """A credential that was made just now; the only time that its secret is known."""

    key: str
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"NewCredential(key={self.key!r})"


class _Known(msgspec.Struct, frozen=True):
    caller: Caller
    grants: frozenset[str]  # "events:write", …


class Access:
    """The credentials of all orgs, in memory, over the store."""

    def __init__(
        self, *, store: port.Store, orgs: Orgs, draw: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._store = store
        self._orgs = orgs
        self._draw = draw
        self._credentials: dict[str, port.Credential] = {}
        self._remembered: dict[bytes, _Known] = {}

    def load(self, snapshot: port.Snapshot) -> None:
        """Take over the credentials at start."""
        self._credentials = {one.id: one for one in snapshot.credentials}
        self._remembered.clear()

    # -- asking -----------------------------------------------------------------------------------

    def caller(self, authorization: bytes | None, scope: str) -> Caller:
        """Who calls with this `Authorization` header. Denied unless `scope` is theirs.

        A scope is a resource and what is done to it: "webhooks:write", "events:write", "logs:read".
        """
        if not authorization:
            raise _unknown("no Authorization header")
        digest = hashlib.sha256(authorization).digest()
        known = self._remembered.get(digest)
        if known is None:
            known = self._recognise(authorization)
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[digest] = known
        if scope not in known.grants:
            raise Denied(
                403,
                "forbidden",
                f"The credential must hold the scope {scope}; {known.caller.credential} does not. "
                "Give it the scope, or call with another one. (forbidden, header Authorization)",
            )
        return known.caller

    def acting(self, caller: Caller, wanted: str | None) -> Caller:
        """The caller, acting for the org that its `X-Tidings-Org` header names, if any.

        Only the platform's own credential may name another org than its own.
        """
        if not wanted or wanted == str(caller.org):
            return caller
        known = wanted.isascii() and wanted.isdigit() and len(wanted) <= 16
        if not caller.platform or not known or self._orgs.get(int(wanted)) is None:
            must = "an existing org" if caller.platform else "the credential's own org"
            raise Denied(
                403,
                "forbidden_org",
                f"X-Tidings-Org must name {must}; got {came(wanted)}. Leave it out for org "
                f"{caller.org}. (forbidden_org, header X-Tidings-Org)",
            )
        return msgspec.structs.replace(caller, org=int(wanted))

    def _recognise(self, authorization: bytes) -> _Known:
        scheme, _, encoded = authorization.strip().partition(b" ")
        if scheme.lower() != b"basic":
            raise _unknown("another scheme")
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True)
            key, colon, secret = decoded.partition(b":")
            credential = self._credentials.get(key.decode())
        except (binascii.Error, UnicodeDecodeError):
            raise _unknown("something that is not base64") from None
        if not colon:
            raise _unknown("no colon after the key")
        digest = _NOBODY if credential is None else credential.digest
        matches = hmac.compare_digest(hashlib.sha256(secret).digest(), digest)
        if credential is None or not matches or credential.revoked_ms is not None:
            raise _unknown("a key and secret that are not known together")
        caller = Caller(credential.org, credential.platform, credential.id)
        return _Known(caller, grants_of(credential.scopes))

    # -- changing ---------------------------------------------------------------------------------

    async def put(self, key: str, secret: str, org: int, *, platform: bool, scopes: str) -> None:
        """Store a credential; it is in force when this returns."""
        digest = hashlib.sha256(secret.encode()).digest()
        credential = port.Credential(key, org, platform, digest, scopes)
        known = self._credentials.get(key)
        if known is not None:
            credential = msgspec.structs.replace(credential, created_ms=known.created_ms)
            if known == credential:
                return
        await self._store.put_credential(credential)
        self._credentials[key] = credential
        self._remembered.clear()

    async def ensure_bootstrap(self, org: int, key: str, secret: str) -> None:
        """The platform's credential as the operator gives it at every start, and its org."""
        if not key or ":" in key:
            raise ValueError(
                "TIDINGS_BOOTSTRAP_KEY must be text without a colon; got "
                f"{'a colon in it' if key else 'nothing'}. Take a name such as platform."
            )
        if not secret:
            raise ValueError(
                "TIDINGS_BOOTSTRAP_SECRET must be text; got nothing. Take 32 random characters."
            )
        await self._orgs.ensure(org)
        await self.put(key, secret, org, platform=True, scopes=EVERYTHING)

    async def first_credential(self, org: int = FIRST_ORG) -> NewCredential | None:
        """A platform credential, and its org, where there is none at all; to be printed once."""
        if self._credentials:
            return None
        await self._orgs.ensure(org)
        fresh = NewCredential(typed("tdk", self._draw(10)), typed("tds", self._draw(30)))
        await self.put(fresh.key, fresh.secret, org, platform=True, scopes=EVERYTHING)
        return fresh


def grants_of(scopes: str) -> frozenset[str]:
    """What scopes allow: `*` is everything; a word such as `events:write` includes reading."""
    if scopes.strip() == EVERYTHING:
        scopes = " ".join(f"{resource}:write" for resource in RESOURCES)
    granted = set()
    for word in scopes.split():
        resource, _, level = word.partition(":")
        if level in ("read", "write"):
            granted.add(f"{resource}:read")
        if level == "write":
            granted.add(word)
    return frozenset(granted)


def typed(prefix: str, value: bytes) -> str:
    """`prefix_`, the bytes, and a checksum by which a scanner tells a leaked key from any text."""
    text = _letters(int.from_bytes(value, "big"), -(-len(value) * 8 // 5))
    return f"{prefix}_{text}{_letters(zlib.crc32(f'{prefix}_{text}'.encode()), 7)}"


def is_typed(prefix: str, text: str) -> bool:
    """Whether a text was made by `typed` with this prefix."""
    body, check = text[:-7], text[-7:]
    return body.startswith(prefix + "_") and check == _letters(zlib.crc32(body.encode()), 7)


def _letters(number: int, count: int) -> str:
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in reversed(range(count)))


def _unknown(got: str) -> Denied:
    return Denied(
        401,
        "unauthenticated",
        "The call must carry Authorization: Basic and the base64 of key:secret; got "
        f"{got}. Check both halves of the credential. (unauthenticated, header Authorization)",
    )
