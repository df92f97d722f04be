"""What a batch holds of which families: what is away is left out of it, and its callers are told.

The store refuses a batch of a family that is not here whole (`Receipt.away`). So what is known to
be away never gets there, and what the store finds away is left out when the rest is committed
again: nobody waits for a family of others.
"""

from collections.abc import Callable, Collection, Iterable

from tidings.core.cells.families import FamilyId
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.events.commit_queue import CommitContents
from tidings.engine.families import Families
from tidings.store import port

IsAway = Callable[[OrgId], bool]


class FamilyBatches:
    """Looks at batches for the committer."""

    def __init__(self, families: Families, registry: Registry) -> None:
        self._families = families
        self._registry = registry

    def leave_out(self, batch: CommitContents) -> None:
        """Leave out what is of families that are known to be away."""
        families = self._families
        if not families.are_all_here:
            self._leave_out(batch, families.is_away, lambda org: not families.may_settle(org))

    def leave_out_found(self, batch: CommitContents, away: Collection[FamilyId]) -> None:
        """Leave out what is of families that the store has found away."""

        def is_away(org: OrgId) -> bool:
            return self._families.of(org) in away

        self._leave_out(batch, is_away, is_away)

    def judge(self, batch: CommitContents) -> list[port.JudgedFamily]:
        """Say of which families a batch is."""
        begins = {event.draft.org for call in batch.calls for event in call.events}
        begins |= {rejection.org for rejection in batch.rejections}
        begins.update(batch.commands.orgs(), self._orgs_of(batch.claims))
        settles = self._orgs_of({settlement.webhook for settlement in batch.settled})
        return self._families.judged(begins, settles)

    def _leave_out(self, batch: CommitContents, begins: IsAway, settles: IsAway) -> None:
        """Leave out what `begins` for an org, and what `settles` for one."""
        kept = []
        for call in batch.calls:
            found = next((event for event in call.events if begins(event.draft.org)), None)
            if found is None:
                kept.append(call)
            else:
                call.refuse(self._families.refusal_of(found.draft.org))
        batch.calls = kept
        batch.rejections = [
            rejection for rejection in batch.rejections if not begins(rejection.org)
        ]
        batch.claims = {
            webhook: limit
            for webhook, limit in batch.claims.items()
            if not any(map(begins, self._orgs_of((webhook,))))
        }
        batch.settled = [
            settlement
            for settlement in batch.settled
            if not any(map(settles, self._orgs_of((settlement.webhook,))))
        ]
        batch.commands.leave_out(begins, self._families.refusal_of)

    def _orgs_of(self, webhooks: Iterable[int]) -> set[OrgId]:
        """Return the orgs of webhooks. One that was deleted has none: what it still has under way
        ends before its family is sealed."""
        found = map(self._registry.get, webhooks)
        return {webhook.org for webhook in found if webhook is not None}
