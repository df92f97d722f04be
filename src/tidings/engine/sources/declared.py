"""Sources that the operator declares in a file: made, changed and let go at each start.

What the file says of a source is so, and nobody else changes it. A source that the file has no
longer is paused and from then on like any other: what it has set aside stays, and its people decide
what becomes of it.
"""

from collections.abc import Sequence

import msgspec

from tidings.core.audit.actor import file_actor
from tidings.core.ids import OrgId
from tidings.core.sources.source import Source
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.sources.sources import Sources


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
        source, live = declaration.source, sources.named(declaration.org, declaration.source.name)
        if live is not None and live.declared_in and not declaration.declares_pause:
            source = msgspec.structs.replace(source, paused=live.source.paused)
        if live is None or live.source != source or live.declared_in != declaration.file:
            with acting_as(file_actor(declaration.file)):
                live = await sources.put(
                    declaration.org, source, live, declared_in=declaration.file
                )
        live.declares_pause = declaration.declares_pause
    names = {(declaration.org, declaration.source.name) for declaration in declared}
    for live in sources.all():
        if live.declared_in and (live.org, live.source.name) not in names:
            paused = msgspec.structs.replace(live.source, paused=True)
            with acting_as(file_actor(live.declared_in)):  # which says nothing of it any more
                await sources.put(live.org, paused, live)
