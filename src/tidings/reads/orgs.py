"""A tenant as it is shown."""

from typing import Any

from tidings.core.org_settings import settings_of, show_settings
from tidings.engine.notices.consents import Consents
from tidings.reads.times import iso
from tidings.store.port import Org


def show_org(consents: Consents, org: Org) -> dict[str, Any]:
    """With its settings, and what the owners of its addresses have said."""
    return {
        "id": org.id,
        "name": org.name,
        "parent": org.parent,
        "timeZone": org.time_zone,
        "settings": show_settings(settings_of(org.settings)),
        "notified": [
            {"address": address, "state": state} for address, state in consents.states(org.id)
        ],
        "createdAt": iso(org.created_ms) if org.created_ms else None,
    }
