"""The service itself at work: its jobs behind the calls, whether it is ready, and its figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.registry import Collector

from tidings.core.running.service_part import ServicePart
from tidings.engine.access.guards.key_guard import KeyGuard
from tidings.engine.actions.actions import ActionServices
from tidings.engine.alerts.sender import PART as ALERTS
from tidings.engine.audit.anchors import PART as ANCHORS
from tidings.engine.audit.anchors import AuditAnchors
from tidings.engine.audit.retention import AuditRetention
from tidings.engine.audit.views import PART as VIEWS
from tidings.engine.audit.views import ViewLog
from tidings.engine.clock import sure
from tidings.engine.delivery.guards.connection_watch import PART as CONNECTIONS
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.slot_watch import PART as SLOTS
from tidings.engine.delivery.retries.drains import PART as DRAINS
from tidings.engine.delivery.stops import EVERYTHING
from tidings.engine.incidents.tracker import PART as INCIDENTS
from tidings.engine.notices.notices import PART as NOTICES
from tidings.engine.options import EngineOptions
from tidings.engine.orgs import Orgs
from tidings.engine.readiness import Readiness
from tidings.engine.retention import PART as RETENTION
from tidings.engine.retention import Retention
from tidings.engine.running.background_tasks import BackgroundTasks
from tidings.engine.running.loop_lag import BLOCKED_NOTICE_S, LoopLag
from tidings.engine.running.loop_lag import PART as LOOP_LAG
from tidings.engine.running.supervisor import Job
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.services.events import EventServices
from tidings.engine.services.foundation import Foundation
from tidings.engine.services.notices import NoticeServices
from tidings.engine.services.shaping import ShapingServices
from tidings.engine.services.sources import SourceServices
from tidings.engine.shaping.platform import counters, gauges
from tidings.engine.sources.kept_activity import PART as SOURCE_FIGURES


@dataclass(frozen=True, kw_only=True)
class RunningServices:
    """Composed last, over all others."""

    anchors: AuditAnchors
    background: BackgroundTasks
    readiness: Readiness
    views: ViewLog
    collectors: Sequence[Collector]

    @classmethod
    def compose(
        cls,
        base: Foundation,
        options: EngineOptions,
        *,
        orgs: Orgs,
        guard: KeyGuard,
        events: EventServices,
        shaping: ShapingServices,
        actions: ActionServices,
        notices: NoticeServices,
        delivery: DeliveryServices,
        watch: ConnectionWatch,
        sources: SourceServices,
    ) -> "RunningServices":
        """Build the jobs behind the calls, the readiness and the figures. `guard`: what keeps keys
        from being guessed; `watch`: what probes the connections that are held."""
        clock, heartbeats, engine = base.clock, base.heartbeats, delivery.engine
        retention = Retention(
            store=base.store,
            clock=clock,
            sure=lambda: sure(clock),
            retentions=lambda: {org.id: orgs.settings(org.id).retention for org in orgs.all()},
            audit=AuditRetention(base.store, base.audit, options.audit_days),
        )
        anchors = AuditAnchors(base.audit, clock)
        views = ViewLog(base.audit, clock)
        lag = LoopLag(
            lambda lag_s: heartbeats.raise_notice(
                "loop blocked",
                f"Within the last hour Tidings stood still for {lag_s:.0f} s: nothing was accepted "
                "or sent meanwhile. Look at the processors and the memory of its machine.",
                for_s=BLOCKED_NOTICE_S,
            )
        )
        jobs: Mapping[ServicePart, Job] = {
            RETENTION: retention.run,
            ANCHORS: anchors.run,
            NOTICES: notices.notices.run,
            LOOP_LAG: lag.run,
            SLOTS: engine.dispatcher.slot_watch.run,
            CONNECTIONS: watch.run,
            DRAINS: delivery.drains.run,
            **notices.mail_jobs(),
            SOURCE_FIGURES: sources.kept_activity.run,
            VIEWS: views.run,
            INCIDENTS: delivery.incidents.run,
            ALERTS: delivery.alerts.sender.run,
        }

        async def farewell() -> None:
            await notices.notices.flush()
            await views.write()
            await delivery.incidents.close()
            await delivery.alerts.sender.close()

        _measure_deliveries(base, delivery, actions)
        _measure_others(base, events, shaping, delivery, lag)
        base.metrics.counters["audit_views_unwritten"] = lambda: views.unwritten
        return cls(
            anchors=anchors,
            background=BackgroundTasks(base.supervisor, jobs, farewell),
            readiness=Readiness(engine, delivery.stops, heartbeats, delivery.judgements),
            views=views,
            collectors=(
                base.metrics,
                heartbeats,
                retention,
                notices.notices,
                guard,
                sources.sources,
                delivery.alerts.sender,
            ),
        )


def _measure_deliveries(
    base: Foundation, delivery: DeliveryServices, actions: ActionServices
) -> None:
    """Have readers and look-ups counted, after what the engine counts itself."""
    pulls, lookups = delivery.pulls, actions.lookups
    base.metrics.gauges.update(
        readers_waiting=lambda: pulls.readers,
        pulled_out=lambda: pulls.messages_out,
    )
    base.metrics.counters.update(
        lookups=lambda: lookups.asked,
        lookups_failed=lambda: lookups.failed,
    )


def _measure_others(
    base: Foundation,
    events: EventServices,
    shaping: ShapingServices,
    delivery: DeliveryServices,
    lag: LoopLag,
) -> None:
    """Have counted what the metrics ask of other parts than the engine."""
    metrics, stops, replays = base.metrics, delivery.stops, delivery.replay.runs
    metrics.gauges.update(
        reference_cache_bytes=lambda: shaping.reference.cached_bytes,
        loop_lag_seconds=lambda: lag.worst_s(),
        sending_stopped=lambda: stops.of(EVERYTHING) is not None,
        orgs_stopped=lambda: stops.orgs,
        replays_open=lambda: replays.open,
    )
    metrics.counters["events_stopped"] = lambda: events.acceptor.loops.stopped
    metrics.histograms["loop_delay_seconds"] = lag.delays
    metrics.counters["loop_blocked"] = lambda: lag.blocked
    metrics.counters["enrichment_thin"] = lambda: shaping.enricher.thin
    if shaping.platform is not None:
        metrics.counters.update(counters(shaping.platform))
        metrics.gauges.update(gauges(shaping.platform))
