"""What a store answers about replays and stops, over one connection: for stores in memory."""

from collections.abc import Callable
from typing import Any

from tidings.store.sqlite.hosting.embedded import WritingHalf
from tidings.store.sqlite.replay.replays import ReplayQueries
from tidings.store.sqlite.replay.source import ReplaySource

READS = frozenset(
    "replay replays open_replays candidates count_replay first_since listed_deliveries"
    " listed_events unfinished_of stops unfinished_before owed_before".split()
)


def replay_operations(half: WritingHalf) -> dict[str, Callable[..., Any]]:
    """By the names of `port.ReplayStore`."""
    queries, source = ReplayQueries(half.connection), ReplaySource(half.connection)
    return {
        "put_replay": half.replays.put,
        "move_replay": half.replays.move,
        "note_counted": half.replays.note_counted,
        "tally_replay": half.replays.tally,
        "close_replay": half.replays.close,
        "unfinished_of": half.replays.unfinished_of,
        "put_stop": half.replays.put_stop,
        "drop_stop": half.replays.drop_stop,
        "stops": half.replays.stops,
        "replay": queries.one,
        "replays": queries.newest,
        "open_replays": queries.not_closed,
        "candidates": source.candidates,
        "count_replay": source.count,
        "first_since": source.first_since,
        "listed_deliveries": source.listed_deliveries,
        "listed_events": queries.listed_events,
        "unfinished_before": queries.unfinished_before,
        "owed_before": queries.owed_before,
    }
