"""The operator's actions, and their webhooks: made, changed and let go at each start, as the file
says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tidings.core.actions.action import Action, Actions
from tidings.core.actions.file.faults import ActionsFileFault
from tidings.core.audit.actor import Actor
from tidings.core.delivery.advice import LEFT_FILE
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import ACTION
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.webhooks.webhooks import Webhooks

ABSENT = LEFT_FILE


@dataclass(frozen=True)
class DeclaredActions:
    """The actions of the operator's file: whose they are, and what is odd in it."""

    actions: Actions = field(default_factory=dict)  # by name
    org: OrgId | None = None
    warnings: Sequence[ActionsFileFault] = ()

    def of(self, org: OrgId) -> Actions:
        """Return those of an org; nobody else has any."""
        return self.actions if org == self.org else {}

    def warnings_of(self, org: OrgId) -> Sequence[ActionsFileFault]:
        """Return what is odd in the file of an org's actions."""
        return self.warnings if org == self.org else ()


async def declare(webhooks: Webhooks, org: OrgId, actions: Actions, by: str) -> None:
    """Let the actions of an org be as the file says. One that is not in it is disabled, so that
    what it has not done is parked and can be replayed; one that comes back goes on, or is paused
    as it was. `by`: who is shown as the author, the file's name. Conflict where a name is another
    webhook's; StoreDown.
    """
    with acting_as(Actor("file", by, face="file")):
        await _declare(webhooks, org, actions, by)


async def _declare(webhooks: Webhooks, org: OrgId, actions: Actions, by: str) -> None:
    previous = {
        record.webhook.name: record for record in webhooks.list(org) if record.webhook.type.of_file
    }
    for action in actions.values():
        record = await webhooks.declare(org, settings_of(action), by)
        if record.webhook.status is WebhookStatus.DISABLED and record.config.reason == ABSENT:
            before = await _status_before(webhooks, record.webhook)
            await webhooks.set_status(record.webhook.number, before, None, by)
    for name, record in previous.items():
        alive = record.webhook.status not in (WebhookStatus.DISABLED, WebhookStatus.DELETED)
        if name not in actions and alive:
            await webhooks.set_status(record.webhook.number, WebhookStatus.DISABLED, ABSENT, by)


async def _status_before(webhooks: Webhooks, webhook: Webhook) -> WebhookStatus:
    """Return whether one that left the file was paused then: a start without it takes back no
    pause."""
    for version in range(webhook.version - 1, 0, -1):
        found = await webhooks.version(webhook.number, version)
        if found is None:
            break
        if found[0].status != WebhookStatus.DISABLED:
            return (
                WebhookStatus.PAUSED
                if found[0].status == WebhookStatus.PAUSED
                else WebhookStatus.ACTIVE
            )
    return WebhookStatus.ACTIVE


def settings_of(action: Action) -> WebhookSettings:
    """Build the settings of an action's webhook."""
    return WebhookSettings(
        name=action.name,
        event_names=action.types,
        kind=ACTION,
        url="",
        method="POST",
        headers=(),
        connections_max=action.at_once,
        retry=RetryPolicy(retry_also=action.again, fail_also=action.never),
        ordering=action.ordering,
        rate_per_s=action.rate_per_s,
        deadline_s=action.deadline_s,
        keep_answers=True,
        filter=None if action.filter is None else dict(action.filter),
    )
