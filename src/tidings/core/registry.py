"""Which webhooks an event is for. In memory, exact, and cheap to change one webhook in.

The registry holds every webhook that is not deleted and the family tree of orgs. `match` is asked
for each event; its answers are remembered per org and forgotten when that org, or an org above it,
changes. `version` is the store's count of changes to webhooks and orgs that this copy has seen: a
commit carries it, and the store refuses a commit that was matched under an older one.
"""

from collections import defaultdict
from collections.abc import Iterator

from tidings.core.webhook import Webhook


class Registry:
    """Webhooks by number, and the answers to "who wants this type of event of this org?"."""

    def __init__(self) -> None:
        self.version = 0
        self._webhooks: dict[int, Webhook] = {}
        self._of_org: defaultdict[int, dict[int, Webhook]] = defaultdict(dict)
        self._parent: dict[int, int] = {}
        self._answers: dict[int, dict[str, tuple[Webhook, ...]]] = {}

    def __len__(self) -> int:
        return len(self._webhooks)

    def __iter__(self) -> Iterator[Webhook]:
        return iter(self._webhooks.values())

    def get(self, number: int) -> Webhook | None:
        """The newest version of a webhook, or None if there is none, or it was deleted."""
        return self._webhooks.get(number)

    def of_org(self, org: int) -> list[Webhook]:
        """The org's own webhooks, in the order of their numbers."""
        own = self._of_org.get(org, {})
        return [own[number] for number in sorted(own)]

    def put(self, webhook: Webhook) -> None:
        """Add a webhook or replace its older version."""
        self._webhooks[webhook.number] = webhook
        self._of_org[webhook.org][webhook.number] = webhook
        self._forget(webhook.org)

    def remove(self, number: int) -> None:
        """Forget a deleted webhook. Unknown numbers are ignored."""
        if (webhook := self._webhooks.pop(number, None)) is not None:
            self._of_org[webhook.org].pop(number, None)
            self._forget(webhook.org)

    def set_parent(self, org: int, parent: int | None) -> None:
        """Place an org under another, or at the top. ValueError where that would make a ring."""
        above = parent
        while above is not None:
            if above == org:
                raise ValueError(f"org {org} cannot be below itself")
            above = self._parent.get(above)
        if parent is None:
            self._parent.pop(org, None)
        else:
            self._parent[org] = parent
        self._answers.clear()

    def match(self, org: int, event_name: str) -> tuple[Webhook, ...]:
        """The webhooks that get a delivery for this org's events of this type, by number."""
        answers = self._answers.get(org)
        if answers is None:
            answers = self._answers[org] = {}
        found = answers.get(event_name)
        if found is None:
            found = tuple(sorted(self._candidates(org, event_name), key=lambda hook: hook.number))
            if len(answers) < 4096:  # an org may send any number of unknown names
                answers[event_name] = found
        return found

    def _candidates(self, org: int, event_name: str) -> Iterator[Webhook]:
        for webhook in self._of_org.get(org, {}).values():
            if webhook.matches and event_name in webhook.event_names:
                yield webhook
        above = self._parent.get(org)
        while above is not None:
            for webhook in self._of_org.get(above, {}).values():
                if webhook.listen_to_children and webhook.matches:
                    if event_name in webhook.event_names:
                        yield webhook
            above = self._parent.get(above)

    def _forget(self, org: int) -> None:
        if not self._parent:
            self._answers.pop(org, None)
            return
        for known in list(self._answers):
            above: int | None = known
            while above is not None and above != org:
                above = self._parent.get(above)
            if above == org:
                del self._answers[known]
