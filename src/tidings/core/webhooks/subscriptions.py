"""Which webhooks an event is for. In memory, exact, and cheap to change one webhook in.

The registry holds every webhook that is not deleted and the family tree of orgs. `match` is asked
for each event; its answers are remembered per org and forgotten when that org, or an org above it,
changes. `version` is the store's count of changes to webhooks and orgs that this copy has seen: a
commit carries it, and the store refuses a commit that was matched under an older one.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook

ANSWERS_MAX = 4096  # of an org


class Subscribers(NamedTuple):
    """The webhooks that subscribe to a type of event of an org."""

    webhooks: tuple[Webhook, ...]
    filtered: bool  # at least one of them has a filter


class Registry:
    """Webhooks by number, and the answers to "who wants this type of event of this org?"."""

    def __init__(self) -> None:
        self.version = 0
        self._webhooks: dict[int, Webhook] = {}
        self._of_org: defaultdict[OrgId, dict[int, Webhook]] = defaultdict(dict)
        self._parent: dict[OrgId, OrgId] = {}
        self._orgs: set[OrgId] = set()
        self._answers: dict[OrgId, dict[str, Subscribers]] = {}

    def __len__(self) -> int:
        return len(self._webhooks)

    def __iter__(self) -> Iterator[Webhook]:
        return iter(self._webhooks.values())

    def get(self, number: int) -> Webhook | None:
        """Return the newest version of a webhook, or None if there is none, or it was deleted."""
        return self._webhooks.get(number)

    def of_org(self, org: OrgId) -> list[Webhook]:
        """Return the org's own webhooks, in the order of their numbers."""
        own = self._of_org.get(org, {})
        return [own[number] for number in sorted(own)]

    def fetched(self) -> list[Webhook]:
        """Return the webhooks whose messages are fetched, of all orgs."""
        return [hook for hook in self._webhooks.values() if hook.type.fetched]

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

    def set_parent(self, org: OrgId, parent: OrgId | None) -> None:
        """Place an org under another, or at the top. ValueError where that would make a ring."""
        self._orgs.add(org)
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

    def root_of(self, org: OrgId) -> OrgId:
        """Return the org above an org that has no parent; the org itself where it has none."""
        while (above := self._parent.get(org)) is not None:
            org = above
        return org

    def has_org(self, org: OrgId) -> bool:
        """Return whether there is such an org."""
        return org in self._orgs

    def below(self, org: OrgId) -> list[OrgId]:
        """Return the orgs below an org, at any depth."""
        found: list[OrgId] = []
        for child in self._parent:
            above = self._parent.get(child)
            while above is not None and above != org:
                above = self._parent.get(above)
            if above == org:
                found.append(child)
        return found

    def subscribers(self, org: OrgId, event_name: str) -> list[str]:
        """List the names of the webhooks, of the org and of those above it, that name a type; those
        that ask for it by a prefix do not depend on it."""
        hooks = self.of_org(org)
        above = self._parent.get(org)
        while above is not None:
            hooks += [hook for hook in self.of_org(above) if hook.listen_to_children]
            above = self._parent.get(above)
        return [hook.name for hook in hooks if event_name in hook.event_names]

    def transformed_by(self, org: OrgId, name: str) -> list[str]:
        """List the names of the org's webhooks whose payload a transformation makes."""
        return [hook.name for hook in self.of_org(org) if hook.transformation == name]

    def number_of(self, org: OrgId, webhook_id: WebhookId) -> int | None:
        """Return the number of a webhook of the org, by its id."""
        own = self._of_org.get(org, {}).values()
        return next((hook.number for hook in own if hook.id == webhook_id), None)

    def match(self, org: OrgId, kept: str, version: int = 1) -> tuple[Webhook, ...]:
        """Return the webhooks that subscribe to this org's events of a stored name, by number.

        `version` is that of the event's type: a webhook gets version 1 unless it chose another.
        """
        return self.candidates(org, kept, version).webhooks

    def candidates(self, org: OrgId, kept: str, version: int = 1) -> Subscribers:
        """Match like `match`, and return also whether any of them has a filter to be asked."""
        answers = self._answers.get(org)
        if answers is None:
            answers = self._answers[org] = {}
        wanted = kept if version == 1 else f"{kept}@{version}"  # no name holds an @
        found = answers.get(wanted)
        if found is None:
            hooks = self._candidates(org, kept, version)
            by_number = tuple(sorted(hooks, key=lambda hook: hook.number))
            found = Subscribers(by_number, any(hook.filter is not None for hook in by_number))
            if len(answers) >= ANSWERS_MAX:  # an org may send any number of unknown names
                answers.clear()  # what is asked for often comes back at once
            answers[wanted] = found
        return found

    def _candidates(self, org: OrgId, kept: str, version: int) -> Iterator[Webhook]:
        for webhook in self._of_org.get(org, {}).values():
            if webhook.matches and webhook.subscribes(kept, version):
                yield webhook
        above = self._parent.get(org)
        while above is not None:
            for webhook in self._of_org.get(above, {}).values():
                if webhook.listen_to_children and webhook.matches:
                    if webhook.subscribes(kept, version):
                        yield webhook
            above = self._parent.get(above)

    def _forget(self, org: OrgId) -> None:
        if not self._parent:
            self._answers.pop(org, None)
            return
        for known in list(self._answers):
            above: OrgId | None = known
            while above is not None and above != org:
                above = self._parent.get(above)
            if above == org:
                del self._answers[known]
