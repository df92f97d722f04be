"""Where a partition is begun: by whoever has set its place last, and never behind what is new."""

import pytest

from tidings.core.sources.topic_places import NO_ID, OF_TOPIC, GroupPlace, TopicPlace, TopicPlaces

OURS, THEIRS = "1f.7", "2e.3"
AT = ("orders", 0)


def places(*kept: TopicPlace, id: str = "now", cluster: str = "c") -> TopicPlaces:
    made = TopicPlaces(OURS, cluster, {"orders": id})
    made.load(kept)
    return made


def kept(offset: int = 40, id: str = "now", cluster: str = "c") -> TopicPlace:
    return TopicPlace("orders", 0, cluster, id, offset)


@pytest.mark.parametrize(
    ("known", "group", "begin"),
    [
        pytest.param(None, None, 0, id="nobody has seen it"),
        pytest.param(None, GroupPlace(-1), 0, id="the group has no place"),
        pytest.param(None, GroupPlace(7, "c/now"), 7, id="the release before has read it"),
        pytest.param(None, GroupPlace(7, "c/before"), 0, id="of the topic before"),
        pytest.param(None, GroupPlace(7, f"{OURS}@c/before"), 0, id="ours, of the topic before"),
        pytest.param(None, GroupPlace(7, ""), 7, id="set by an operator"),
        pytest.param(None, GroupPlace(7, "d/other"), 7, id="brought from another cluster"),
        pytest.param(None, GroupPlace(7, f"c/{NO_ID}"), 7, id="of a cluster without ids"),
        pytest.param(kept(), None, 40, id="the group is forgotten"),
        pytest.param(kept(), GroupPlace(30, f"{OURS}@c/now"), 40, id="a commit was refused"),
        pytest.param(kept(), GroupPlace(50, f"{OURS}@c/now"), 40, id="our store was restored"),
        pytest.param(kept(), GroupPlace(50, f"{THEIRS}@c/now"), 50, id="another has read on"),
        pytest.param(kept(), GroupPlace(50, "c/now"), 50, id="an older release has read on"),
        pytest.param(kept(), GroupPlace(3, ""), 3, id="an operator goes back"),
        pytest.param(kept(id="before"), None, 0, id="made anew"),
        pytest.param(kept(id="before"), GroupPlace(9, f"{OURS}@c/before"), 0, id="all of before"),
        pytest.param(kept(cluster="d"), None, 0, id="another cluster"),
    ],
)
def test_a_partition_is_begun(
    known: TopicPlace | None, group: GroupPlace | None, begin: int
) -> None:
    assert places(*([known] if known else [])).begin(AT, group) == begin


def test_a_group_with_a_name_that_begins_like_ours_is_another() -> None:
    assert places(kept()).begin(AT, GroupPlace(50, f"{OURS}1@c/now")) == 50


def test_what_has_moved_is_to_be_saved_until_it_is() -> None:
    made = places()
    made.move(AT, 1)
    made.meet("orders")
    first = made.unsaved()
    assert first == [kept(1), TopicPlace("orders", OF_TOPIC)]
    made.move(AT, 2)
    made.saved(first)
    assert made.unsaved() == [kept(2)] and made.has_met("orders")
    made.saved(made.unsaved())
    made.move(AT, 2)
    assert made.unsaved() == []
