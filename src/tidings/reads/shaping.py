"""What messages are made of, as it is shown."""

from typing import Any

from tidings.core.times import iso
from tidings.store.port import StoredTransformation


def show_transformation(one: StoredTransformation) -> dict[str, Any]:
    """Show a version of a transformation, without its template."""
    return {
        "name": one.name,
        "version": one.version,
        "createdAt": iso(one.created_ms),
        "createdBy": one.created_by,
    }
