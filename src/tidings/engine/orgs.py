"""The tenants, how they stand to each other, and what each is set to."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from tidings.core.audit.audit_actions import ORG_CHANGED, ORG_CREATED
from tidings.core.cells.families import FamilyId
from tidings.core.declaration import read_body, show_resource
from tidings.core.events.call_reader import IntakeRules
from tidings.core.form import Form
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.core.orgs.org_rules import PARENT, OrgRequest
from tidings.core.orgs.org_settings import (
    DEFAULT_SETTINGS,
    OPERATORS_ONLY,
    OrgSettings,
    rules_of,
    settings_of,
    still_confirmed,
    stored_settings,
)
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import Notify
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock, WallClock
from tidings.errors import Conflict, FieldRefusal, Forbidden, Invalid, RequestRefused
from tidings.store import port
from tidings.values import describe_value

LEVELS_MAX = 16  # of orgs above each other
# By the first that is wrong: what is not of these is wrong in itself.
_KINDS: Mapping[int | str, type[RequestRefused]] = {
    "org_exists": Conflict,
    "operators_only": Forbidden,
    "other_cell": Conflict,
}


class OrgsElsewhere(Protocol):
    """Knows of orgs that are in other cells."""

    def free_id(self, lowest: OrgId) -> Awaitable[OrgId]:
        """Return the lowest id from this one on that no cell has given. StoreDown."""

    def has(self, org: OrgId) -> Awaitable[bool]:
        """Return whether another cell has an org. StoreDown."""

    def join(self, family: FamilyId, org: OrgId) -> Awaitable[str]:
        """Return the command that brings a family of this cell and the one of an org elsewhere
        into one cell, by moving the smaller one; empty where that is not known. StoreDown."""


class NoOrgsElsewhere:
    """There is one cell."""

    async def free_id(self, lowest: OrgId) -> OrgId:
        """See `OrgsElsewhere`."""
        return lowest

    async def has(self, org: OrgId) -> bool:
        """See `OrgsElsewhere`."""
        return False

    async def join(self, family: FamilyId, org: OrgId) -> str:
        """See `OrgsElsewhere`."""
        return ""


class Orgs:
    """All orgs, in memory, over the store."""

    def __init__(
        self,
        *,
        store: port.OrgStore,
        registry: Registry,
        changes: Changes,
        audit: AuditLog,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._changes = changes
        self._audit = audit
        self._clock = clock or WallClock()
        self._orgs: dict[OrgId, port.StoredOrg] = {}
        self._settings: dict[OrgId, OrgSettings] = {}
        self._rules: dict[OrgId, IntakeRules] = {}
        self._watchers: list[Notify] = []
        self.others: OrgsElsewhere = NoOrgsElsewhere()
        self.rules: Callable[[OrgId], IntakeRules | None] = self._rules.get
        """What an org asks of its events, prepared: one look into a table. None: no such org."""
        changes.reread.add(lambda snapshot, _: self._reload(snapshot))

    def load(self, snapshot: port.Snapshot) -> None:
        """Take over the orgs at start."""
        self._orgs.clear()
        self._settings.clear()
        self._rules.clear()
        for org in snapshot.orgs:
            self._keep(org, settings_of(org.settings))
        self._changes.seen(snapshot.registry_version)

    def watch(self, changed: Notify) -> None:
        """Have `changed` called after every change of an org."""
        self._watchers.append(changed)

    def get(self, org: OrgId) -> port.StoredOrg | None:
        """Return an org by its id; None where there is none."""
        return self._orgs.get(org)

    def settings(self, org: OrgId) -> OrgSettings:
        """Return the settings of an org; the defaults for one that is not there."""
        return self._settings.get(org, DEFAULT_SETTINGS)

    def family_of(self, org: OrgId) -> FamilyId:
        """Return the family of an org: the one above it that has no parent, or itself."""
        return FamilyId(self._registry.root_of(org))

    def below(self, org: OrgId) -> list[OrgId]:
        """List the ids of the orgs below an org, at any depth."""
        return self._registry.below(org)

    def all(self) -> list[port.StoredOrg]:
        """List every org, lowest id first."""
        return [self._orgs[org] for org in sorted(self._orgs)]

    async def ensure(self, org: OrgId) -> port.StoredOrg:
        """Return the org of this id; make it with a plain name where there is none."""
        return self._orgs.get(org) or await self.create(f"Org {org}", org)

    async def create(
        self,
        name: object,
        org: object = None,
        parent: object = None,
        more: Mapping[str, Any] | None = None,
    ) -> port.StoredOrg:
        """Make an org; without an id it gets the next one. A refusal says why not.

        `more` may hold `timeZone` and `settings`.
        """
        return await self.make(dict(more or {}) | {"name": name, "parent": parent, "id": org})

    async def make(self, body: dict[str, Any]) -> port.StoredOrg:
        """Make what a body asks for; without an id it gets the next one. A refusal says why not."""

        async def change() -> port.StoredOrg:
            form = Form(body)
            wanted = read_body(OrgRequest, form)
            number = form.values["id"] or form.values["alias"]
            number = OrgId(number) if number else await self.others.free_id(self._next_id())
            if number in self._orgs:
                form.refuse(
                    "org_exists",
                    "id",
                    f"id must be new; got {number}, which is "
                    f"{describe_value(self._orgs[number].name)}. Choose another, or leave it out "
                    "for the next one.",
                )
            await self._check_parent(form, number)
            return await self._keep_asked(
                port.StoredOrg(number, "", created_ms=self._clock.now_ms(), revision=0),
                form,
                wanted,
            )

        return await self._changes.run(change)

    async def change(self, org: OrgId, body: dict[str, Any], *, platform: bool) -> port.StoredOrg:
        """Change what the body names; the rest stays. A refusal says why not.

        Without `platform`, what is the operator's alone (parent, retention, limits) is refused.
        """

        async def change() -> port.StoredOrg:
            old, form = self._orgs[org], Form(body)
            if not platform:
                _refuse_operators(form)
            wanted = read_body(OrgRequest, form, asked(old))
            await self._check_parent(form, org)
            return await self._keep_asked(old, form, wanted)

        return await self._changes.run(change)

    async def amend(
        self,
        org: OrgId,
        change: Callable[[OrgSettings], OrgSettings],
        recording: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Change what Tidings itself keeps in an org's settings; nothing where it is not there.
        `recording`: entered where it is written, by whoever has it done for somebody."""

        async def amend() -> None:
            old = self._orgs.get(org)
            if old is None:
                return
            settings = change(self._settings[org])
            if settings != self._settings[org]:
                stored = stored_settings(settings)
                fresh = port.revise(old, settings=stored)
                with recording():
                    version = await self._store.put_org(fresh)
                self._take_over(fresh, settings, version)

        await self._changes.run(amend)

    # -- inside -----------------------------------------------------------------------------------

    async def _keep_asked(
        self, old: port.StoredOrg, form: Form, wanted: OrgRequest | list[FieldRefusal]
    ) -> port.StoredOrg:
        """Keep what a body makes of an org; a new one is at revision 0. Refused, with all that is
        wrong."""
        if isinstance(wanted, list) or form.refusals:
            kind = _KINDS.get(form.refusals[0].code, Invalid)
            raise kind(*form.refusals)
        settings = still_confirmed(wanted.settings)
        fresh = port.revise(
            old,
            name=wanted.name,
            parent=wanted.parent,
            time_zone=wanted.time_zone,
            settings=stored_settings(settings),
        )
        return await self._store_org(fresh, settings)

    def _next_id(self) -> OrgId:
        """Return the number after the highest, or the lowest free one if the highest is the last
        possible: an org that was given a huge id must not prevent the creation of others."""
        following = max(self._orgs, default=0) + 1
        if following <= ORG_ID_MAX:
            return OrgId(following)
        return OrgId(next(number for number in itertools.count(1) if number not in self._orgs))

    async def _check_parent(self, form: Form, org: OrgId) -> None:
        """Refuse a parent that is not there, or is below this org."""
        parent = form.values["parent"]
        if parent is None or form.body.get("parent") is None:
            return
        if parent not in self._orgs:
            if await self.others.has(parent):
                command = ""
                if org in self._orgs:
                    command = await self.others.join(self.family_of(org), parent)
                then = f"Run `{command}` first" if command else "Try again"
                form.refuse(
                    "other_cell",
                    "parent",
                    f"parent must be in the org's own cell; got {parent}, which is in another one. "
                    f"{then}, or choose an org of the same cell.",
                )
            else:
                PARENT.refuse_in(form, "parent")
            return
        above = [parent]
        while (next_up := self._orgs[above[-1]].parent) is not None and org not in above:
            above.append(next_up)
        if org in above:
            form.refuse(
                "parent_ring",
                "parent",
                f"parent must not be the org itself or one below it; got {parent}. Move that org "
                "elsewhere first.",
            )
        elif len(above) >= LEVELS_MAX:
            form.refuse(
                "too_deep",
                "parent",
                f"parent must have fewer than {LEVELS_MAX - 1} orgs above it; got {parent}, which "
                f"has {len(above) - 1}. Choose one further up.",
            )

    async def _store_org(self, fresh: port.StoredOrg, settings: OrgSettings) -> port.StoredOrg:
        """Store, then have it in force. Runs inside `Changes.run`."""
        old = self._orgs.get(fresh.id)
        action, before = (ORG_CREATED, None) if old is None else (ORG_CHANGED, _shown(old))
        with self._audit.recording(action, fresh.id, str(fresh.id), before, _shown(fresh)):
            version = await self._store.put_org(fresh)
        self._take_over(fresh, settings, version)
        return fresh

    def _take_over(self, fresh: port.StoredOrg, settings: OrgSettings, version: int) -> None:
        """Have in force what is stored."""
        self._keep(fresh, settings)
        self._changes.seen(version)
        self._tell_watchers()

    def _reload(self, snapshot: port.Snapshot) -> None:
        """Take over what is stored, as if it had been changed here."""
        self.load(snapshot)
        self._tell_watchers()

    def _tell_watchers(self) -> None:
        for changed in self._watchers:
            changed()

    def _keep(self, org: port.StoredOrg, settings: OrgSettings) -> None:
        self._orgs[org.id] = org
        self._settings[org.id] = settings
        self._rules[org.id] = rules_of(settings)
        self._registry.set_parent(org.id, org.parent)


def asked(org: port.StoredOrg) -> OrgRequest:
    """Return a stored org as a body would ask for it."""
    settings = settings_of(org.settings)
    return OrgRequest(
        org.name, org.id, parent=org.parent, time_zone=org.time_zone, settings=settings
    )


def _shown(org: port.StoredOrg) -> dict[str, Any]:
    return dict(show_resource(asked(org)))


def _refuse_operators(form: Form) -> None:
    """Refuse what an org may not change of itself."""
    settings = form.body.get("settings")
    fields = settings if isinstance(settings, dict) else ()  # what else it is, is refused later
    named = [f"settings.{name}" for name in OPERATORS_ONLY if name in fields]
    if "parent" in form.body:
        named.insert(0, "parent")
    for field in named:
        form.refuse(
            "operators_only",
            field,
            f"{field} must be changed with the platform's own credential; got the org's "
            "credential. Leave it out, or ask the operator.",
        )
