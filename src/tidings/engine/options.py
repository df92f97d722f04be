"""How the engine is to work: what it is handed of the operator's settings and of the machine."""

import msgspec

from tidings.core.audit.entries import KEPT_DAYS as AUDIT_DAYS
from tidings.core.events.call_split import DEFAULT_LIMITS as CALL_LIMITS
from tidings.core.events.call_split import CallLimits
from tidings.core.running.service_part import SLEEP_SLICE_S
from tidings.engine.engine import EngineLimits


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of the engine."""

    limits: EngineLimits = EngineLimits()
    calls: CallLimits = CALL_LIMITS
    public_url: str = ""  # that links in e-mails begin with
    audit_days: int = AUDIT_DAYS  # for which entries of the audit log are kept
    metrics_orgs: tuple[int, ...] = ()  # that metrics name; none: the first that are counted
    rest_slice_s: float = SLEEP_SLICE_S  # a background part at rest shows life so often
