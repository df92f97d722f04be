"""Every change by a call leaves an entry of the audit log that says who made it."""

import msgspec

from tests.api.control_client import service
from tests.audit_log import entries_of


async def test_an_org_that_is_changed_by_a_call_says_so_with_what_it_was() -> None:
    async with service() as s:
        await s.call("POST", "/v1/orgs", {"id": 50, "name": "Acme"})
        await s.call("PATCH", "/v1/orgs/50", {"name": "Acme Ltd"})
        made, changed = entries_of(s.store, 50)
        assert (made.action, made.object, made.before) == ("org.created", "50", None)
        assert (changed.action, changed.actor_kind, changed.face) == (
            "org.changed",
            "credential",
            "api",
        )
        assert changed.actor and changed.address
        assert msgspec.json.decode(changed.before or b"") == {"name": "Acme"}
        assert msgspec.json.decode(changed.after or b"") == {"name": "Acme Ltd"}
