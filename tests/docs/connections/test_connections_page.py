"""What the page of connections shows is what holds."""

import re
from pathlib import Path

from tests.docs.connections.connection_tables import tables
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.operator_files.connections import load_connections
from tidings.connections.kafka_type import FIELDS
from tidings.connections.postgresql_dialling import conninfo
from tidings.core.connections.admitted import strange_table, strange_topic
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.targets.kafka_topic import not_published, queue_topic
from tidings.engine.connections import DEADLINE_S, UNDER_WAY_MAX
from tidings.reads.connections import CHECKS, READS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "connections.md").read_text("utf-8")
[FILE] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_tables_are_those_of_the_declarations() -> None:
    assert tables() in PAGE, "make docs"


def test_the_file_on_the_page_is_taken_and_has_every_field_of_a_cluster(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    file.write_text(FILE)
    secrets = {"KAFKA_PASSWORD": "hush", "SHOP_PASSWORD": "hush"}
    found = load_connections(file, CONNECTION_TYPES, secrets)
    assert found.default is found["main"] and found["main"].orgs is None
    assert found["main"].fields.keys() == {field.name for field in FIELDS}
    for org in (1, 12, 21):
        for other in (1, 12, 21):
            topics, own = [f"loyalty.{other}.events"], org == other
            assert (strange_topic(found["main"], topics, OrgId(org)) is None) is own
            for topic in (f"crm.{other}", f"crm.{other}.orders"):
                assert (not_published(found["main"], topic, OrgId(org)) is None) is own
        assert queue_topic(found["main"], OrgId(org), WebhookId("0" * 24)) == f"crm.{org}"
    assert "password=hush" in conninfo(found["shop"])
    assert strange_table(found["shop"], "tidings_outbox", OrgId(2001)) is None


def test_the_page_has_every_type_with_what_a_check_of_it_means_and_what_bounds_checks() -> None:
    for name in CONNECTION_TYPES:
        assert re.search(rf"^\| `{name}` \| [a-z].+ \|$", PAGE, re.MULTILINE), name
    for scope in (READS, CHECKS):
        assert f"`{scope.replace(' or ', '` or `')}`" in PAGE
    assert f"within {DEADLINE_S:.0f} seconds" in PAGE and UNDER_WAY_MAX == 16
    assert "sixteen are under way at a" in PAGE


def test_the_pages_that_speak_of_connections_lead_there() -> None:
    for page in ("../README.md", "sources.md", "running.md", "settings.md"):
        assert "connections.md" in (DOCS / page).read_text("utf-8"), page
