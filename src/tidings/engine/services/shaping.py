"""What messages are made of: reference data, the platform, transformations, and who makes them."""

from dataclasses import dataclass

from tidings.engine.actions.actions import ActionServices
from tidings.engine.delivery.guards.unforeseen import AttemptStep
from tidings.engine.events.event_types import EventTypes
from tidings.engine.services.foundation import Foundation
from tidings.engine.shaping.cuts import PersonalCuts
from tidings.engine.shaping.enricher import Enricher
from tidings.engine.shaping.platform import Platform
from tidings.engine.shaping.reference import Reference
from tidings.engine.shaping.shaper import Shaper, Shaping
from tidings.engine.shaping.transformations import Transformations
from tidings.engine.threads import ThreadOffload
from tidings.ports import Ports


@dataclass(frozen=True, kw_only=True)
class ShapingServices:
    """Composed after event types and actions."""

    reference: Reference
    transformations: Transformations
    enricher: Enricher
    platform: Platform | None
    shaper: Shaping
    offload: ThreadOffload

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        *,
        event_types: EventTypes,
        actions: ActionServices,
    ) -> "ShapingServices":
        """Make all of it, but for a shaper that `ports` bring instead."""
        renderer, platform = ports.sandboxes, ports.outside.platform
        store, errors, metrics = base.store, base.errors, base.metrics
        reference = Reference(
            store=store,
            vault=ports.secrets.vault,
            audit=base.audit,
            others=lambda: metrics.written,
        )
        transformations = Transformations(
            store=store,
            changes=base.changes,
            audit=base.audit,
            renderer=renderer,
            users=base.registry.transformed_by,
        )
        enricher = Enricher(types=event_types, reference=reference, platform=platform)
        return cls(
            reference=reference,
            transformations=transformations,
            enricher=enricher,
            platform=platform,
            offload=base.offload,
            shaper=ports.shaping
            or Shaper(
                enricher=enricher,
                templates=transformations,
                renderer=renderer,
                actions=actions.preparation,
                cuts=PersonalCuts(event_types),
                failed=lambda error, kind: errors.note(error, AttemptStep.SHAPE, kind),
                offload=base.offload,
            ),
        )
