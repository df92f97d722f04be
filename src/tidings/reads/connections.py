"""The operator's connections, as those see them who may name them.

A tenant is shown what it needs to name one: never where it leads, nor who else may. The platform's
credential is shown what the declaration of its type admits (`ConnectionField.shown`).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from tidings.core.actions.connections import used_connections
from tidings.core.connections.connection import Connection
from tidings.core.connections.fields import shown_of
from tidings.core.connections.tables import shared_tables
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.call_reader import EITHER, AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import KINDS, SQL
from tidings.engine.actions.actions import ActionServices
from tidings.engine.connections import CheckResult, NamedConnections
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.sources import Sources
from tidings.engine.webhooks.webhooks import Webhooks

READS = f"sources:read{EITHER}webhooks:read"
"""The scope of who sees connections: of whoever sees what names them."""
CHECKS = f"sources:write{EITHER}webhooks:write"
"""The scope of who has one checked."""


class ConnectionUsers(msgspec.Struct, frozen=True):
    """The sources and webhooks that go over one connection, by name."""

    sources: list[LiveSource]
    webhooks: list[Webhook]

    @property
    def orgs(self) -> set[OrgId]:
        """Return the orgs that they belong to."""
        return {source.org for source in self.sources} | {webhook.org for webhook in self.webhooks}


class ConnectionViews:
    """Shows connections to callers."""

    def __init__(
        self,
        connections: NamedConnections,
        sources: Sources,
        webhooks: Webhooks,
        actions: ActionServices,
    ) -> None:
        self.connections = connections
        self._actions = actions
        self._sources = sources
        self._webhooks = webhooks

    def users(self, connection: Connection, org: OrgId | None) -> ConnectionUsers:
        """Return the sources and webhooks of an org that use a connection; those of all orgs where
        `org` is None."""
        sources = self._sources.all() if org is None else self._sources.of(org)
        records = self._webhooks.everywhere() if org is None else self._webhooks.list(org)
        over = [source for source in sources if source.source.connection == connection.name]
        users_of = [
            record.webhook
            for record in records
            if self._goes_over(record.webhook, connection.name)
            and record.webhook.status is not WebhookStatus.DELETED
        ]
        return ConnectionUsers(
            sorted(over, key=lambda one: one.source.name),
            sorted(users_of, key=lambda one: one.name),
        )

    def _goes_over(self, webhook: Webhook, connection: str) -> bool:
        """Return whether a webhook names a connection, or is an action that its file has over it:
        by its act, or by what it looks up."""
        if not webhook.type.acts:
            return webhook.connection == connection
        action = self._actions.of(webhook.org).get(webhook.name)
        return action is not None and connection in used_connections(action)

    def show(self, caller: AuthenticatedCaller, connection: Connection) -> dict[str, Any]:
        """Show a connection that the caller may name, as the caller may see it."""
        own, known = self.users(connection, caller.org), self.connections
        shown: dict[str, Any] = {
            "name": connection.name,
            "type": connection.kind,
            "default": connection.name == known.default,
            "openTo": open_to(connection),
            "orgs": None,
            "fields": None,
            "sources": None,
            "webhooks": None,
            "everywhere": None,
            "lastCheck": show_check(known.last(connection)),
            "warnings": [],
        }
        if caller.may("sources:read"):
            shown["sources"] = [source.source.name for source in own.sources]
        if caller.may("webhooks:read"):
            shown["webhooks"] = [webhook.name for webhook in own.webhooks]
        if caller.platform:
            whole, kind = self.users(connection, None), known.types.get(connection.kind)
            shown |= {
                "orgs": sorted(connection.orgs or ()),
                "fields": {} if kind is None else shown_of(kind.fields, connection.fields),
                "warnings": [*_warnings(connection)],
                "everywhere": {
                    "orgs": len(whole.orgs),
                    "sources": len(whole.sources),
                    "webhooks": len(whole.webhooks),
                },
            }
        return shown


def _warnings(connection: Connection) -> Iterator[str]:
    """Say what in the operator's declaration lets orgs be at what is another's."""
    if connection.kind != KINDS[SQL].connection:
        return
    for name, table in shared_tables(connection).items():
        what = "change each other's rows" if table.key else "cannot be told apart by their rows"
        yield (
            f"Several orgs may write to the table {name} over the connection {connection.name}, "
            f"and {what}. Declare its org, the column that Tidings sets to the number of the "
            f"webhook's org{', and have it in the key' if table.key else ''}; or a table for each "
            "org, by {org} in the name."
        )


def open_to(connection: Connection) -> str:
    """Say who may name a connection: `all` orgs, `some`, or the `platform` alone."""
    if connection.orgs is None:
        return "all"
    return "some" if connection.orgs else "platform"


def show_check(result: CheckResult | None) -> dict[str, Any] | None:
    """Show the result of a check."""
    if result is None:
        return None
    return {
        "at": iso(result.at_ms),
        "works": not result.trouble,
        "message": result.trouble or "It works.",
        "durationInMs": round(result.took_ms, 1),
    }
