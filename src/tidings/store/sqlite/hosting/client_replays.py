"""What replays, cancels and stop switches ask of the embedded store."""

import asyncio
from collections.abc import Sequence

from tidings.store import port
from tidings.store.sqlite.hosting.child import Lines, decoder

_NUMBER = decoder(int)
_NONE = decoder(None)
_NUMBERS = decoder(list[int])
_REPLAY = decoder(port.ReplayJob)
_REPLAY_OR_NONE = decoder(port.ReplayJob | None)
_REPLAYS = decoder(list[port.ReplayJob])
_TALLIED = decoder(port.Tallied)
_CANDIDATES = decoder(port.Candidates)
_COUNTED = decoder(port.Counted)
_LISTED = decoder(list[port.Listed])
_UNFINISHED = decoder(port.Unfinished)
_STOPS = decoder(list[port.Stop])


class ReplayCalls(Lines):
    """A part of `SqliteStore`."""

    def put_replay(
        self, job: port.ReplayJob, listed: Sequence[port.Listed]
    ) -> asyncio.Future[port.ReplayJob]:
        """See `port.Store`."""
        return self._writing.call(_REPLAY, "put_replay", job, listed)

    def move_replay(
        self, replay: int, states: Sequence[str], state: str, reason: str
    ) -> asyncio.Future[port.ReplayJob | None]:
        """See `port.Store`."""
        return self._writing.call(_REPLAY_OR_NONE, "move_replay", replay, states, state, reason)

    def note_counted(
        self, replay: int, cursor: int, count: int, ended: bool
    ) -> asyncio.Future[port.ReplayJob | None]:
        """See `port.Store`."""
        return self._writing.call(_REPLAY_OR_NONE, "note_counted", replay, cursor, count, ended)

    def tally_replay(self, replay: int, after: int, limit: int) -> asyncio.Future[port.Tallied]:
        """See `port.Store`."""
        return self._writing.call(_TALLIED, "tally_replay", replay, after, limit)

    def close_replay(self, replay: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "close_replay", replay)

    def unfinished_of(self, replay: int, limit: int) -> asyncio.Future[Sequence[int]]:
        """See `port.Store`; in order with the commits."""
        return self._writing.call(_NUMBERS, "unfinished_of", replay, limit)

    def replay(self, org: int, replay: int) -> asyncio.Future[port.ReplayJob | None]:
        """See `port.Store`."""
        return self._reading.call(_REPLAY_OR_NONE, "replay", org, replay)

    def replays(
        self, org: int, before: int, limit: int
    ) -> asyncio.Future[Sequence[port.ReplayJob]]:
        """See `port.Store`."""
        return self._reading.call(_REPLAYS, "replays", org, before, limit)

    def open_replays(self) -> asyncio.Future[Sequence[port.ReplayJob]]:
        """See `port.Store`."""
        return self._reading.call(_REPLAYS, "open_replays")

    def candidates(
        self, replay: int, spec: port.ReplaySpec, after: int, limit: int, bodies: bool
    ) -> asyncio.Future[port.Candidates]:
        """See `port.Store`."""
        return self._reading.call(_CANDIDATES, "candidates", replay, spec, after, limit, bodies)

    def count_replay(
        self, replay: int, spec: port.ReplaySpec, after: int, listed: Sequence[port.Listed]
    ) -> asyncio.Future[port.Counted]:
        """See `port.Store`."""
        return self._reading.call(_COUNTED, "count_replay", replay, spec, after, listed)

    def first_since(self, from_ms: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "first_since", from_ms)

    def listed_deliveries(
        self, org: int, deliveries: Sequence[int]
    ) -> asyncio.Future[Sequence[port.Listed]]:
        """See `port.Store`."""
        return self._reading.call(_LISTED, "listed_deliveries", org, deliveries)

    def listed_events(self, org: int, ids: Sequence[str]) -> asyncio.Future[Sequence[port.Listed]]:
        """See `port.Store`."""
        return self._reading.call(_LISTED, "listed_events", org, ids)

    def unfinished_before(
        self, accepted_before_ms: int, place: tuple[int, int, int, int], limit: int
    ) -> asyncio.Future[port.Unfinished]:
        """See `port.Store`."""
        return self._reading.call(
            _UNFINISHED, "unfinished_before", accepted_before_ms, place, limit
        )

    def owed_before(self, accepted_before_ms: int) -> asyncio.Future[int]:
        """See `port.Store`."""
        return self._reading.call(_NUMBER, "owed_before", accepted_before_ms)

    def put_stop(self, stop: port.Stop) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "put_stop", stop)

    def drop_stop(self, org: int) -> asyncio.Future[None]:
        """See `port.Store`."""
        return self._writing.call(_NONE, "drop_stop", org)

    def stops(self) -> asyncio.Future[Sequence[port.Stop]]:
        """See `port.Store`."""
        return self._writing.call(_STOPS, "stops")
