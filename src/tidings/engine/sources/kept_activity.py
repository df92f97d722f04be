"""What sources have brought in the last hour, kept by the store: a restart does not forget it."""

from tidings.core.running.service_part import ServicePart
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.sources.sources import Sources
from tidings.store import port

SAVE_EVERY_S = 10.0
PART = ServicePart("figures of sources", "what sources bring is forgotten by a restart")


class KeptActivity:
    """Of all sources."""

    def __init__(self, store: port.SourceStore, sources: Sources) -> None:
        self._store = store
        self._sources = sources

    async def run(self, heart: Heart | None = None) -> None:
        """Save what has come since, now and then, until cancelled."""
        heart = heart or unwatched_heart()
        while True:
            await heart.sleep(SAVE_EVERY_S)
            heart.beat()
            await self.save()

    async def save(self) -> None:
        """Have the store keep what has come since. What it refuses is kept by a later look."""
        fresh = [live for live in self._sources.all() if live.activity.is_unsaved]
        if not fresh:
            return
        rows = [
            port.StoredActivity(live.stored.number, live.activity.last_ms, live.activity.minutes())
            for live in fresh
        ]
        for live in fresh:
            live.activity.is_unsaved = False
        try:
            await self._store.put_activity(rows)
        except port.StoreDown:
            for live in fresh:
                live.activity.is_unsaved = True
