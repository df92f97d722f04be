"""What keeps actions from being done, beside their own attempts: a look-up that does not answer, a
file that does not have them any more."""

from collections.abc import Iterable, Sequence

from tidings.core.actions.action import Action
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.actions import ActionServices

NOT_IN_FILE = (
    "The file of actions does not have it any more: what comes, and what was not done, is parked."
)


class ActionTroubles:
    """Looks at the actions and look-ups of a process."""

    def __init__(self, actions: ActionServices, registry: Registry) -> None:
        self._actions = actions
        self._registry = registry

    def of(self, webhook: Webhook) -> Sequence[str]:
        """See `Troubles.of`."""
        action = self._actions.of(webhook.org).get(webhook.name)
        if action is None:
            return (NOT_IN_FILE,)
        wrong = self._actions.lookups.wrong
        sentences = [
            f"Look-up {lookup.name}: {wrong[lookup.name]}"
            for lookup in action.lookups
            if lookup.name in wrong and self._actions.lookups.state_of(lookup.name).why is None
        ]
        return [*stuck_lookups(self._actions, action), *sentences]

    def numbers(self) -> Iterable[int]:
        """See `Troubles.numbers`."""
        org = self._actions.org
        if org is None:
            return ()
        return [webhook.number for webhook in self._registry.of_org(org) if webhook.type.acts]


def stuck_lookups(actions: ActionServices, action: Action) -> list[str]:
    """Tell of the look-ups of an action that do not answer now, a sentence each."""
    sentences = []
    for lookup in action.lookups:
        state = actions.lookups.state_of(lookup.name)
        if state.left_alone or state.why:
            then = "what needs it waits" if lookup.failing == "wait" else "it goes on without"
            why = state.why or ""
            sentences.append(
                f"Its look-up {lookup.name} does not answer, so {then}. {why}".rstrip()
            )
    return sentences
