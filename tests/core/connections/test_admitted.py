"""Which topics and tables of a connection an org may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.connections.admitted import admits, admits_one, strange_table, strange_topic
from tidings.core.connections.connection import Connection
from tidings.core.ids import ORG_ID_MAX, OrgId
from tidings.core.sources.reach import outside_connection
from tidings.core.sources.source import KafkaTopics, OutboxTable, Source
from tidings.core.sources.source_types import KAFKA, OUTBOX, WEBHOOK


@pytest.mark.parametrize(
    ("pattern", "name", "org", "fits"),
    [
        ("crm.*", "crm.12.orders", 1, True),  # as it was before: any sign
        ("crm.?", "crm.a", 1, True),
        ("[cd]rm.*", "drm.x", 1, True),
        ("crm.{org}", "crm.1", 1, True),
        ("crm.{org}", "crm.12", 1, False),
        ("crm.{org}", "crm.1", 12, False),
        ("crm.{org}*", "crm.12", 1, False),
        ("crm.{org}*", "crm.1-a", 1, True),
        ("*{org}", "crm.12", 2, False),
        ("*{org}", "crm.02", 2, False),
        ("*{org}", "crm.2", 2, True),
        ("*{org}*", "a.121.b", 2, False),
        ("*{org}*", "a.12.2.b", 2, True),
        ("a*b*{org}*c", "axbby7zc", 7, True),
        ("{org}{org}", "11", 1, False),
        ("1{org}", "11", 1, False),
        ("crm.{org}.*", "crm.1.", 1, True),
        ("crm.{org}", "crm.1\n", 1, False),
        ("crm.{ORG}", "crm.1", 1, False),
        ("crm.{webhook}", "crm.1", 1, False),
        ("[{org}]", "1", 1, False),
        ("", "", 1, True),
    ],
)
def test_the_number_of_an_org_is_matched_whole(
    pattern: str, name: str, org: int, fits: bool
) -> None:
    assert admits(pattern, name, OrgId(org)) is fits


@given(
    pattern=st.lists(st.sampled_from(["{org}", "*", "crm", ".", "-", "?", "a"]), max_size=6),
    name=st.text("0123456789.-acrm", max_size=20),
    org=st.integers(0, ORG_ID_MAX) | st.integers(0, 130),
    other=st.integers(0, ORG_ID_MAX) | st.integers(0, 130),
)
def test_a_pattern_with_one_org_and_no_wildcard_admits_a_name_to_one_org(
    pattern: list[str], name: str, org: int, other: int
) -> None:
    text = "".join(pattern)
    if org != other and text.count("{org}") == 1 and not {"*", "?"} & set(pattern):
        assert not (admits(text, name, OrgId(org)) and admits(text, name, OrgId(other)))
        own = text.replace("{org}", str(org))
        assert admits(text, own, OrgId(org)) and not admits(text, own, OrgId(other))


@pytest.mark.parametrize("patterns", ["crm.1", None, 7, [7], {"crm.1": 1}, []])
def test_what_is_no_list_of_patterns_admits_nothing(patterns: object) -> None:
    assert not admits_one(patterns, "crm.1", OrgId(1))


def test_a_source_reads_what_its_org_may_and_all_where_nothing_is_said() -> None:
    kafka = Connection("main", "kafka", {"topics": ["l.{org}.*", "all"]})
    assert strange_topic(kafka, ["l.1.a", "all"], OrgId(1)) is None
    assert "The topic l.12.a must be one" in str(strange_topic(kafka, ["all", "l.12.a"], OrgId(1)))
    assert strange_topic(Connection("main", "kafka", {}), ["l.12.a"], OrgId(1)) is None
    shop = Connection("shop", "outbox", {"tables": ["s_{org}.outbox", "shared*"]})
    assert strange_table(shop, "s_1.outbox", OrgId(1)) is None
    for strange in ("s_12.outbox", "s_2.outbox", "shared1", "S_1.outbox"):
        assert "The table must be one" in str(strange_table(shop, strange, OrgId(1)))
    assert strange_table(shop, "shared*", OrgId(1)) is None
    for tables in (["another"], "tidings_outbox", []):  # a text is no list of names
        one = Connection("shop", "outbox", {"tables": tables})
        assert "is for" in str(strange_table(one, "tidings_outbox", OrgId(1)))
    assert strange_table(Connection("shop", "outbox", {}), "any", OrgId(1)) is None


def test_every_type_of_source_is_judged_by_what_it_reads() -> None:
    fields = {"topics": ["l.{org}"], "tables": ["outbox_{org}"]}
    for source, why in (
        (Source("a", KAFKA, kafka=KafkaTopics(("l.1",))), None),
        (Source("a", KAFKA, kafka=KafkaTopics(("l.1", "l.2"))), "The topic l.2"),
        (Source("a", OUTBOX, outbox=OutboxTable("outbox_1")), None),
        (Source("a", OUTBOX), "got tidings_outbox"),
        (Source("a", WEBHOOK), None),
    ):
        said = outside_connection(source, Connection("main", "kafka", fields), OrgId(1))
        assert (said is None) if why is None else why in str(said)
