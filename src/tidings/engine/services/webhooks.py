"""Webhooks and test inboxes: what may be asked for, and what their addresses lead to."""

from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.inboxes import Inboxes
from tidings.engine.orgs import Orgs
from tidings.engine.services.events import EventServices
from tidings.engine.services.foundation import Foundation
from tidings.engine.services.notices import NoticeServices
from tidings.engine.services.shaping import ShapingServices
from tidings.engine.sources.outbox_tables import OutboxTables
from tidings.engine.webhooks.bodies import WebhookBodyParser
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.ports import Addresses, Ports


def compose_webhooks(
    base: Foundation,
    ports: Ports,
    *,
    orgs: Orgs,
    events: EventServices,
    shaping: ShapingServices,
    notices: NoticeServices,
    healths: HealthTracker,
    outboxes: OutboxTables,
) -> tuple[Webhooks, Inboxes]:
    """Make the webhooks, and the inboxes that they may lead to. `outboxes`: the tables that are
    read, and so not written to."""
    addresses, declared, tokens = ports.addresses, ports.declared, set[str]()
    webhooks = Webhooks(
        store=base.store,
        audit=base.audit,
        registry=base.registry,
        changes=base.changes,
        vault=ports.secrets.vault,
        clock=base.clock,
        random_bytes=base.random_bytes,
        bodies=WebhookBodyParser(
            registry=base.registry,
            event_types=events.types,
            transformations=shaping.transformations,
            orgs=orgs,
            addresses=_InboxesKnown(addresses, tokens),
            outboxes=outboxes,
            aliases=ports.catalogue.aliases,
            connections=declared.connections,
            renderer=ports.sandboxes,
        ),
        changed=base.heard.changed,
        probed=base.heard.probed,
        owners=notices.notices,
        healths=healths,
        actions=declared.actions,
        connections=declared.connections,
    )
    inboxes = Inboxes(
        store=base.store,
        changes=base.changes,
        audit=base.audit,
        clock=base.clock,
        random_bytes=base.random_bytes,
        url_of=addresses.inbox_url,
        tokens=tokens,
        supervisor=base.supervisor,
        keys_at=lambda org, url: [
            key for same in addresses.inbox_urls(url) for key in webhooks.keys_at(org, same)
        ],
        headers_at=lambda org, url: {
            name for same in addresses.inbox_urls(url) for name in webhooks.headers_at(org, same)
        },
        families=base.families,
    )
    return webhooks, inboxes


class _InboxesKnown:
    """Addresses that may be dialled, test inboxes that there are among them."""

    def __init__(self, addresses: Addresses, tokens: set[str]) -> None:
        """`tokens`: those of all inboxes."""
        self._addresses = addresses
        self._tokens = tokens

    def refusal(self, url: str) -> str | None:
        """See `WebhookAddresses`."""
        addresses = self._addresses
        return None if addresses.inbox_token(url) in self._tokens else addresses.refusal(url)

    def own_path(self, url: str) -> str | None:
        """See `WebhookAddresses`."""
        return self._addresses.own_path(url)

    async def unresolved(self, url: str) -> str | None:
        """See `WebhookAddresses`."""
        addresses = self._addresses
        return None if addresses.inbox_token(url) else await addresses.unresolved(url)
