"""The features whose price is told, each with how it is left out.

What an operator or an owner chooses is left out by choosing it not; what every event passes is left
out of the code of one service, which serves nothing but this comparison (`without.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidings.catalogue import catalogue
from tidings.catalogue.catalogue import CatalogueVersion
from tidings.catalogue.event_warnings import EventWarnings
from tidings.catalogue.paths import getter
from tidings.core.events.terms import Terms
from tidings.core.shaping.signatures.standard_webhooks import MessageSigner
from tidings.engine.metrics import EngineMetrics

UNSIGNED = "v1," + "A" * 43 + "="  # as long as a signature, so that as much is sent

Take = Callable[[], None]


def _no_schema() -> None:
    _put(CatalogueVersion, "check", lambda self, event: [])


def _no_warnings() -> None:
    _put(EventWarnings, "finder", lambda self: lambda event: ())


def _no_terms() -> None:
    _put(CatalogueVersion, "search_values", lambda self, event: [])
    _put(Terms, "kept", lambda self, org, values: b"")


def _no_owners() -> None:
    _put(catalogue, "key_getter", lambda kind: getter(kind.key))


def _no_signature() -> None:
    _put(MessageSigner, "sign", lambda self, message_id, timestamp_s, body: UNSIGNED)


def _no_metrics() -> None:
    _put(EngineMetrics, "attempted", lambda self, *attempt: None)


def _put(place: Any, name: str, value: object) -> None:
    """Replace what must be there: a name that is gone would leave the feature in."""
    getattr(place, name)
    setattr(place, name, value)


@dataclass(frozen=True, slots=True)
class Feature:
    """One of them."""

    name: str
    take: Take | None = None  # out of the code
    fields: Mapping[str, object] = field(default_factory=dict)  # of a webhook that has it
    records: bool = False  # whether it needs reference data


FEATURES = (
    Feature("schema", _no_schema),
    Feature("terms", _no_terms),
    Feature("group owners", _no_owners),
    Feature("warnings", _no_warnings),
    Feature("order", fields={"ordering": "key"}),
    Feature("signature", _no_signature),
    Feature(
        "enrichment",
        fields={
            "customerIdentifiersToBeEnriched": ["Instore"],
            "availablePointsBalanceEnrichmentEnabled": True,
        },
        records=True,
    ),
    Feature("metrics", _no_metrics),
)


def feature_of(name: str) -> Feature:
    """Return the feature of this name."""
    return next(feature for feature in FEATURES if feature.name == name)
