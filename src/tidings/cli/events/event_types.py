"""The commands of `tidings events` about types. The catalogue is read when one runs, not before."""

from typing import Annotated

from cyclopts import Parameter

from tidings.cli.events.event_names import EventName
from tidings.cli.where import HERE, Where

Flag = Annotated[bool, Parameter(negative=())]


def list_types(*, family: str | None = None, where: Where = HERE) -> int:
    """List all event types, including those that the org declares.

    Parameters
    ----------
    family
        Only those of this family; own for those of the org.
    """
    from tidings.cli.events.type_pages import list_types as run

    return run(family, where)


def show(name: EventName, /, *, where: Where = HERE) -> int:
    """Show an event type: when it is raised, and every field.

    Parameters
    ----------
    name
        The event type; NAME.v2 for a version, else the newest.
    """
    from tidings.cli.events.type_pages import show as run

    return run(name, where)


def example(name: EventName, /, *, thin: Flag = False, where: Where = HERE) -> int:
    """Print an example of an event type: of your org and of this moment, where a service is known.

    Parameters
    ----------
    name
        The event type; NAME.v2 for a version, else the newest.
    thin
        As the platform sends it, without enrichment.
    """
    from tidings.cli.events.type_pages import example as run

    return run(name, thin, where)


def schema(name: EventName, /, *, where: Where = HERE) -> int:
    """Print the JSON Schema of an event type.

    Parameters
    ----------
    name
        The event type; NAME.v2 for a version, else the newest.
    """
    from tidings.cli.events.type_pages import schema as run

    return run(name, where)


def asyncapi(*, json: Flag = False) -> int:
    """Print the AsyncAPI 3.0 document of the catalogue's event types.

    Parameters
    ----------
    json
        Print it on one line.
    """
    from tidings.cli.events.type_pages import asyncapi as run

    return run(json)
