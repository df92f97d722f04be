"""The webhook of an action is deleted once the action has left the file, and no sooner."""

import pytest

from tests.api.control_client import service
from tests.declared_actions import text_message, welcome
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.engine.actions.declared import declare
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.errors import Conflict

ORG = OrgId(7)


@pytest.mark.parametrize("dry_run", [True, False])
async def test_an_action_is_deleted_once_it_has_left_the_file(dry_run: bool) -> None:
    both = {action.name: action for action in (welcome(), text_message())}
    left = {"text-message": both["text-message"]}
    async with service(actions=left, actions_org=7) as s:
        await s.add_org(ORG)
        webhooks: Webhooks = s.webhooks
        await declare(webhooks, ORG, both, "actions.toml")
        await declare(webhooks, ORG, left, "actions.toml")
        ids = {state.webhook.name: state.webhook.id for state in webhooks.list(ORG)}
        with pytest.raises(Conflict):
            await webhooks.delete(ORG, ids["text-message"], "tests", dry_run=dry_run)
        gone = await webhooks.delete(ORG, ids["welcome"], "tests", dry_run=dry_run)
        assert gone.webhook.status is WebhookStatus.DELETED
