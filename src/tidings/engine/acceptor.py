"""From checked drafts to the next commit: the digest, the search terms and the ordering key."""

import hashlib
from collections.abc import Sequence

from tidings.catalogue import Catalogue
from tidings.core.registry import Registry
from tidings.core.terms import Terms
from tidings.core.webhook import Ordering, Standing, Webhook
from tidings.engine.committer import Committer, Prepared
from tidings.engine.intake import Draft, Verdict
from tidings.store.port import NewDelivery, NewRejection

DIGEST_BYTES = 8
STRICT_KEY = 0


class Acceptor:
    """`intake.Intake` over the group commit."""

    def __init__(self, catalogue: Catalogue, terms: Terms, committer: Committer) -> None:
        self._catalogue = catalogue
        self._terms = terms
        self._committer = committer

    async def accept(self, drafts: list[Draft]) -> list[Verdict]:
        """See `Intake.accept`."""
        return await self._committer.add([self._prepare(draft) for draft in drafts])

    def note_rejections(self, rejections: list[NewRejection]) -> None:
        """See `Intake.note_rejections`."""
        self._committer.note_rejections(rejections)

    def _prepare(self, draft: Draft) -> Prepared:
        event = draft.event
        values = self._catalogue.search_values(draft.name, event)
        for field in ("refId", "apiRequestId"):
            if isinstance(value := event.get(field), str) and value:
                values.append(value)
        of, org = self._terms.of, draft.org
        key = self._catalogue.key_of(draft.name, event)
        return Prepared(
            draft,
            hashlib.blake2b(draft.came or draft.body, digest_size=DIGEST_BYTES).digest(),
            b"".join([of(org, value) for value in values]),
            None if key is None else int.from_bytes(of(org, "key." + key), "big", signed=True),
        )


class Matcher:
    """The deliveries of an event, by the registry as it is at the close of a batch."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def match(self, event: Prepared) -> Sequence[NewDelivery]:
        """One `NewDelivery` per webhook that wants the event."""
        draft = event.draft
        webhooks = self._registry.match(draft.org, draft.name)
        return [
            NewDelivery(
                webhook.number,
                webhook.version,
                _key(webhook, event.key),
                webhook.standing is Standing.DISABLED,
            )
            for webhook in webhooks
        ]


def _key(webhook: Webhook, key: int | None) -> int | None:
    if webhook.ordering is Ordering.NONE:
        return None
    return STRICT_KEY if webhook.ordering is Ordering.STRICT else key
