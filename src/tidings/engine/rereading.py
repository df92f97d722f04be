"""What raises the store's version is read again where a change had no answer."""

from tidings.core.webhooks.registry import Registry
from tidings.engine.changes import Changes
from tidings.engine.events.event_types import EventTypes
from tidings.engine.orgs import Orgs
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.store import port


def reread_from(
    store: port.Store,
    registry: Registry,
    changes: Changes,
    *,
    orgs: Orgs,
    event_types: EventTypes,
    webhooks: Webhooks,
) -> None:
    """From now on orgs, own types and webhooks are what the store has, also when it was silent."""

    async def reread() -> None:
        snapshot = await store.load()
        if snapshot.registry_version <= registry.version:
            return  # nothing was written
        types = await store.load_types()
        # Without a pause from here on: nobody matches by a half of it.
        event_types.load(types)
        orgs.load(snapshot)
        webhooks.reload(snapshot)

    changes.reread_by(reread)
