"""The alert channels of all orgs: kept sealed, found, changed."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.core.alerts.channel import (
    CHANNELS_MAX,
    AlertChannel,
    read_channel,
    show_channel,
)
from tidings.core.audit.audit_actions import (
    ALERT_CHANNEL_CHANGED,
    ALERT_CHANNEL_CREATED,
    ALERT_CHANNEL_DELETED,
)
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.ids import OrgId, show
from tidings.core.sealed_columns import ALERT_CHANNEL
from tidings.engine.alerts.surroundings import AlertAddresses
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import Change, RandomBytes, Result
from tidings.engine.changes import Changes
from tidings.engine.listeners import Listeners
from tidings.engine.vault import Vault
from tidings.errors import Conflict, FieldRefusal, Invalid, NotFound, not_found, passed
from tidings.store import port

PREFIX = "alc"
ALL_ORGS = OrgId(PLATFORM_CHAIN)  # no org has this number
_settings = msgspec.json.Decoder(AlertChannel).decode


class UnknownChannel(NotFound):
    """The org has no alert channel of this id."""

    def __init__(self, channel_id: str) -> None:
        unknown = not_found("id", "the id of an alert channel of this org, as alc_…", channel_id)
        super().__init__(*unknown.refusals)


class LiveChannel(msgspec.Struct, frozen=True):
    """An alert channel in memory, as it is set now."""

    stored: port.StoredChannel
    settings: AlertChannel

    @property
    def id(self) -> str:
        """Return its id."""
        return self.stored.id

    @property
    def org(self) -> OrgId:
        """Return the org whose incidents it hears of; `ALL_ORGS` for the operator's."""
        return self.stored.org

    @property
    def is_operators(self) -> bool:
        """Return whether it hears of all orgs, as the operator has declared it."""
        return self.stored.org == ALL_ORGS


class AlertChannels:
    """All alert channels, over the store."""

    def __init__(
        self,
        *,
        store: port.AlertStore,
        changes: Changes,
        audit: AuditLog,
        vault: Vault,
        random_bytes: RandomBytes,
        addresses: AlertAddresses,
        declared: Mapping[str, AlertChannel],
    ) -> None:
        """`declared`: the operator's channels, by name."""
        self._store = store
        self._changes = changes
        self._audit = audit
        self._vault = vault
        self._random_bytes = random_bytes
        self._addresses = addresses
        self._by_id: dict[str, LiveChannel] = {}
        self._declared = {
            id: LiveChannel(port.StoredChannel(id, ALL_ORGS, b""), settings)
            for id, settings in ((f"operator-{name}", known) for name, known in declared.items())
        }
        self.changed = Listeners[OrgId]("an alert channel was made, changed or deleted")
        changes.reread_beside.add(lambda beside: self._fill(beside.alert_channels))

    async def load(self) -> None:
        """Fill at start. StoreDown, VaultRefused."""
        self._fill(await self._store.load_alert_channels())

    def all(self) -> list[LiveChannel]:
        """List the channels of all orgs, and the operator's."""
        return [*self._by_id.values(), *self._declared.values()]

    def operators(self) -> list[LiveChannel]:
        """List the operator's channels, in the order of their file."""
        return [*self._declared.values()]

    def of(self, org: OrgId) -> list[LiveChannel]:
        """List an org's channels, the oldest first."""
        return [channel for channel in self._by_id.values() if channel.org == org]

    def see(self, org: OrgId, channel_id: str, *, platform: bool) -> LiveChannel:
        """Find a channel of the org or, for the platform's credential, of the operator. Raise
        UnknownChannel for anything else."""
        declared = self._declared.get(channel_id) if platform else None
        return declared or self.get(org, channel_id)

    def get(self, org: OrgId, channel_id: str) -> LiveChannel:
        """Find a channel of the org. Raise UnknownChannel for anything else."""
        channel = self._by_id.get(channel_id)
        if channel is None or channel.org != org:
            raise UnknownChannel(channel_id)
        return channel

    def find(self, channel_id: str) -> LiveChannel | None:
        """Find a channel as it is now; None where it is gone."""
        return self._by_id.get(channel_id) or self._declared.get(channel_id)

    def addresses(self, org: OrgId) -> list[str]:
        """List the addresses that an org's channels write to."""
        named = [address for channel in self.of(org) for address in channel.settings.addresses]
        return [*dict.fromkeys(named)]

    async def create(self, org: OrgId, body: dict[str, Any]) -> LiveChannel:
        """Create a channel. Invalid, Conflict, StoreDown."""
        settings = self._read(body)

        async def create() -> LiveChannel:
            if len(self.of(org)) >= CHANNELS_MAX:
                raise Conflict(_too_many())
            id = show(PREFIX, int.from_bytes(self._random_bytes(8), "big") >> 1)
            fresh = port.StoredChannel(id, org, self._seal(org, id, settings))
            after = show_channel(settings)
            try:
                with self._audit.recording(ALERT_CHANNEL_CREATED, org, id, None, after):
                    return self._keep(await self._store.put_alert_channel(fresh), settings)
            except port.NotKept:
                raise Conflict(_NO_TABLE) from None

        return await self._change(org, create)

    async def change(self, org: OrgId, channel_id: str, body: dict[str, Any]) -> LiveChannel:
        """Set the fields that the body names. UnknownChannel, Invalid, StoreDown."""

        async def change() -> LiveChannel:
            channel = self.get(org, channel_id)
            settings = self._read(body, channel.settings)
            sealed = self._seal(org, channel_id, settings)
            before, after = recorded_change(channel.settings, settings)
            with self._audit.recording(ALERT_CHANNEL_CHANGED, org, channel_id, before, after):
                stored = await self._store.put_alert_channel(
                    port.revise(channel.stored, sealed=sealed)
                )
            return self._keep(stored, settings)

        return await self._change(org, change)

    async def delete(self, org: OrgId, channel_id: str) -> None:
        """Forget a channel with what it has heard. UnknownChannel, StoreDown."""

        async def delete() -> None:
            channel = self.get(org, channel_id)
            before = show_channel(channel.settings)
            with self._audit.recording(ALERT_CHANNEL_DELETED, org, channel_id, before, None):
                await self._store.drop_alert_channel(channel_id)
            self._by_id.pop(channel_id, None)

        await self._change(org, delete)

    async def _change(self, org: OrgId, change: Change[Result]) -> Result:
        made = await self._changes.run(change)
        self.changed.tell(org)
        return made

    def _read(self, body: dict[str, Any], previous: AlertChannel | None = None) -> AlertChannel:
        settings: AlertChannel = passed(read_channel(body, previous))
        target, addresses = settings.target, self._addresses
        if target and (reason := addresses.refusal(target) or addresses.own_path(target)):
            raise Invalid(FieldRefusal.build("url_refused", reason, field="url"))
        return settings

    def _seal(self, org: OrgId, id: str, settings: AlertChannel) -> bytes:
        return self._vault.seal_at(msgspec.json.encode(settings), ALERT_CHANNEL.at(org, id))

    def _fill(self, stored: Sequence[port.StoredChannel]) -> None:
        found = {}
        for channel in stored:
            place, what = ALERT_CHANNEL.at(channel.org, channel.id), f"Alert channel {channel.id}"
            settings = _settings(self._vault.open_at(channel.sealed, place, what))
            found[channel.id] = LiveChannel(channel, settings)
        self._by_id = found

    def _keep(self, stored: port.StoredChannel, settings: AlertChannel) -> LiveChannel:
        kept = self._by_id[stored.id] = LiveChannel(stored, settings)
        return kept


def recorded_change(
    before: AlertChannel, after: AlertChannel
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the audit log keeps of a change: of secrets, that they are others now."""
    old, new = show_channel(before), show_channel(after)
    secrets = {
        "url": (before.url, after.url),
        "routingKey": (before.routing_key, after.routing_key),
    }
    for field, (previous, now) in secrets.items():
        if previous != now and old[field] == new[field]:
            new[field] = f"{new[field]} (changed)"
    return old, new


_NO_TABLE = FieldRefusal.build(
    "not_migrated",
    "The database must have the tables of alert channels; its schema is of the release before. "
    "Run tidings migrate, and start Tidings again.",
)


def _too_many() -> FieldRefusal:
    return FieldRefusal.build(
        "too_many_channels",
        f"An org must have at most {CHANNELS_MAX} alert channels; got one more. Delete one that "
        "you do not need.",
    )
