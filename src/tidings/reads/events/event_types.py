"""An event type as it is shown."""

from typing import Any

from tidings.catalogue import EventType
from tidings.catalogue.facts import describe_type
from tidings.catalogue.thin import thin
from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.engine.events.event_types import EventTypes, OwnRecord


def show_type_row(kind: EventType) -> dict[str, Any]:
    """Show an event type in a list."""
    facts = describe_type(kind)
    return {
        "eventName": kind.name,
        "family": kind.family,
        "trigger": kind.trigger,
        "plainly": facts["plainly"],
        "product": facts["product"],
        "own": kind.family == "own",
        "version": kind.version,
    }


def show_type(kind: EventType) -> dict[str, Any]:
    """Show an event type with its schema, example and facts."""
    return (
        show_type_row(kind)
        | describe_type(kind)
        | {
            "key": kind.key,
            "keyElse": kind.key_else,
            "refIdRule": kind.ref_id_rule,
            "since": kind.since,
            "searchPaths": kind.search_paths,
            "piiPaths": kind.pii_paths,
            "notes": kind.notes,
            "schema": kind.schema,
            "example": kind.example if kind.examples else None,
            "thinExample": thin(kind, kind.example) if kind.examples else None,
        }
    )


def show_own_type(types: EventTypes, org: OrgId, record: OwnRecord) -> dict[str, Any]:
    """Show an event type that the org declares itself, with what it has declared."""
    stored, declaration = record.stored, record.declaration
    return show_type(record.made.kind) | {
        "description": declaration.description,
        "dataSchema": declaration.schema,
        "versions": types.versions(org, stored.name),
        "createdAt": iso(stored.created_ms),
        "updatedAt": iso(stored.updated_ms),
    }
