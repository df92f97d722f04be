"""The tenants and how they stand to each other."""

from tidings.core.form import Refusal, came
from tidings.core.registry import Registry
from tidings.engine.changes import Changes
from tidings.store import port

ORG_MAX = (1 << 53) - 1  # what every JSON reader can hold exactly
NAME_MAX = 255


class OrgRefused(Exception):
    """An org cannot be as asked."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Orgs:
    """All orgs, in memory, over the store."""

    def __init__(self, *, store: port.Store, registry: Registry, changes: Changes) -> None:
        self._store = store
        self._registry = registry
        self._changes = changes
        self._orgs: dict[int, port.Org] = {}

    def load(self, snapshot: port.Snapshot) -> None:
        """Take over the orgs at start."""
        self._orgs = {org.id: org for org in snapshot.orgs}
        for org in snapshot.orgs:
            self._registry.set_parent(org.id, org.parent)
        self._changes.seen(snapshot.registry_version)

    def get(self, org: int) -> port.Org | None:
        """An org by its id."""
        return self._orgs.get(org)

    def all(self) -> list[port.Org]:
        """Every org, lowest id first."""
        return [self._orgs[org] for org in sorted(self._orgs)]

    async def ensure(self, org: int) -> port.Org:
        """The org of this id; made with a plain name where there is none."""
        return self._orgs.get(org) or await self.create(f"Org {org}", org)

    async def create(self, name: object, org: object = None, parent: object = None) -> port.Org:
        """Make an org; without an id it gets the next one. OrgRefused says why not."""

        async def change() -> port.Org:
            fresh = self._check(name, org, parent)
            version = await self._store.put_org(fresh)
            self._orgs[fresh.id] = fresh
            self._registry.set_parent(fresh.id, fresh.parent)
            self._changes.seen(version)
            return fresh

        return await self._changes.run(change)

    def _check(self, name: object, org: object, parent: object) -> port.Org:
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= NAME_MAX:
            raise _refused(
                "bad_name",
                "name",
                f"name must be text of 1 to {NAME_MAX} characters; got {came(name)}. Take the "
                "brand's name.",
            )
        if org is None:
            org = max(self._orgs, default=0) + 1
        if type(org) is not int or not 1 <= org <= ORG_MAX:
            raise _refused(
                "bad_org_id",
                "id",
                f"id must be a whole number from 1; got {came(org)}. Leave it out for the next.",
            )
        if org in self._orgs:
            raise _refused(
                "org_exists",
                "id",
                f"id must be new; got {org}, which is {came(self._orgs[org].name)}. Take another, "
                "or leave it out for the next one.",
            )
        if parent is not None and (type(parent) is not int or parent not in self._orgs):
            raise _refused(
                "unknown_parent",
                "parent",
                f"parent must be the id of an org; got {came(parent)}. Create the parent first.",
            )
        return port.Org(org, name.strip(), parent if isinstance(parent, int) else None)


def _refused(code: str, field: str, sentence: str) -> OrgRefused:
    return OrgRefused(Refusal(code, f"{sentence} ({code}, field {field})", field))
