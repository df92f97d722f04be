"""Making, changing, rotating and revoking credentials, within what the asking caller may do itself.

A caller never gets at more than it has: it makes, changes and rotates only credentials whose scopes
it holds all of, because it would learn their secret or lengthen their life. The platform's own are
hidden from everybody else, of whichever org they are.
"""

import contextlib
from typing import Any, TypeVar

from msgspec.structs import replace

from tidings.core.access.credential_rules import CredentialLimits, read_credential, read_rotation
from tidings.core.access.scopes import grants_of, show_scopes
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.access import TILL, CredentialBook
from tidings.engine.access.credential_records import asked
from tidings.engine.access.denials import unknown_of
from tidings.engine.access.keys import digest_of, new_key, new_secret, till_secret
from tidings.engine.access.limits import CALLS_PER_MINUTE
from tidings.engine.callables import RandomBytes
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.orgs import Orgs
from tidings.engine.over_cells import NotConfirmed
from tidings.errors import Conflict, FieldRefusal, Forbidden, NotFound, RequestRefused, passed
from tidings.store import port
from tidings.values import describe_value

Refused = TypeVar("Refused", bound=RequestRefused)

PER_ORG_MAX = 1000  # that are not revoked


class UnknownCredential(NotFound):
    """The org has no credential of this id that the caller may see."""

    def __init__(self, id: str) -> None:
        super().__init__(unknown_of("credential", id))


class Credentials:
    """Changes to credentials, one at a time, each in force when it returns."""

    def __init__(
        self,
        *,
        access: CredentialBook,
        orgs: Orgs,
        changes: Changes,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._access = access
        self._orgs = orgs
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes

    def list(self, caller: AuthenticatedCaller, org: OrgId) -> list[port.StoredCredential]:
        """List the credentials of an org that the caller may see, revoked ones too, oldest
        first."""
        return [credential for credential in self._access.of_org(org) if _shown(credential, caller)]

    def get(self, caller: AuthenticatedCaller, org: OrgId, id: str) -> port.StoredCredential:
        """Find a credential of an org that the caller may see. Raise UnknownCredential for anything
        else."""
        credential = self._access.credential(id)
        if credential is None or credential.org != org or not _shown(credential, caller):
            raise UnknownCredential(id)
        return credential

    async def create(
        self, caller: AuthenticatedCaller, org: OrgId, body: dict[str, Any]
    ) -> tuple[port.StoredCredential, str]:
        """Make one. Returns it and its secret (a till's password), to be shown once."""
        wanted = passed(read_credential(body, self._clock.now_ms()))
        _check_within(caller, wanted.scopes, "scopes")
        self._check_limits(caller, org, wanted.limits, CredentialLimits())

        async def change() -> tuple[port.StoredCredential, str]:
            own = [
                credential
                for credential in self._access.of_org(org)
                if credential.revoked_ms is None
            ]
            if len(own) >= PER_ORG_MAX:
                raise _refused(
                    Conflict,
                    "too_many",
                    "",
                    f"An org must have at most {PER_ORG_MAX} active credentials; got one more. "
                    "Revoke unused ones.",
                )
            key = wanted.code or new_key(self._random_bytes)
            digest, secret = self._secret(wanted.kind, wanted.password)
            fresh = port.StoredCredential(
                key,
                org,
                False,
                digest=digest,
                scopes=wanted.scopes,
                created_ms=self._clock.now_ms(),
                kind=wanted.kind,
                name=wanted.name,
                expires_ms=wanted.expires_ms,
                calls_per_minute=wanted.limits.calls_per_minute,
                events_per_s=wanted.limits.events_per_s,
                created_by=caller.credential,
            )
            if (known := self._access.credential(key)) is not None:
                if not self._is_same(known, fresh):
                    raise _refused(
                        Conflict,
                        "code_taken",
                        "code",
                        f"code must be new in the whole service; got {describe_value(key)}, which "
                        "is taken. Choose another.",
                    )
                fresh = replace(fresh, created_ms=known.created_ms, revision=known.revision + 1)
            await self._access.keep(fresh)
            return fresh, secret

        return await self._changes.run(change)

    async def change(
        self, caller: AuthenticatedCaller, org: OrgId, id: str, body: dict[str, Any]
    ) -> port.StoredCredential:
        """Change its name, scopes, expiry or limits; what the body does not name stays."""

        async def change() -> port.StoredCredential:
            old = self._living(caller, org, id)
            for field in ("scopes", "expiresAt"):
                if old.platform and field in body:
                    raise _refused(
                        Conflict,
                        "platforms_own",
                        field,
                        f"{field} of the platform's own credential must stay as it is; got "
                        "another. Create a credential in the org for narrower scopes.",
                    )
            wanted = passed(read_credential(body, self._clock.now_ms(), asked(old)))
            _check_within(caller, wanted.scopes, "scopes")
            previous = CredentialLimits(old.calls_per_minute, old.events_per_s)
            self._check_limits(caller, org, wanted.limits, previous)
            fresh = port.revise(
                old,
                name=wanted.name,
                scopes=wanted.scopes,
                expires_ms=wanted.expires_ms,
                calls_per_minute=wanted.limits.calls_per_minute,
                events_per_s=wanted.limits.events_per_s,
            )
            await self._access.keep(fresh)
            return fresh

        changed = await self._changes.run(change)
        await self._confirm(changed)
        return changed

    async def rotate(
        self, caller: AuthenticatedCaller, org: OrgId, id: str, body: dict[str, Any]
    ) -> tuple[port.StoredCredential, str]:
        """Give it a new secret; the old one is taken for a while too, unless told otherwise."""

        async def change() -> tuple[port.StoredCredential, str]:
            old = self._living(caller, org, id)
            wanted = passed(read_rotation(body, old.kind))
            overlap_ms = wanted.overlap_ms
            digest, secret = self._secret(old.kind, wanted.password)
            fresh = port.revise(
                old,
                digest=digest,
                previous=self._access.unanswered.answered_digest(old) if overlap_ms else None,
                previous_until_ms=self._clock.now_ms() + overlap_ms if overlap_ms else None,
            )
            await self._access.keep(fresh)
            return fresh, secret

        made, secret = await self._changes.run(change)
        with contextlib.suppress(NotConfirmed):  # the secret is shown once: here
            await self._confirm(made)
        return made, secret

    async def revoke(
        self, caller: AuthenticatedCaller, org: OrgId, id: str
    ) -> port.StoredCredential:
        """End it for good; nothing is called with it any more when this returns. Idempotent.
        NotConfirmed: it is revoked, but not yet in every cell."""

        async def change() -> port.StoredCredential:
            old = self.get(caller, org, id)
            if old.revoked_ms is not None:
                return old
            if old.platform and self._is_last_of_platform(old):
                raise _refused(
                    Conflict,
                    "last_of_platform",
                    "",
                    "One platform credential must remain; got the last one. Rotate it instead.",
                )
            fresh = port.revise(
                old, revoked_ms=self._clock.now_ms(), previous=None, previous_until_ms=None
            )
            await self._access.keep(fresh)
            return fresh

        revoked = await self._changes.run(change)
        await self._confirm(revoked)
        return revoked

    # -- inside -----------------------------------------------------------------------------------

    async def _confirm(self, credential: port.StoredCredential) -> None:
        """Wait until what one of the platform's own is now is known in all cells. Raise
        NotConfirmed."""
        over_cells = self._access.over_cells
        if credential.platform and over_cells is not None:
            await over_cells.confirm_credential(credential.id)

    def _is_same(self, known: port.StoredCredential, fresh: port.StoredCredential) -> bool:
        """Return whether the same call has made a credential before, and had no answer; its secret
        may be another one."""
        kept = ("created_ms", "used_ms", "revision")
        made = replace(known, digest=fresh.digest, **{name: getattr(fresh, name) for name in kept})
        return self._access.unanswered.is_made(known.id) and made == fresh

    def _check_limits(
        self,
        caller: AuthenticatedCaller,
        org: OrgId,
        wanted: CredentialLimits,
        previous: CredentialLimits,
    ) -> None:
        """Raise Forbidden if the limits exceed those of the org; the operator alone may set
        such."""
        if caller.platform:
            return
        calls, whole = CALLS_PER_MINUTE, self._orgs.settings(org).limits.events_per_second
        _check_raised("callsPerMinute", wanted.calls_per_minute, calls, previous.calls_per_minute)
        _check_raised("eventsPerSecond", wanted.events_per_s, whole, previous.events_per_s)

    def _living(self, caller: AuthenticatedCaller, org: OrgId, id: str) -> port.StoredCredential:
        """Return a credential that the caller may change. Raise Conflict if it was revoked,
        Forbidden if its scopes exceed the caller's."""
        credential = self.get(caller, org, id)
        if credential.revoked_ms is not None:
            raise _refused(
                Conflict,
                "revoked",
                "",
                f"The credential must be active; {describe_value(id)} was revoked. Create a new "
                "one.",
            )
        _check_within(caller, credential.scopes, "")
        return credential

    def _secret(self, kind: str, password: str | None) -> tuple[bytes, str]:
        """Return the digest to store and the secret to show."""
        secret = password or new_secret(self._random_bytes)
        return digest_of(till_secret(secret) if kind == TILL else secret), secret

    def _is_last_of_platform(self, credential: port.StoredCredential) -> bool:
        return all(other.id == credential.id for other in self._access.of_platform())


def _shown(credential: port.StoredCredential, caller: AuthenticatedCaller) -> bool:
    return caller.platform or not credential.platform


def _check_raised(
    field: str, wanted: float | None, most: float | None, previous: float | None
) -> None:
    """Raise Forbidden if a limit of a credential would exceed its org's. A previous one may stay,
    or be lowered."""
    if wanted is None or most is None or wanted <= most:
        return
    if previous is not None and wanted <= previous:
        return
    raise _refused(
        Forbidden,
        "limit_above_org",
        f"limits.{field}",
        f"limits.{field} must be at most {most:g}, the operator's limit for the org; got "
        f"{wanted:g}. Ask the operator for more.",
    )


def _check_within(caller: AuthenticatedCaller, scopes: str, field: str) -> None:
    """Raise Forbidden if the scopes exceed those of the caller."""
    beyond = sorted(grants_of(scopes) - caller.grants)
    if not beyond:
        return
    resource = beyond[0].partition(":")[0]
    must = "scopes must stay within those of the calling credential"
    raise _refused(
        Forbidden,
        "scope_exceeded",
        f"scopes.{resource}" if field else "",
        f"{must}; got {resource} {show_scopes(scopes)[resource]}. Leave it out, or call with a "
        "credential that has it.",
    )


def _refused(kind: type[Refused], code: str, field: str, sentence: str) -> Refused:
    return kind(FieldRefusal.build(code, sentence, field=field, place="credential"))
