"""Who may call, and for which org.

Only digests are kept: a credential's secret is random and long, or is given by the operator at
every start, so one SHA-256 is enough. What a header meant last time is remembered by the header's
digest, never by the header itself, until it ends by itself (an expiry, the end of a rotation's
overlap, of a token) and no longer than until the next change of credentials.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence

import msgspec

from tidings.core.access.scopes import EVERYTHING, RESOURCES, grants_of
from tidings.core.events.attribution import of_credential
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.shares.table import SharedTable
from tidings.engine.access.credential_records import (
    ShownCredential,
    UnansweredCredentials,
    action_on,
    chain_of,
    recorded_credential,
)
from tidings.engine.access.denials import NotKnown, demand, unknown
from tidings.engine.access.guards.key_guard import KeyGuard
from tidings.engine.access.guards.till_guard import TillGuard
from tidings.engine.access.keys import (
    PRESENTED_MAX,
    BootstrapRefused,
    NewCredential,
    check_bootstrap,
    digest_of,
    is_typed,
    key_in,
    new_key,
    new_secret,
    till_secret,
    typed,
)
from tidings.engine.access.tokens import TTL_S, Tokens, mark_of
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.sign_ins import SignInLog
from tidings.engine.callables import RandomBytes, ReadText
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock, WallClock
from tidings.engine.orgs import Orgs
from tidings.engine.over_cells import OverCells
from tidings.errors import Denied, Forbidden, Unauthenticated
from tidings.store import port
from tidings.values import describe_value

REMEMBERED_MAX = 4096  # headers of all callers; of an org with many of them its own oldest go
FIRST_ORG = OrgId(1)
KEY, TILL, OAUTH = "key", "till", "oauth"
TOKEN_PATH = "/v3/oauth/token/generate"
_FOREVER_MS = 1 << 62
_NOBODY = b"\0" * 32

__all__ = [
    "EVERYTHING",
    "RESOURCES",
    "CredentialBook",
    "BootstrapRefused",
    "AuthenticatedCaller",
    "grants_of",
    "is_typed",
    "typed",
]


class _CachedCaller(msgspec.Struct, frozen=True):
    caller: AuthenticatedCaller
    until_ms: int


class CredentialBook:
    """The credentials of all orgs, in memory, over the store."""

    def __init__(
        self,
        *,
        store: port.AccessStore,
        audit: AuditLog,
        sign_ins: SignInLog,
        orgs: Orgs,
        changes: Changes,
        random_bytes: RandomBytes = os.urandom,
        clock: Clock | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        """Without `tokens`, those that are given out do not outlive this object."""
        self._store = store
        self._audit = audit
        self._sign_ins = sign_ins
        self._orgs = orgs
        self._changes = changes
        self._random_bytes = random_bytes
        self._now_ms = (clock or WallClock()).now_ms
        self._tokens = tokens or Tokens(os.urandom(32), os.urandom)
        self._credentials: dict[str, port.StoredCredential] = {}
        self._remembered = SharedTable[int, bytes, _CachedCaller](REMEMBERED_MAX)
        self._uses: dict[str, int] = {}
        self._elsewhere: dict[str, port.StoredCredential] = {}  # the platform's, of other cells
        self.over_cells: OverCells | None = None
        """Who is told of the platform's own; None: there is one cell."""
        self.unanswered = UnansweredCredentials()
        self._tills = TillGuard()
        self.guard = KeyGuard()
        orgs.watch(self._remembered.clear)
        changes.reread.add(lambda snapshot, _: self.load(snapshot))

    def load(self, snapshot: port.Snapshot) -> None:
        """Take over the credentials, at start or where they were read again."""
        self.unanswered.compare(self._credentials, snapshot.credentials)
        stored = {credential.id: credential for credential in snapshot.credentials}
        self._credentials = self._elsewhere | stored
        self._remembered.clear()

    def take_elsewhere(self, credential: port.StoredCredential) -> bool:
        """Take over one of the platform's own that another cell keeps, in memory. Return whether it
        is another cell's."""
        if credential.id in self._credentials and credential.id not in self._elsewhere:
            return False
        self._elsewhere[credential.id] = self._credentials[credential.id] = credential
        self._remembered.clear()
        return True

    def kept_of_platform(self) -> list[port.StoredCredential]:
        """List the platform's own that this cell keeps, also those that were revoked."""
        own = [self._credentials[id] for id in self._credentials.keys() - self._elsewhere.keys()]
        return [credential for credential in own if credential.platform]

    # -- asking -----------------------------------------------------------------------------------

    def caller(
        self,
        authorization: bytes | None,
        scope: str | None,
        token: bytes | None = None,
        address: ReadText = str,
    ) -> AuthenticatedCaller:
        """Return the caller with this `Authorization` header, or with this `X-CAP-API-OAUTH-TOKEN`.

        Denied unless `scope`, if there is one, is theirs. A scope is a resource and what is done to
        it: "webhooks:write", "events:write", "logs:read". Where both headers came, the token
        counts. `address` is asked where the credential is not remembered.
        """
        presented = authorization if token is None else b"Bearer " + token
        if not presented:
            raise unknown("no Authorization header")
        digest = hashlib.sha256(presented).digest()
        now_ms = self._now_ms()
        known = self._remembered.get(digest)
        if known is None or known.until_ms <= now_ms:
            known = self._recognise(presented, now_ms, address)
            self._remembered.put(known.caller.org, digest, known)
        caller = known.caller
        if scope is not None and scope not in caller.grants:
            demand(caller, scope)
        self._uses[caller.credential] = now_ms
        return caller

    def at_hand(
        self, authorization: bytes | None, token: bytes | None
    ) -> AuthenticatedCaller | None:
        """Find who calls, where that is remembered, or known by key and secret or a token; None
        where it is not. Nothing is counted by it: the call itself is judged by `caller`."""
        presented = authorization if token is None else b"Bearer " + token
        if not presented or len(presented) > PRESENTED_MAX:
            return None
        now_ms = self._now_ms()
        known = self._remembered.get(hashlib.sha256(presented).digest())
        if known is not None and known.until_ms > now_ms:
            return known.caller
        scheme, _, rest = presented.strip().partition(b" ")
        try:
            if scheme.lower() == b"bearer":
                return self._by_token(rest.strip(), now_ms).caller
            key, _, secret = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (Denied, binascii.Error, UnicodeDecodeError):
            return None
        credential = self._credentials.get(key)
        if credential is None or credential.kind == TILL:  # whose tries are counted
            return None
        proof = self._proof(credential, digest_of(secret), now_ms)
        return None if proof is None else self._caller(proof.credential)

    def acting(self, caller: AuthenticatedCaller, wanted: str | None) -> AuthenticatedCaller:
        """Return the caller, acting for the org that its `X-Tidings-Org` header names, if any.

        Only the platform's own credential may name another org than its own.
        """
        if not wanted or wanted == str(caller.org):
            return caller
        known = wanted.isascii() and wanted.isdigit() and len(wanted) <= 16
        if not caller.platform or not known or self._orgs.get(OrgId(int(wanted))) is None:
            must = "an existing org" if caller.platform else "the credential's own org"
            raise Forbidden.because(
                "forbidden_org",
                f"X-Tidings-Org must name {must}; got {describe_value(wanted)}. Leave it out for "
                "org "
                f"{caller.org}.",
                header="X-Tidings-Org",
            )
        return msgspec.structs.replace(caller, org=int(wanted))

    def prove(
        self, key: str, secret: str, address: str = "", *, plain: bool = False
    ) -> ShownCredential | None:
        """Find the credential whose key and secret these are; None where they are not known
        together.

        A till shows the MD5 of its password; with `plain`, the password itself is given.
        """
        credential, now_ms = self._credentials.get(key), self._now_ms()
        is_till = credential is not None and credential.kind == TILL
        if is_till:
            self._tills.check(key, address, now_ms / 1000)
            secret = till_secret(secret) if plain else secret.lower()
        proof = self._proof(credential, digest_of(secret), now_ms)
        if is_till and proof is None:
            self._tills.was_wrong(key, address, now_ms / 1000)
        elif is_till:
            self._tills.was_right(key, address)
        return proof

    def caller_of(self, credential_id: str, mark: bytes | None = None) -> AuthenticatedCaller:
        """Return the caller that a credential is now, for sessions. Denied when it has ended.

        `mark` is of the secret that was shown; when that holds no more, it has ended too.
        """
        now_ms = self._now_ms()
        credential = self._credentials.get(credential_id)
        if credential is None or self._end_of(credential, now_ms) <= now_ms:
            raise unknown("a credential that has ended")
        if mark is not None and not self._marked(credential, mark.decode("latin-1"), now_ms):
            raise unknown("a credential whose secret was changed")
        self._uses[credential_id] = now_ms
        return self._caller(credential)

    def accounts_of(self, key: str) -> Sequence[tuple[int, str]]:
        """Return the chains of the audit log that tell of tries at a credential, each with what it
        is called there; none where nobody knows it."""
        known = self._credentials.get(key)
        return [] if known is None else [(chain_of(known), known.id)]

    def token(self, key: str, secret: str, address: str = "") -> tuple[str, int]:
        """Make an access token for an OAuth client, and return it with the seconds that it lasts.
        Denied otherwise."""
        try:
            given = self._token(key, secret, address)
        except Denied:
            self._sign_ins.note_refusal("api", address, self.accounts_of(key))
            raise
        for chain, credential in self.accounts_of(key):
            self._sign_ins.note_token(address, chain, credential)
        return given

    def _token(self, key: str, secret: str, address: str) -> tuple[str, int]:
        now_ms = self._now_ms()
        proof = self.prove(key, secret, address)
        if proof is None:
            denied = Unauthenticated.because(
                "unauthenticated",
                "key and secret must be those of an oauth credential; got a pair that does not "
                "match. Check both halves.",
                field="secret",
            )
            if self._was_good(key, secret):
                raise denied
            raise self.guard.wrong(denied, address, now_ms / 1000)
        credential = proof.credential
        if credential.kind != OAUTH:
            raise Unauthenticated.because(
                "wrong_kind",
                f"Tokens must be requested with an oauth credential; got kind {credential.kind}. "
                "Send this one as Authorization: Basic.",
                field="key",
            )
        ttl_s = min(TTL_S, (proof.until_ms - now_ms) // 1000)
        if ttl_s < 1:
            raise unknown("a credential that ends within this second")
        self._uses[credential.id] = now_ms
        made = self._tokens.make(credential.id, credential.org, proof.digest, now_ms, ttl_s)
        return made, ttl_s

    def credential(self, id: str) -> port.StoredCredential | None:
        """Return a credential as it is kept, whatever became of it."""
        return self._credentials.get(id)

    def of_org(self, org: OrgId) -> list[port.StoredCredential]:
        """List all credentials of an org, revoked ones too, oldest first."""
        own = [credential for credential in self._credentials.values() if credential.org == org]
        return sorted(own, key=lambda one: (one.created_ms, one.id))

    def of_platform(self) -> list[port.StoredCredential]:
        """Return the platform's own credentials that were not revoked."""
        known = self._credentials.values()
        return [found for found in known if found.platform and found.revoked_ms is None]

    def used_ms(self, credential: port.StoredCredential) -> int | None:
        """Return when a credential was last used."""
        return self._uses.get(credential.id, credential.used_ms)

    # -- inside -----------------------------------------------------------------------------------

    def _recognise(self, presented: bytes, now_ms: int, address: ReadText) -> _CachedCaller:
        where = address()
        try:
            return self._read(presented, now_ms, where)
        except Denied as denied:
            if where:  # else the call itself is asked about, and counted by that
                self._sign_ins.note_refusal("api", where, self.accounts_of(key_in(presented)))
            if not isinstance(denied, NotKnown):
                raise
            raise self.guard.wrong(denied, where, now_ms / 1000) from None

    def _read(self, presented: bytes, now_ms: int, address: str) -> _CachedCaller:
        scheme, _, rest = presented.strip().partition(b" ")
        if scheme.lower() == b"bearer":
            return self._by_token(rest.strip(), now_ms)
        if scheme.lower() != b"basic":
            raise unknown("another scheme", NotKnown)
        try:
            decoded = base64.b64decode(rest.strip(), validate=True)
            key, colon, secret = decoded.decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise unknown("something that is not base64 of UTF-8", NotKnown) from None
        if not colon:
            raise unknown("no colon after the key", NotKnown)
        proof = self.prove(key, secret, address)
        if proof is None:
            kind = Unauthenticated if self._was_good(key, secret) else NotKnown
            raise unknown("a key and secret that are not known together", kind)
        if proof.credential.kind == OAUTH:
            raise Unauthenticated.because(
                "wrong_kind",
                "A credential of kind oauth must call with a token; got it as Basic. POST its key "
                f"and secret to {TOKEN_PATH}.",
                header="Authorization",
            )
        return _CachedCaller(self._caller(proof.credential), proof.until_ms)

    def _by_token(self, token: bytes, now_ms: int) -> _CachedCaller:
        claims = self._tokens.read(token, now_ms)
        credential = None if claims is None else self._credentials.get(claims.sub)
        if (
            claims is None
            or credential is None
            or credential.kind != OAUTH
            or not (until_ms := self._marked(credential, claims.mark, now_ms))
        ):
            raise (Unauthenticated if self._tokens.made(token) else NotKnown).because(
                "unauthenticated",
                "The call must carry a valid access token; got one that has expired, or is not "
                f"from this service. POST key and secret to {TOKEN_PATH} for a new one.",
                header="X-CAP-API-OAUTH-TOKEN",
            )
        return _CachedCaller(self._caller(credential), min(until_ms, claims.exp * 1000))

    def _proof(
        self, credential: port.StoredCredential | None, digest: bytes, now_ms: int
    ) -> ShownCredential | None:
        """Compare a digest with both secrets in force, taking the same time whether there are any
        or not. Return what it proves; None if it matches neither, or no longer."""
        newest, before = _NOBODY, _NOBODY
        if credential is not None:
            newest, before = credential.digest, credential.previous or _NOBODY
        is_newest = hmac.compare_digest(digest, newest)
        is_before = hmac.compare_digest(digest, before)
        if credential is None or not (is_newest or is_before):
            return None
        until_ms = self._end_of(credential, now_ms)
        if not is_newest:
            until_ms = min(until_ms, credential.previous_until_ms or 0)
        return ShownCredential(credential, digest, until_ms) if until_ms > now_ms else None

    def _was_good(self, key: str, secret: str) -> bool:
        """Return whether a pair was good before its credential ended: nobody has guessed it."""
        credential = self._credentials.get(key)
        if credential is None or credential.kind == TILL:
            return False
        kept = (credential.digest, credential.previous or _NOBODY)
        return any(hmac.compare_digest(digest_of(secret), digest) for digest in kept)

    def _marked(self, credential: port.StoredCredential, mark: str, now_ms: int) -> int:
        """Return until when the secret with this mark is valid; 0 if it is not."""
        until_ms = self._end_of(credential, now_ms)
        if not hmac.compare_digest(mark_of(credential.digest), mark):
            before = credential.previous
            if before is None or not hmac.compare_digest(mark_of(before), mark):
                return 0
            until_ms = min(until_ms, credential.previous_until_ms or 0)
        return until_ms if until_ms > now_ms else 0

    def _end_of(self, credential: port.StoredCredential, now_ms: int) -> int:
        if credential.revoked_ms is not None:
            return 0
        return _FOREVER_MS if credential.expires_ms is None else credential.expires_ms

    def _caller(self, credential: port.StoredCredential) -> AuthenticatedCaller:
        of_org = self._orgs.settings(credential.org).limits.events_per_second
        return AuthenticatedCaller(
            org=credential.org,
            platform=credential.platform,
            credential=credential.id,
            grants=grants_of(credential.scopes),
            attribution=of_credential(credential.id, credential.name, credential.kind),
            calls_per_minute=credential.calls_per_minute,
            events_per_s=credential.events_per_s,
            limited=credential.events_per_s is not None
            or (of_org is not None and not credential.platform),
        )

    # -- changing ---------------------------------------------------------------------------------

    def uses(self) -> list[port.CredentialUse]:
        """List the last uses that are not written down yet."""
        return [port.CredentialUse(id, at_ms) for id, at_ms in self._uses.items()]

    def written(self, uses: Iterable[port.CredentialUse]) -> None:
        """Note which uses are written down; what was used again since then is not."""
        for use in uses:
            id = use.id
            if self._uses.get(id) == use.at_ms:
                del self._uses[id]
            if (credential := self._credentials.get(id)) is not None:
                self._credentials[id] = msgspec.structs.replace(credential, used_ms=use.at_ms)

    async def keep(self, credential: port.StoredCredential) -> None:
        """Store a credential as it is; it is in force, or no longer, when this returns: in other
        cells once they have confirmed it. Runs inside `Changes.run`."""
        if credential.platform and self.over_cells is not None:
            await self.over_cells.put_credential(credential)
        await self.keep_here(credential)

    async def keep_here(self, credential: port.StoredCredential) -> None:
        """Store one as above; other cells know of it, or are not told."""
        old = self._credentials.get(credential.id)
        before = None if old is None else recorded_credential(old)
        with self._audit.recording(
            action_on(old, credential),
            chain_of(credential),
            credential.id,
            before,
            recorded_credential(credential),
        ):
            await self._store.put_credential(credential)
        self.unanswered.answer(old, credential)
        self._credentials[credential.id] = credential
        self._remembered.clear()

    async def put(self, key: str, secret: str, org: OrgId, *, platform: bool, scopes: str) -> None:
        """Store a credential; it is in force when this returns."""
        made = port.StoredCredential(
            key, org, platform, digest=digest_of(secret), scopes=scopes, created_ms=self._now_ms()
        )

        async def change() -> None:
            credential = made
            if (known := self._credentials.get(key)) is not None:
                kept = {
                    name: getattr(known, name) for name in ("created_ms", "used_ms", "revision")
                }
                credential = msgspec.structs.replace(made, **kept)
                if known == credential:
                    return
                credential = port.revise(credential)
            await self.keep(credential)

        await self._changes.run(change)

    async def ensure_bootstrap(self, org: OrgId, key: str, secret: str) -> None:
        """Write the platform's credential as the operator gives it at every start, and its org."""
        check_bootstrap(key, secret, self._credentials.get(key))
        await self._orgs.ensure(org)
        await self.put(key, secret, org, platform=True, scopes=EVERYTHING)

    async def first_credential(self, org: OrgId = FIRST_ORG) -> NewCredential | None:
        """Make a platform credential, and its org, where there is none; to be printed once."""
        if self._credentials:
            return None
        await self._orgs.ensure(org)
        fresh = NewCredential(new_key(self._random_bytes), new_secret(self._random_bytes))
        await self.put(fresh.key, fresh.secret, org, platform=True, scopes=EVERYTHING)
        return fresh
