"""The event types as data, and the checks that follow from them."""

from tidings.catalogue.catalogue import Catalogue
from tidings.catalogue.event_type import (
    DocumentationSource,
    EnrichmentPaths,
    EventType,
    SchemaViolation,
)
from tidings.catalogue.loader import envelope, load, read
from tidings.catalogue.schema import CatalogueError

__all__ = [
    "Catalogue",
    "CatalogueError",
    "EnrichmentPaths",
    "EventType",
    "SchemaViolation",
    "DocumentationSource",
    "envelope",
    "load",
    "read",
]
