"""Saved views: kept by the store for whoever signs in, in each org, and shown to nobody else.

The audit log has who saved a view of which list. It has no names and no filters: they are their
owner's own.
"""

import asyncio
from collections.abc import Sequence

from tidings.core.access.view_rules import VIEWS_MAX
from tidings.core.audit.audit_actions import VIEW_CHANGED, VIEW_DELETED, VIEW_SAVED
from tidings.core.ids import OrgId
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import RandomBytes
from tidings.errors import Conflict, NotFound, Stale
from tidings.store import port
from tidings.values import describe_value

ID_BYTES = 10


class SavedViews:
    """Saves, renames and deletes the views of an owner: a person, or a credential that signs in."""

    def __init__(self, store: port.AccessStore, audit: AuditLog, random_bytes: RandomBytes) -> None:
        self._store = store
        self._audit = audit
        self._random_bytes = random_bytes
        self._lock = asyncio.Lock()  # two tabs count and compare one after the other

    async def list(self, org: OrgId, owner: str) -> Sequence[port.StoredView]:
        """List the views of an owner in an org, by name. StoreDown."""
        return await self._store.saved_views(org, owner)

    async def get(self, org: OrgId, owner: str, view_id: str) -> port.StoredView:
        """Return one. NotFound, StoreDown."""
        for view in await self.list(org, owner):
            if view.id == view_id:
                return view
        raise _gone()

    async def save(
        self, org: OrgId, owner: str, *, list_name: str, name: str, query: str
    ) -> port.StoredView:
        """Save a view; one that is there already with this name and query is returned. Conflict
        for a name that another one has, or for one view too many; StoreDown."""
        async with self._lock:
            views = await self.list(org, owner)
            if (previous := _named(views, list_name, name)) is not None:
                if previous.query == query:
                    return previous
                raise _name_taken(name)
            if len(views) >= VIEWS_MAX:
                raise Conflict.because(
                    "too_many_views",
                    f"You must have at most {VIEWS_MAX} saved views in an org; this is one more. "
                    "Delete one that you do not need.",
                    place="form",
                )
            view_id = f"viw_{self._random_bytes(ID_BYTES).hex()}"
            view = port.StoredView(org, owner, view_id, list=list_name, name=name, query=query)
            with self._audit.recording(VIEW_SAVED, org, view_id, None, {"list": list_name}):
                return await self._store.put_saved_view(view)

    async def rename(
        self, org: OrgId, owner: str, view_id: str, *, revision: int, name: str
    ) -> port.StoredView:
        """Give a view another name. NotFound; Stale where it has been renamed since `revision`;
        Conflict for a name that another one of the list has; StoreDown."""
        async with self._lock:
            view = await self.get(org, owner, view_id)
            if view.name == name:
                return view
            if view.revision != revision:
                raise _renamed(view)
            if _named(await self.list(org, owner), view.list, name) is not None:
                raise _name_taken(name)
            listed = {"list": view.list}
            try:
                with self._audit.recording(VIEW_CHANGED, org, view_id, listed, listed):
                    return await self._store.put_saved_view(port.revise(view, name=name))
            except port.StaleChange:
                raise _gone() from None

    async def delete(self, org: OrgId, owner: str, view_id: str) -> bool:
        """Delete a view; return whether there was one. StoreDown."""
        with self._audit.recording(VIEW_DELETED, org, view_id, if_changed=True):
            return await self._store.drop_saved_view(org, owner, view_id) is not None


def _named(views: Sequence[port.StoredView], list_name: str, name: str) -> port.StoredView | None:
    for view in views:
        if view.list == list_name and view.name.casefold() == name.casefold():
            return view
    return None


def _gone() -> NotFound:
    return NotFound.because(
        "not_found",
        "The saved view must exist; it was deleted, or it is another user's. Choose one of yours.",
        place="address",
    )


def _renamed(view: port.StoredView) -> Stale:
    return Stale.because(
        "stale_form",
        f"The name must be as this page showed it; it is {describe_value(view.name)} now. Nothing "
        "was changed. Rename it again.",
        place="form",
    )


def _name_taken(name: str) -> Conflict:
    return Conflict.because(
        "view_name_taken",
        f"name must be one that no other view of this list has; got {describe_value(name)}. Choose "
        "another name, or delete the other view.",
        field="name",
    )
