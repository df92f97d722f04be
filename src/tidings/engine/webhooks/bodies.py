"""Reads what a body asks of a webhook, against what its org has: event types, filters, names."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from tidings.catalogue.event_type import EventType
from tidings.core.budget import LOOP_S
from tidings.core.connections.connection import Connection, Connections
from tidings.core.ids import OrgId
from tidings.core.orgs.org_settings import OrgSettings
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.shaping.filters.cost import worst_s
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.known_paths import unknown_paths
from tidings.core.webhooks.name_matching import unheard_names
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook_types import KINDS
from tidings.engine.events.event_types import EventTypes
from tidings.engine.shaping.transformations import Transformations
from tidings.engine.webhooks.faults import filters_too_slow
from tidings.engine.webhooks.records import WebhookState, name_unresolved
from tidings.errors import FieldRefusal, Invalid, passed
from tidings.transform.port import Renderer, RenderLater


class WebhookAddresses(Protocol):
    """Where the URLs of webhooks lead."""

    def refusal(self, url: str) -> str | None:
        """Say why a URL may not be dialled; None where it may."""

    def own_path(self, url: str) -> str | None:
        """Say why no webhook may lead there, as it is the service itself; None where one may."""

    async def unresolved(self, url: str) -> str | None:
        """Return the host of a URL that has no address which may be dialled, if so. Soon, and no
        error."""


class TablesRead(Protocol):
    """Knows which tables sources read."""

    def is_read(self, connection: Connection, table: str, org: OrgId) -> bool:
        """Return whether rows that an org's webhook writes there come back as events."""


class SettingsOfOrgs(Protocol):
    """Knows what orgs have set."""

    def settings(self, org: OrgId) -> OrgSettings:
        """Return an org's settings."""


class WebhookBodyParser:
    """Bodies of calls that make or change a webhook. It keeps nothing."""

    def __init__(
        self,
        *,
        registry: Registry,
        event_types: EventTypes,
        transformations: Transformations,
        orgs: SettingsOfOrgs,
        addresses: WebhookAddresses,
        outboxes: TablesRead,
        aliases: Mapping[str, str],
        connections: Connections,
        renderer: Renderer,
    ) -> None:
        """`outboxes`: the tables that may not be written to; `aliases`: other names of event types;
        `renderer` checks templates."""
        self._registry = registry
        self._event_types = event_types
        self._transformations = transformations
        self._orgs = orgs
        self.addresses = addresses
        self._outboxes = outboxes
        self._aliases = aliases
        self._connections = connections
        self._renderer = renderer

    def read(
        self,
        org: OrgId,
        body: dict[str, Any],
        old: WebhookSettings | None = None,
        *,
        source: WebhookSettings | None = None,
        tried: bool = False,
        strict: bool = False,
        platform: bool = False,
    ) -> ParsedWebhookBody:
        """Read what a body asks for; `old` is what it changes, `source` what it is copied from, and
        `tried` as in `Webhooks.unsaved`. `strict`: a misspelt field is refused. `platform`: it may
        name a connection that the org may not. Invalid."""
        known = Known(
            event_types=self._event_types.names(org),
            check_url=self.addresses.refusal,
            org=org,
            own_path=self.addresses.own_path,
            is_read_back=self._outboxes.is_read,
            transformations=self._transformations.names(org),
            aliases=self._aliases,
            admits_unknown=self._admits_unknown(org),
            connections=self._connections.open_to(org, platform=platform),
            queue=self._connections.default is not None,
        )
        reading = passed(read_webhook(body, known, old, source=source, tried=tried, strict=strict))
        self._bound_filters(org, reading.settings.filter, None if old is None else old.filter)
        lost = unknown_paths(reading.settings, self._kinds(org, reading.settings))
        return msgspec.structs.replace(reading, warnings=reading.warnings + lost)

    def _kinds(self, org: OrgId, settings: WebhookSettings) -> list[EventType]:
        """List the types that a webhook subscribes to, in the versions that it gets."""
        versions = dict(settings.event_versions)
        get = self._event_types.get
        found = (get(org, name, versions.get(name, 1)) for name in settings.event_names)
        return [kind for kind in found if kind is not None]

    def _bound_filters(
        self, org: OrgId, new: dict[str, Any] | None, old: dict[str, Any] | None
    ) -> None:
        """Refuse a new filter with which those of the org together may take too long."""
        if new is None or new == old:
            return
        filters = [
            webhook.filter for webhook in self._registry.of_org(org) if webhook.filter is not None
        ]
        total_s = worst_s(compile_filter(new)) + sum(map(worst_s, filters))
        if old is not None:
            total_s -= worst_s(compile_filter(old))
        if total_s > LOOP_S:
            raise Invalid(filters_too_slow(total_s))

    async def warn(self, org: OrgId, settings: WebhookSettings) -> tuple[FieldRefusal, ...]:
        """Warn of what can only be found by asking others."""
        names = await self._warn_of_name(settings)
        return (*names, *await self._warn_of_templates(org, settings))

    async def _warn_of_templates(self, org: OrgId, settings: WebhookSettings) -> list[FieldRefusal]:
        """Warn that a template of its e-mails cannot be run, where one cannot."""
        found: list[FieldRefusal] = []
        if settings.email is None:
            return found
        for field, template in settings.email.templates:
            try:
                reason = await self._renderer.check(template, org)
            except RenderLater:
                return found
            if reason is not None:
                found.append(
                    FieldRefusal.build(
                        "bad_template",
                        f"{field} should be a template that renders. {reason} Every delivery fails "
                        "until it does.",
                        field=field,
                    )
                )
        return found

    async def _warn_of_name(self, settings: WebhookSettings) -> tuple[FieldRefusal, ...]:
        """Warn that the host of its URL has no address that may be dialled, where it has none."""
        if not KINDS[settings.kind].calls_url:
            return ()
        host = await self.addresses.unresolved(settings.url)
        return () if host is None else (name_unresolved(host),)

    def unheard_names(self, record: WebhookState) -> list[str]:
        """List the names that a webhook asks for in vain, as its org refuses unknown types."""
        if self._admits_unknown(record.org):
            return []
        return unheard_names(
            record.config.settings.event_names, self._event_types.names(record.org)
        )

    def _admits_unknown(self, org: OrgId) -> bool:
        """Return whether an org takes events of types that it does not have."""
        return self._orgs.settings(org).unknown_types == "admitted"
