"""The pages of contracts and the stand-ins that enforce them name each other, and all sources."""

import re
from pathlib import Path

import pytest

from tests.stand_ins.base import StandIn
from tests.stand_ins.parties.alert_receivers import AlertReceivers
from tests.stand_ins.parties.fcm import Fcm
from tests.stand_ins.parties.loyalty_platform import LoyaltyPlatform
from tests.stand_ins.parties.magento import Magento
from tests.stand_ins.parties.medallia import Medallia
from tests.stand_ins.parties.msg91 import Msg91
from tests.stand_ins.parties.twilio import Twilio
from tests.stand_ins.parties.whatsapp import WhatsAppCloud

ROOT = Path(__file__).parents[2]
PARTIES: list[type[StandIn]] = [
    Medallia,
    Magento,
    LoyaltyPlatform,
    Twilio,
    Msg91,
    WhatsAppCloud,
    Fcm,
    AlertReceivers,
]
MARKS = ("documented", "observed", "read in the code", "inferred", "not documented", "status doc",
         "code doc", "the form doc", "the limits doc")  # fmt: skip


def test_every_party_is_in_this_list() -> None:
    modules = (ROOT / "tests/stand_ins/parties").glob("*.py")
    with_routes = {module.stem for module in modules if "routes = (" in module.read_text("utf-8")}
    assert with_routes == {party.__module__.rpartition(".")[2] for party in PARTIES}


@pytest.mark.parametrize("party", PARTIES)
def test_each_path_stands_in_the_contract(party: type[StandIn]) -> None:
    page = (ROOT / party.page).read_text("utf-8")
    written = {path: re.search(rf"[` ]{re.escape(path)}[`?]", page) for _, path, _ in party.routes}
    assert [path for path, found in written.items() if found is None] == []
    assert f"{party.__module__.rpartition('.')[2]}.py" in page


@pytest.mark.parametrize("name", sorted({party.page for party in PARTIES}))
def test_every_fact_says_where_it_is_from(name: str) -> None:
    page = (ROOT / name).read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    heads = [line for line in rows if line.endswith("| Source |")]
    sources = [line.rstrip(" |").rpartition(" | ")[2] for line in rows if line not in heads]
    assert len(sources) > 15
    assert [source for source in sources if not source.startswith(MARKS)] == []
    told = [part for source in sources for part in source.split("; ")]
    linked = [part for part in told if part.startswith(("observed", "read in the code"))]
    bare = [text for text in linked if "][" not in text and "sample" not in text]
    assert bare == []  # may be empty: of Medallia nothing was observed


@pytest.mark.parametrize("name", sorted({party.page for party in PARTIES}))
def test_every_source_has_an_address_and_every_address_is_used(name: str) -> None:
    page = re.sub("`[^`]*`", "", (ROOT / name).read_text("utf-8"))
    used = set(re.findall(r"\]\[([a-z][\w-]*)\]", page))
    assert used == set(re.findall(r"^\[([\w-]+)\]: https://", page, re.MULTILINE))
