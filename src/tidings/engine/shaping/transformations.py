"""The stored transformations of all orgs: in memory, over the store.

A change is a new version, in force for every message that is shaped after its answer; what was
shaped before is sent as it was. Old versions are kept: a delivery's time tells which one made it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidings.core.audit.audit_actions import (
    TRANSFORMATION_CHANGED,
    TRANSFORMATION_CREATED,
    TRANSFORMATION_DELETED,
)
from tidings.core.declaration import read_body
from tidings.core.ids import OrgId
from tidings.core.shaping.transformation_rules import (
    NewTransformation,
    Template,
)
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.changes import Changes
from tidings.errors import Conflict, FieldRefusal, Invalid, NotFound, passed
from tidings.store import port
from tidings.store.port import StoredTransformation
from tidings.transform.port import Renderer
from tidings.values import describe_value

TRANSFORMATIONS_MAX = 200  # of one org
VERSIONS_SHOWN = 100


class UnknownTransformation(NotFound):
    """The org has no transformation of this name."""

    def __init__(self, name: str) -> None:
        message = (
            f"name must be that of a transformation of this org; got {describe_value(name)}. GET "
            "/v1/transformations lists them."
        )
        super().__init__(FieldRefusal.build("not_found", message, field="name"))


Users = Callable[[OrgId, str], Sequence[str]]


class Transformations:
    """The newest version of each."""

    def __init__(
        self,
        *,
        store: port.TransformationStore,
        changes: Changes,
        audit: AuditLog,
        renderer: Renderer,
        users: Users,
    ) -> None:
        self._store = store
        self._changes = changes
        self._audit = audit
        self._renderer = renderer
        self._users = users  # names of the webhooks of an org that use one
        self._newest: dict[int, dict[str, StoredTransformation]] = {}
        # Whose maker has had no answer: the same call again is answered by it.
        self._unanswered: set[tuple[int, str]] = set()
        changes.reread_beside.add(lambda beside: self._reload(beside.transformations))

    # -- reading ----------------------------------------------------------------------------------

    def load(self, stored: Sequence[StoredTransformation]) -> None:
        """Fill in at the start."""
        for transformation in stored:
            self._newest.setdefault(transformation.org, {})[transformation.name] = transformation

    def _reload(self, stored: Sequence[StoredTransformation]) -> None:
        """Take over what is stored, and was not told here."""
        for transformation in stored:
            known = self.template(transformation.org, transformation.name)
            if known is None and transformation.template is not None:
                self._unanswered.add((transformation.org, transformation.name))
        self.load(stored)

    def template(self, org: OrgId, name: str) -> str | None:
        """Return the template in force; None where there is none."""
        known = self._newest.get(org, {}).get(name)
        return None if known is None else known.template

    def names(self, org: OrgId) -> list[str]:
        """List the names of all transformations that the org has, sorted."""
        return sorted(
            name
            for name, transformation in self._newest.get(org, {}).items()
            if transformation.template
        )

    def choices(self, org: OrgId) -> Sequence[dict[str, str]]:
        """List what `neoEnrichment` may name, as label and value."""
        return [{"label": name, "value": name} for name in self.names(org)]

    def get(self, org: OrgId, name: str) -> StoredTransformation:
        """Find the version in force. Raise UnknownTransformation, also for a deleted one."""
        known = self._newest.get(org, {}).get(name)
        if known is None or known.template is None:
            raise UnknownTransformation(name)
        return known

    def list(self, org: OrgId) -> Sequence[StoredTransformation]:
        """List all transformations of the org, by name."""
        return [self.get(org, name) for name in self.names(org)]

    def users(self, org: OrgId, name: str) -> Sequence[str]:
        """List the names of the webhooks that use a transformation."""
        return self._users(org, name)

    async def versions(self, org: OrgId, name: str) -> Sequence[StoredTransformation]:
        """List the newest versions of a transformation, the newest first, deletions among them.
        Raise UnknownTransformation."""
        if name not in self._newest.get(org, {}):
            raise UnknownTransformation(name)
        return await self._store.transformation_versions(org, name, VERSIONS_SHOWN)

    # -- trying -----------------------------------------------------------------------------------

    async def check(self, org: OrgId, template: object) -> None:
        """Check a template that is not kept. Raise Invalid, or RenderLater."""
        wanted = passed(read_body(Template, {"template": template}))
        await self._check(org, wanted.template)

    async def attempt(self, org: OrgId, template: str, message: bytes) -> bytes:
        """Make of a message what a template would, that is not kept. Raise RenderRefused or
        RenderLater."""
        return await self._renderer.render(template, message, org)

    # -- changing ---------------------------------------------------------------------------------

    async def create(
        self, org: OrgId, name: object, template: object, by: str
    ) -> StoredTransformation:
        """Make one. Invalid; Conflict, also where the name is taken."""
        wanted = passed(read_body(NewTransformation, {"name": name, "template": template}))
        if (made := self._made_by(org, wanted, by)) is not None:
            return made
        await self._check(org, wanted.template)

        async def change() -> StoredTransformation:
            if (made := self._made_by(org, wanted, by)) is not None:
                return made
            if len(self.names(org)) >= TRANSFORMATIONS_MAX:
                raise Conflict(_too_many())
            return await self._put(org, wanted.name, wanted.template, by)

        return await self._changes.run(change)

    async def replace(
        self, org: OrgId, name: str, template: object, by: str
    ) -> StoredTransformation:
        """Replace a template by a new version; the same template again is none. Raise
        UnknownTransformation or Invalid."""
        self.get(org, name)
        fresh = passed(read_body(Template, {"template": template})).template
        await self._check(org, fresh)

        async def change() -> StoredTransformation:
            known = self.get(org, name)
            return known if known.template == fresh else await self._put(org, name, fresh, by)

        return await self._changes.run(change)

    async def delete(self, org: OrgId, name: str, by: str) -> None:
        """Take it away, unless a webhook uses it. UnknownTransformation, Conflict."""
        self.get(org, name)

        async def change() -> None:
            if self.template(org, name) is None:
                return  # another one was faster, or this call when it had no answer
            if users := self._users(org, name):
                raise Conflict(_used(name, users))
            await self._put(org, name, None, by)

        await self._changes.run(change)

    def _made_by(
        self, org: OrgId, wanted: NewTransformation, by: str
    ) -> StoredTransformation | None:
        """Return what the same call has made before, if it had no answer; None where there is none
        of the name. Raise Conflict for every other one."""
        known = self._newest.get(org, {}).get(wanted.name)
        if known is None or known.template is None:
            return None
        is_same = (known.template, known.created_by) == (wanted.template, by)
        if not is_same or (org, wanted.name) not in self._unanswered:
            raise Conflict(_taken(wanted.name))
        self._unanswered.discard((org, wanted.name))
        return known

    async def _put(
        self, org: OrgId, name: str, template: str | None, by: str
    ) -> StoredTransformation:
        known = self._newest.get(org, {}).get(name)
        version = 1 if known is None else known.version + 1
        fresh = StoredTransformation(org, name, version, template=template, created_by=by)
        before, after = _recorded(known), _recorded(fresh)
        action = TRANSFORMATION_CREATED if before is None else TRANSFORMATION_CHANGED
        with self._audit.recording(
            TRANSFORMATION_DELETED if after is None else action, org, name, before, after
        ):
            stored = await self._store.put_transformation(fresh)
        self._newest.setdefault(org, {})[name] = msgspec.structs.replace(stored)
        self._unanswered.discard((org, name))
        return stored

    async def _check(self, org: OrgId, template: str) -> None:
        if (reason := await self._renderer.check(template, org)) is not None:
            raise Invalid(_refusal("bad_template", reason, "template"))


def _recorded(transformation: StoredTransformation | None) -> dict[str, Any] | None:
    """Return what the audit log keeps of one; None for none, and one that is deleted."""
    if transformation is None or transformation.template is None:
        return None
    return {"version": transformation.version, "template": transformation.template}


def _refusal(code: str, message: str, field: str) -> FieldRefusal:
    return FieldRefusal.build(code, message, field=field)


def _taken(name: str) -> FieldRefusal:
    message = f"name must be new in the org; got {describe_value(name)}. Use PUT to replace it."
    return _refusal("name_taken", message, "name")


def _too_many() -> FieldRefusal:
    message = f"An org may have {TRANSFORMATIONS_MAX} transformations; it has them all. Delete one."
    return _refusal("too_many_transformations", message, "name")


def _used(name: str, users: Sequence[str]) -> FieldRefusal:
    listed = ", ".join(describe_value(user) for user in users[:3])
    more = f" and {len(users) - 3} more" if len(users) > 3 else ""
    message = (
        f"A transformation must not be in use when it is deleted; {describe_value(name)} makes the "
        "payload "
        f"of {listed}{more}. Change those webhooks first."
    )
    return _refusal("in_use", message, "name")
