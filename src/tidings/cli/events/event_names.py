"""Parameters that name event types: what a shell completes where one is typed.

The catalogue's names come at once; those of the org's own from the service, where one is known and
answers in time. Asked for at TAB, so that no script holds a list that grows old.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

SECONDS = 0.5  # for the service, while somebody waits for the shell


def _known() -> list[str]:
    """List the event names that may be asked for: types of the catalogue, of Tidings itself, and
    the org's own."""
    from tidings.catalogue import load

    return sorted({*load().names(), *_own()})


def _raised() -> list[str]:
    """List the event names that systems raise: all but those that Tidings raises by itself."""
    from tidings.cli.events.type_lookup import OF_TIDINGS

    return [name for name in _known() if not name.startswith(OF_TIDINGS)]


def _played() -> list[str]:
    """List the event names that the simulator plays."""
    from tidings.simulator import played_types

    return sorted(played_types())


def _own() -> list[str]:
    from tidings.cli.calls import calls
    from tidings.cli.events.type_lookup import own_rows
    from tidings.cli.exits import CommandExit
    from tidings.cli.where import HERE

    try:
        return [str(row["eventName"]) for row in own_rows(calls(HERE, SECONDS))]
    except CommandExit:
        return []


def with_commas(typed: str, names: Iterable[str]) -> list[str]:
    """Complete a list of names: what is typed of it, and each name that it does not hold yet."""
    before, comma, _ = typed.rpartition(",")
    held = set(before.split(","))
    return [before + comma + name for name in names if name not in held]


def _one(names: Callable[[], Sequence[str]]) -> Parameter:
    return Parameter(completer=lambda _: names())


def _several(names: Callable[[], Sequence[str]]) -> Parameter:
    def complete(context: "CompletionContext") -> list[str]:
        return with_commas(context.incomplete, names())

    return Parameter(completer=complete)


EventName = Annotated[str, _one(_known)]
RaisedName = Annotated[str, _one(_raised)]
EventNames = Annotated[str, _several(_known)]
PlayedNames = Annotated[str, _several(_played)]
