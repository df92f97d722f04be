"""What the file of actions brings into the service: connections, look-ups, a driver, a source."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path as FilePath

import msgspec
import structlog

from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.former_list_files import take_over_lists
from tidings.app.operator_files.actions import load_actions
from tidings.app.operator_files.operator_file import FileRefused
from tidings.catalogue import Catalogue
from tidings.compose import App
from tidings.core.actions.action import Actions, CsvLookup
from tidings.core.actions.file.reading import ActionsFile
from tidings.core.audit.actor import file_actor
from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.destinations.action.driver import ActionDestination
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.destinations.port import Driver
from tidings.egress.port import ReceiverAddress
from tidings.egress.sender import HttpSender
from tidings.engine.actions.declared import DeclaredActions, declare
from tidings.engine.actions.kept_lists import KeptLists
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.sources.declared import DeclaredSource
from tidings.engine.vault import Vault
from tidings.errors import Conflict, RequestRefused
from tidings.lookups.factory import LookupFactory
from tidings.lookups.port import LookupBackend
from tidings.settings.settings import Settings
from tidings.store.port import FamilyAway

log = structlog.get_logger(__name__)


class ServiceActions:
    """The actions of a service, over its adapters. Without a file it brings nothing."""

    def __init__(
        self,
        file: ActionsFile | None,
        name: str,
        connections: Connections,
        sender: HttpSender,
        target_of: Callable[[str], ReceiverAddress],
        now_s: Callable[[], float],
        lists: KeptLists | None = None,
        *,
        is_here: bool = True,
    ) -> None:
        """`name` of the file; `connections` that are declared elsewhere; `target_of` a URL, which
        may be refused (Invalid); `now_s` since the epoch; `lists`: keeps those in force; None keeps
        none; `is_here`: whether this process serves the org of the actions: else it has their
        connections alone. Unusable where a look-up leads nowhere.
        """
        self.file = file if is_here else None
        self.org_of_file = None if file is None else file.org
        self._name = name
        self._sender, self._target_of, self._now_s = sender, target_of, now_s
        self._proofs = Proofs(asking_over(sender, target_of), now_s)
        self.connections = connections if file is None else connections.joined(file.connections)
        columns = {} if self.file is None else self.file.columns
        keep = None if lists is None else lists.of
        factory = LookupFactory(
            sender, target_of, self.connections, self._proofs, now_s, columns, keep
        )
        named = {
            lookup.name: lookup for action in self.actions.values() for lookup in action.lookups
        }
        self.lookups: dict[str, LookupBackend] = {
            name: factory.source_of(lookup) for name, lookup in named.items()
        }
        self._lists = lists
        self._list_files = [
            lookup.where.file for lookup in named.values() if isinstance(lookup.where, CsvLookup)
        ]

    @property
    def org(self) -> OrgId | None:
        """Return the org of the actions; None without a file, or where it is in another cell."""
        return None if self.file is None else self.file.org

    @property
    def actions(self) -> Actions:
        """By name."""
        return {} if self.file is None else self.file.actions

    def declared(self) -> DeclaredActions:
        """Return them with whose they are, and what is odd in their file."""
        file = self.file
        if file is None:
            return DeclaredActions()
        return DeclaredActions(file.actions, file.org, file.warnings)

    def driver(self, drivers: Mapping[str, Driver]) -> ActionDestination:
        """Build the driver that does what actions say, over the drivers of other types."""
        return ActionDestination(
            self.actions,
            drivers,
            self.connections,
            self._sender,
            self._target_of,
            self._proofs,
            self._now_s,
            self.org,
        )

    def sources(self) -> Sequence[DeclaredSource]:
        """List the sources of the actions' events, if the file names some."""
        if self.file is None or self.file.source is None:
            return ()
        file = self.file
        assert file.source is not None
        return (
            DeclaredSource(file.org, file.source, self._name, declares_pause=file.declares_pause),
        )

    async def keep_lists(self, data: FilePath, vault: Vault) -> None:
        """Forget the states of lists that nothing looks up in, and take over what a release before
        has kept in the data directory. StoreDown."""
        if self._lists is not None:
            await self._lists.forget_others(self._list_files)
            await take_over_lists(data, self._list_files, self._lists, vault)

    async def declare(self, app: App) -> None:
        """Let the webhooks of all actions be as the file says. FileRefused, StoreDown."""
        if self.org is not None:
            with acting_as(file_actor(self._name)):
                await app.orgs.ensure(self.org)
                with suppress(FamilyAway):  # its actions are not changed either
                    await self._declare_types(app, self.org)
        for org in app.orgs.all():
            actions = self.actions if org.id == self.org else {}
            try:
                await declare(app.webhooks, org.id, actions, self._name)
            except FamilyAway as moving:
                log.warning(
                    "the actions of an org that is moving stay as they are",
                    org=org.id,
                    reason=str(moving),
                    then="The next start takes the file up.",
                )
            except Conflict as taken:
                raise FileRefused(
                    f"{self._name}: an action must have a name that no webhook of the org has. "
                    f"{taken}"
                ) from None

    async def _declare_types(self, app: App, org: OrgId) -> None:
        """Let the org have the event types of the file, before webhooks name them. FileRefused."""
        assert self.file is not None
        for name, reading in self.file.types.items():
            own = app.events.types.own(org, name)
            if own is not None and own[max(own)].declaration == reading.declaration:
                continue
            try:
                declaration = msgspec.to_builtins(reading.declaration)
                await app.events.types.put(
                    org, name, declaration | {"newVersion": reading.new_version}
                )
            except RequestRefused as refused:
                raise FileRefused(
                    f"{self._name}: the event type {name} must be one that the org can have. "
                    f"{refused}"
                ) from None

    async def close(self) -> None:
        """Ask for no token any more. Idempotent."""
        await self._proofs.close()


def build_actions(
    settings: Settings,
    catalogue: Catalogue,
    connections: Connections,
    *,
    admits_unknown: bool,
    sender: HttpSender,
    target_of: Callable[[str], ReceiverAddress],
    now_s: Callable[[], float],
    lists: KeptLists | None = None,
    is_here: bool = True,
) -> ServiceActions:
    """Build the actions that the settings ask for. `admits_unknown`: whether some org has event
    types of its own, which the file may name; `is_here`: see `ServiceActions`. FileRefused,
    Unusable."""
    file = None
    if settings.actions is not None:
        kinds = {kind.name: kind for kind in reversed(catalogue.kinds())}  # the first versions
        file = load_actions(
            settings.actions,
            kinds,
            CONNECTION_TYPES,
            connections,
            admits_unknown=admits_unknown or not is_here,
        )
    name = "" if settings.actions is None else settings.actions.name
    return ServiceActions(file, name, connections, sender, target_of, now_s, lists, is_here=is_here)
