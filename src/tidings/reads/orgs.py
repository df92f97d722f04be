"""A tenant as it is shown."""

from typing import Any

from tidings.core.declaration import show_resource
from tidings.core.times import iso
from tidings.engine.notices.consents import Consents
from tidings.engine.orgs import asked
from tidings.store.port import StoredOrg


def show_org(consents: Consents, org: StoredOrg) -> dict[str, Any]:
    """Show an org with its settings, and what the owners of its addresses have said."""
    return {
        "id": org.id,
        **dict(show_resource(asked(org))),
        "notified": [
            {"address": address, "state": state} for address, state in consents.states(org.id)
        ],
        "createdAt": iso(org.created_ms) if org.created_ms else None,
    }
