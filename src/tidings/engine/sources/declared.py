"""Sources that the operator declares in a file: made, changed and let go at each start.

What the file says of a source is so, and nobody else changes it. A source that the file has no
longer is paused and from then on like any other: what it has set aside stays, and its people decide
what becomes of it.
"""

from collections.abc import Sequence
from functools import partial

import msgspec
import structlog

from tidings.core.audit.actor import file_actor
from tidings.core.ids import OrgId
from tidings.core.sources.source import Source
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.sources import Sources
from tidings.store.port import FamilyAway

log = structlog.get_logger(__name__)


class DeclaredSource(msgspec.Struct, frozen=True):
    """A source as a file declares it. `declares_pause`: whether it says if the source is paused;
    else its people pause and resume it, and it stays so."""

    org: OrgId
    source: Source
    file: str
    declares_pause: bool = False


async def declare(sources: Sources, declared: Sequence[DeclaredSource]) -> None:
    """Let all sources be as their files say, before any of them is fed. What is so already is not
    written. StoreDown, after which it may be asked again."""
    for declaration in declared:
        try:
            live = await sources.changes.run(partial(_declare, sources, declaration))
        except FamilyAway as moving:
            _note_moving(declaration.source.name, declaration.org, moving)
            continue
        live.declares_pause = declaration.declares_pause
    names = {(declaration.org, declaration.source.name) for declaration in declared}
    for live in sources.all():
        if (live.org, live.source.name) not in names:
            try:
                await sources.changes.run(partial(_let_go, sources, live))
            except FamilyAway as moving:
                _note_moving(live.source.name, live.org, moving)


def _note_moving(source: str, org: OrgId, moving: FamilyAway) -> None:
    log.warning(
        "a source of an org that is moving stays as it is",
        source=source,
        org=org,
        reason=str(moving),
        then="The next start takes the file up.",
    )


async def _declare(sources: Sources, declaration: DeclaredSource) -> LiveSource:
    """Let a source be as its file says. Runs inside `Changes.run`."""
    source, live = declaration.source, sources.named(declaration.org, declaration.source.name)
    if live is not None and live.declared_in and not declaration.declares_pause:
        source = msgspec.structs.replace(source, paused=live.source.paused)
    if live is not None and live.source == source and live.declared_in == declaration.file:
        return live
    with acting_as(file_actor(declaration.file)):
        return await sources.put(declaration.org, source, live, declared_in=declaration.file)


async def _let_go(sources: Sources, live: LiveSource) -> None:
    """Pause a source that its file has no longer. Runs inside `Changes.run`."""
    if live.declared_in and not live.deleted:
        paused = msgspec.structs.replace(live.source, paused=True)
        with acting_as(file_actor(live.declared_in)):  # which says nothing of it any more
            await sources.put(live.org, paused, live)
