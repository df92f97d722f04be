"""What the settings mean to the engine: a setting that it acts on is handed over here."""

from tidings.app.descriptors import Shares
from tidings.core.delivery.receivers.health import HealthPolicy
from tidings.core.events.call_split import CallLimits
from tidings.engine.engine import EngineLimits
from tidings.engine.options import EngineOptions
from tidings.settings.service_addresses import public_url
from tidings.settings.settings import Settings
from tidings.store.port import FAN_OUT_ROWS


def options_of(settings: Settings, shares: Shares) -> EngineOptions:
    """Derive the engine's options from the settings and from what the machine gives."""
    return EngineOptions(
        limits=EngineLimits(
            waiting_bytes_max=settings.waiting_bytes_max,
            waiting_s_max=settings.waiting_s_max,
            window_bytes_max=settings.window_bytes_max,
            in_flight_max=shares.attempts,
            drain_s=settings.drain_s,
            per_event_max=settings.deliveries_at_once_max,
            fan_out_rows=min(FAN_OUT_ROWS, settings.deliveries_at_once_max),
            health=HealthPolicy(first_after_ms=settings.failing_told_after_s * 1000),
        ),
        calls=CallLimits(
            settings.call_bytes_max, settings.event_bytes_max, settings.events_per_call_max
        ),
        public_url=public_url(settings),
        audit_days=settings.audit_days,
        metrics_orgs=settings.metrics_orgs,
    )
