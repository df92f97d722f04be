"""The places of one source as they are read, and kept by the store from time to time."""

from time import monotonic

from tidings.core.sources.topic_places import TopicPlaces
from tidings.sources.port import TopicPlaceStore

SAVE_EVERY_S = 1.0


class SavedPlaces:
    """`of_source`: what there is to save."""

    def __init__(self, of_source: TopicPlaces, store: TopicPlaceStore, source: int) -> None:
        self.of_source = of_source
        self._store = store
        self._source = source
        self._saved_s = monotonic()

    async def save(self) -> None:
        """Have the store keep what has moved since. StoreDown, after which it is tried again."""
        if places := self.of_source.unsaved():
            await self._store.put_topic_places(self._source, places)
            self.of_source.saved(places)
        self._saved_s = monotonic()

    async def save_in_time(self) -> None:
        """Save, unless that was done within the last second. StoreDown."""
        if monotonic() - self._saved_s >= SAVE_EVERY_S:
            await self.save()
