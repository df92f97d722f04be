"""Sources: kept, fed, and the doors at which messages come in that nobody sends to `/v1/events`."""

from dataclasses import dataclass

from tidings.engine.access.limits import Quotas
from tidings.engine.notices.notices import Notices
from tidings.engine.options import EngineOptions
from tidings.engine.services.events import EventServices
from tidings.engine.services.foundation import Foundation
from tidings.engine.sources.conflicts import ConflictFinder
from tidings.engine.sources.elsewhere import PassedIntake
from tidings.engine.sources.inbound import Inbound
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.kept_activity import KeptActivity
from tidings.engine.sources.message_reader import MessageReader
from tidings.engine.sources.outbox_tables import OutboxTables
from tidings.engine.sources.pumps import Pumps
from tidings.engine.sources.sources import Sources
from tidings.ports import Ports


@dataclass(frozen=True, kw_only=True)
class SourceServices:
    """Composed after events, and after who tells orgs."""

    sources: Sources
    pumps: Pumps
    inbound: Inbound
    kept_activity: KeptActivity
    passed: PassedIntake

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        options: EngineOptions,
        *,
        outboxes: OutboxTables,
        events: EventServices,
        notices: Notices,
        throttle: Quotas,
    ) -> "SourceServices":
        """Build the sources and their doors. `outboxes`: the tables that are read; `throttle`: how
        much an org may bring."""
        store, clock, declared = base.store, base.clock, ports.declared
        sources = Sources(
            store=store,
            changes=base.changes,
            audit=base.audit,
            vault=ports.secrets.vault,
            intake=SourceIntake(
                store=store,
                intake=events.acceptor,
                messages=MessageReader(
                    reader=events.reader,
                    late=events.late,
                    mapper=ports.sandboxes,
                    clock_ms=clock.now_ms,
                    doors=events.doors,
                    tracing=ports.outside.tracing,
                ),
                conflicts=ConflictFinder(store, events.doors),
                clock_ms=clock.now_ms,
                throttle=throttle,
                notices=notices,
            ),
            connections=declared.connections,
            outboxes=outboxes,
        )
        pumps = Pumps(
            sources,
            declared.source_drivers,
            declared.connections,
            notices,
            options.limits.health.first_after_ms,
            base.supervisor,
            base.lease,
            base.families,
        )
        base.heard.moved.add(pumps.follow_families)
        return cls(
            sources=sources,
            pumps=pumps,
            inbound=Inbound(
                named=sources.named,
                intake=sources.intake,
                clock_ms=clock.now_ms,
                key=ports.secrets.keys.tokens,
            ),
            kept_activity=KeptActivity(store, sources),
            passed=PassedIntake(
                reader=events.reader,
                late=events.late,
                intake=events.acceptor,
                conflicts=ConflictFinder(store, events.doors),
                clock_ms=clock.now_ms,
            ),
        )
