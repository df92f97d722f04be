"""Up to where a source has read the partitions of its topics, and where it begins each. Pure.

A source keeps its places itself. A consumer group keeps them too, for whoever else reads with it
and for the operator's tools; but a broker forgets a group, and all that is committed of a topic
that is deleted. Beside each offset that a source commits to its group stands whose it is:

    installation.source@cluster/topic-id
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

NO_ID = "-"  # for an id that a cluster does not tell
Partition = tuple[str, int]  # of a topic
OF_TOPIC = -1  # the partition of a place that stands for its topic


class TopicPlace(msgspec.Struct, frozen=True, array_like=True):
    """The offset that is read next of a partition, of one incarnation of its topic."""

    topic: str
    partition: int
    cluster: str = ""
    topic_id: str = ""
    offset: int = 0


class GroupPlace(msgspec.Struct, frozen=True):
    """A consumer group's place in a partition: the offset, and what its writer put beside it."""

    offset: int
    stamp: str = ""


class TopicPlaces:
    """The places of one source, for the topics as they are now."""

    def __init__(self, reader: str, cluster: str, ids: Mapping[str, str]) -> None:
        """`reader`: installation and source. `ids`: of each topic the id that it has now."""
        self._reader = reader
        self._cluster = cluster
        self._ids = ids
        self._kept: dict[Partition, TopicPlace] = {}
        self._unsaved: dict[Partition, TopicPlace] = {}

    def load(self, places: Iterable[TopicPlace]) -> None:
        """Take over what was kept."""
        self._kept = {(place.topic, place.partition): place for place in places}

    def has_met(self, topic: str) -> bool:
        """Tell whether the source has begun the topic, in whichever incarnation."""
        return (topic, OF_TOPIC) in self._kept

    def meet(self, topic: str) -> None:
        """Note that the source has begun the topic."""
        self._keep(TopicPlace(topic, OF_TOPIC))

    def move(self, at: Partition, offset: int) -> None:
        """Note the offset that is read next of a partition."""
        topic, partition = at
        self._keep(
            TopicPlace(topic, partition, self._cluster, topic_id=self._ids[topic], offset=offset)
        )

    def begin(self, at: Partition, group: GroupPlace | None) -> int:
        """Return the offset at which a partition is begun.

        That of the group, where anybody else has set it since: another installation that reads with
        it, or an operator. Else the one that was kept. Else the partition, or this incarnation of
        its topic, is new: 0, from its beginning.
        """
        topic, _ = at
        kept = self._kept.get(at)
        if kept is not None and (kept.cluster, kept.topic_id) != (self._cluster, self._ids[topic]):
            kept = None
        if group is not None and self.is_of_topic(topic, group):
            if kept is None or not group.stamp.startswith(f"{self._reader}@"):
                return group.offset
        return 0 if kept is None else kept.offset

    def is_of_topic(self, topic: str, group: GroupPlace) -> bool:
        """Tell whether an offset of the group is of the topic as it is now. Those that an operator
        has set, or has brought from another cluster, are taken as they are."""
        if group.offset < 0:
            return False
        cluster, _, topic_id = group.stamp.rpartition("@")[2].partition("/")
        if cluster != self._cluster or NO_ID in (topic_id, self._ids[topic]):
            return True
        return topic_id == self._ids[topic]

    def stamp(self, topic: str) -> str:
        """Return what is written beside each offset that is committed to the group."""
        return f"{self._reader}@{self._cluster}/{self._ids[topic]}"

    def unsaved(self) -> Sequence[TopicPlace]:
        """Return the places that are to be kept by the store."""
        return list(self._unsaved.values())

    def saved(self, places: Iterable[TopicPlace]) -> None:
        """Note that the store has them."""
        for place in places:
            if self._unsaved.get((place.topic, place.partition)) is place:
                del self._unsaved[place.topic, place.partition]

    def _keep(self, place: TopicPlace) -> None:
        at = place.topic, place.partition
        if self._kept.get(at) != place:
            self._kept[at] = self._unsaved[at] = place
