"""Sign-ins that the audit log tells of once a minute: refused ones, and tokens that were asked for.

They are no changes of the store, and anybody can make any number of them; they are counted in
memory and written behind the calls (`engine/access/upkeep.py`). What somebody typed is never kept:
an account that is not known is called so.
"""

import itertools
from collections.abc import Iterable

from tidings.core.access.sign_in_tally import (
    OTHERS_KEY,
    UNKNOWN,
    SignInTally,
    TallyKey,
    TallyRow,
)
from tidings.core.audit.actor import SERVICE, Actor, ActorKind, Face
from tidings.core.audit.audit_actions import SESSION_BEGUN, SESSION_REFUSED, AuditAction
from tidings.core.audit.entries import AuditDraft, draft
from tidings.core.times import iso
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock

CHAINS_MAX = 20  # of one account


class SignInLog:
    """Counts them, and writes them down."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._refused, self._tokens = SignInTally(), SignInTally()

    def note_refusal(
        self, face: Face, address: str, accounts: Iterable[tuple[int, str]] = ()
    ) -> None:
        """Count one that was refused. `accounts`: the chains that tell of the account, each with
        what it is called there; none where nobody knows it."""
        known = list(itertools.islice(accounts, CHAINS_MAX))
        account = known[0][1] if known else UNKNOWN
        self._refused.note(face, address, account, known, self._clock.now_ms())

    def note_token(self, address: str, chain: int, credential: str) -> None:
        """Count a token that a credential was given."""
        self._tokens.note("api", address, "", [(chain, credential)], self._clock.now_ms())

    async def write(self, *, last: bool = False) -> None:
        """Write down what came since the last time. StoreDown: it is kept for the next one.
        `last`: nothing is written after it."""
        for tally, action in ((self._refused, SESSION_REFUSED), (self._tokens, SESSION_BEGUN)):
            rows = tally.take(self._clock.now_ms(), last=last)
            if not rows:
                continue
            try:
                await self._audit.append_all(*(_draft(action, key, row) for key, row in rows))
            except Exception:
                tally.give_back(rows)
                raise


def _draft(action: AuditAction, key: TallyKey, row: TallyRow) -> AuditDraft:
    kind: ActorKind = "unknown" if action is SESSION_REFUSED else "credential"
    id = UNKNOWN if action is SESSION_REFUSED else key.account
    by = Actor(kind, id, face=key.face, address=row.address)
    if key == OTHERS_KEY:
        by = SERVICE
    after = {"firstAt": iso(row.first_ms), "lastAt": iso(row.last_ms)}
    if action is SESSION_BEGUN:
        after["by"] = "token"
    return draft(key.chain, by, action, key.account, None, after, row.times)
