"""A service whose org has actions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.api.control_client import Service, service
from tests.declared_actions import text_message, welcome
from tidings.core.actions.action import Actions
from tidings.core.ids import OrgId
from tidings.engine.actions.declared import declare

ORG = OrgId(7)


BOTH = {action.name: action for action in (welcome(), text_message())}


@asynccontextmanager
async def acting(actions: Actions = BOTH, **more: Any) -> AsyncIterator[tuple[Service, str]]:
    """A service whose org 7 has actions, and the credential of that org."""
    async with service(actions=actions, actions_org=7, **more) as s:
        auth = await s.add_org(ORG)
        await declare(s.webhooks, ORG, actions, "actions.toml")
        yield s, auth


def number_of(s: Service, name: str) -> int:
    return next(
        state.webhook.number for state in s.webhooks.list(ORG) if state.webhook.name == name
    )
