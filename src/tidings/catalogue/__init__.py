"""The event types as data, and the checks that follow from them."""

from tidings.catalogue.catalogue import Catalogue
from tidings.catalogue.event_type import Enrichment, EventType, Problem, Source
from tidings.catalogue.loader import envelope, load, read
from tidings.catalogue.schema import CatalogueError

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Enrichment",
    "EventType",
    "Problem",
    "Source",
    "envelope",
    "load",
    "read",
]
