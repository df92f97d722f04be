"""What every subject stands on: the store, time, the registry, and who watches over the parts."""

from dataclasses import dataclass

from tidings.core.running.first_labels import FirstLabels
from tidings.core.running.lease import OwnerLease
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import RandomBytes
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.families import Families
from tidings.engine.heartbeats import Heartbeats
from tidings.engine.listeners import EngineListeners, new_listeners
from tidings.engine.metrics import EngineMetrics
from tidings.engine.options import EngineOptions
from tidings.engine.running.supervisor import Supervisor
from tidings.engine.threads import ThreadOffload
from tidings.ports import Ports
from tidings.store import port


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Made before all subjects, and given to each of them."""

    store: port.Store
    lease: OwnerLease
    clock: Clock
    random_bytes: RandomBytes
    registry: Registry
    families: Families
    changes: Changes
    audit: AuditLog
    heard: EngineListeners
    metrics: EngineMetrics
    errors: UnforeseenErrors
    heartbeats: Heartbeats
    supervisor: Supervisor
    offload: ThreadOffload

    @classmethod
    def compose(
        cls,
        ports: Ports,
        options: EngineOptions,
    ) -> "Foundation":
        """Make it over the store, the clock and the randomness of `ports`."""
        store, registry = ports.store, Registry()
        heard = new_listeners()
        heartbeats = Heartbeats(slice_s=options.rest_slice_s)
        return cls(
            store=store,
            lease=ports.departure.lease,
            clock=ports.times.clock,
            random_bytes=ports.randomness.random_bytes,
            registry=registry,
            families=Families(store, registry, heard.moved),
            changes=Changes(store, registry),
            audit=AuditLog(store, ports.secrets.keys.audit),
            heard=heard,
            metrics=EngineMetrics(FirstLabels(options.metrics_orgs)),
            errors=UnforeseenErrors(),
            heartbeats=heartbeats,
            supervisor=Supervisor(heartbeats),
            offload=ThreadOffload(),
        )
