"""What the engine of this process's cell knows of who calls, and of the orgs that are meant."""

from typing import NamedTuple

from tidings.compose import App
from tidings.core.cells.directory import OpenerKind
from tidings.core.cells.families import FamilyId, FamilyJudgement
from tidings.core.ids import OrgId
from tidings.engine.access.tokens import Tokens


class CallingCredential(NamedTuple):
    """Hold whose a credential is."""

    org: OrgId
    is_platforms: bool


class CellCallers:
    """Looks into tables in memory. None wherever this cell does not know."""

    def __init__(self, app: App) -> None:
        self._access = app.access.access
        self._tokens = Tokens(app.ports.secrets.keys.tokens, app.base.random_bytes)
        self._now_ms = app.base.clock.now_ms
        self._families = app.base.families
        self._inboxes = app.delivery.inboxes

    def by_key(self, key: str) -> CallingCredential | None:
        """Find a credential, whatever became of it."""
        found = self._access.credential(key)
        return None if found is None else CallingCredential(found.org, found.platform)

    def by_token(self, token: bytes) -> CallingCredential | None:
        """Find the credential that an access token stands for; of one that another cell has, the
        token says whose it is."""
        claims = self._tokens.read(token, self._now_ms())
        if claims is None:
            return None
        return self.by_key(claims.sub) or CallingCredential(claims.org, is_platforms=False)

    def by_opener(self, kind: OpenerKind, text: str) -> FamilyId | None:
        """Find whose it is what opens something."""
        org = self._inboxes.org_of(text) if kind is OpenerKind.INBOX else None
        return None if org is None else self.family_of(org)

    def proved_platforms(self, authorization: bytes | None, token: bytes | None) -> OrgId | None:
        """Return the org of a credential of the platform's own that is proved, and in force."""
        found = self._access.at_hand(authorization, token)
        return found.org if found is not None and found.platform else None

    def family_of(self, org: OrgId) -> FamilyId | None:
        """Return the family of an org."""
        return self._families.known(org)

    def judge(self, family: FamilyId) -> FamilyJudgement | None:
        """Judge whether calls of a family are taken here."""
        return self._families.judge(family)
