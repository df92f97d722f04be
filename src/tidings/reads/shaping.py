"""What messages are made of, as it is shown."""

from typing import Any

from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.core.times import iso
from tidings.engine.shaping.transformations import VERSIONS_SHOWN
from tidings.store.port import StoredTransformation

VERSIONS_BYTES = 5 * VERSIONS_SHOWN * TEMPLATE_MAX  # as texts, as JSON, and as an answer


def show_transformation(one: StoredTransformation) -> dict[str, Any]:
    """Show a version of a transformation, without its template."""
    return {
        "name": one.name,
        "version": one.version,
        "createdAt": iso(one.created_ms),
        "createdBy": one.created_by,
    }
