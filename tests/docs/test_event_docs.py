"""The pages of the event types are current, complete, and lead to pages that are there."""

import calendar
import json
import re
from pathlib import Path

import pytest

from tests.simulator.causes import CAUSES
from tidings.catalogue import EventType, load
from tidings.catalogue.facts import UNDOCUMENTED, missing, raised_by
from tidings.catalogue.thin import thin
from tidings.core import budget
from tidings.core.events import own_schema
from tidings.core.events.own_schema import KEYWORDS
from tidings.simulator.programme import STORES
from tools.event_pages import pages

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "events"
MADE = pages()
LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")
WRITTEN = [
    DOCS / "event-types.md",
    DOCS / "simulator.md",
    DOCS / "identifier-released.md",
    DOCS / "contract" / "events.md",
]


def test_every_page_is_current() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.md")) == sorted(MADE), "make docs"
    for name, text in MADE.items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name}: make docs"


def test_every_event_type_has_a_page_that_the_index_leads_to() -> None:
    for name in load().names():
        assert MADE[f"{name}.md"].startswith(f"# {name}\n")
        assert f"[{name}]({name}.md)" in MADE["README.md"]


def test_the_pages_that_tell_how_many_types_there_are_tell_what_is_so() -> None:
    ours = [kind for kind in load().kinds() if kind.family != "operational"]
    added = sum(not kind.core for kind in ours)
    said = {
        DOCS.parent / "README.md": f"emits all {len(ours)} types",
        DOCS / "event-types.md": f"the [{len(ours)} event types](events/README.md)",
        DOCS / "contract" / "events.md": f"{len(ours)} types are the platform's: the "
        f"{len(ours) - added} of the list that can be subscribed to there, and {added} that",
    }
    for path, words in said.items():
        assert words in " ".join(path.read_text("utf-8").split()), path


def test_other_names_of_a_type_and_its_other_forms_stand_on_its_page() -> None:
    for kind in load().kinds():
        text = MADE[f"{kind.label}.md"]
        assert text.count("### Another of its forms\n") == len(kind.examples) - 1
        for alias in kind.aliases:
            assert f"`{alias}` on input" in text
            assert alias in (DOCS / "event-types.md").read_text("utf-8")


def test_what_is_announced_alone_is_told_and_is_no_type() -> None:
    assert load().get("identifierReleased") is None
    for path in (FOLDER / "README.md", DOCS / "contract" / "events.md"):
        assert "[identifierReleased](../identifier-released.md)" in path.read_text("utf-8")


def first_json(text: str) -> object:
    return json.loads(text.split("```json")[1].split("```", maxsplit=1)[0])


@pytest.mark.parametrize("kind", load().kinds(), ids=lambda kind: kind.label)
def test_a_page_says_when_it_fires_what_may_be_missing_and_shows_both_forms(
    kind: EventType,
) -> None:
    text = MADE[f"{kind.label}.md"]
    fires = text.split("\n## When it fires\n")[1].split("\n## ")[0]
    told = (*(which for _, which in raised_by(kind)), *kind.not_raised, *kind.beware)
    for said in told:  # may be empty: of what raises some types nothing is known
        assert said in fires
    assert (UNDOCUMENTED in fires) == (not raised_by(kind))
    for said in missing(kind):  # may be empty: of many nothing is missing
        assert f"- {said}\n" in text.split("\n## What may be missing\n")[1]
    small, full = text.split("\n### Thin: as the platform sends it\n")[1].split("\n### Enriched\n")
    assert first_json(small) == thin(kind, kind.example)
    if first_json(small) == kind.example:
        assert "Enrichment adds nothing to this type" in full
    else:
        assert first_json(full) == kind.example


def test_the_index_leads_from_what_has_happened_to_the_type() -> None:
    assert (
        "| A customer spends points | [pointsRedeemed](pointsRedeemed.md) | Loyalty+: points |"
        in (MADE["README.md"])
    )


def test_the_index_says_what_raises_no_event_and_what_is_misread() -> None:
    text = " ".join(MADE["README.md"].split())
    for said in (
        "reconciles with the ledger API",
        "`skipDownstream`",
        "neither badges from history nor uploaded coupons",
        "[requestWorkflowEvent](requestWorkflowEvent.md): Approved is no proof of points",
        "[targetAchievedValueUpdated](targetAchievedValueUpdated.md): The amount is positive after "
        "a return",
        "[rewardExpiryReminder](rewardExpiryReminder.md): It needs three switches",
    ):
        assert said in text, said


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_made_page_reads_to_its_end(name: str) -> None:
    text = MADE[name]
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[-1] == "If it did not work"
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") in (3, 4), line


LINKING = [*map(FOLDER.joinpath, sorted(MADE)), *WRITTEN]


def test_most_pages_have_links() -> None:
    without = [path for path in LINKING if not LINK.search(path.read_text("utf-8"))]
    assert len(without) < 20 < len(LINKING)


@pytest.mark.parametrize("path", LINKING, ids=lambda path: path.name)
def test_links_lead_to_pages_and_headings_that_are_there(path: Path) -> None:
    for link, anchor in LINK.findall(path.read_text("utf-8")):  # may be empty: few have none
        target = (path.parent / link).resolve()
        assert target.is_relative_to(DOCS.parent) and target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            known = {
                re.sub(r"[^a-z0-9-]", "", heading.lower().replace(" ", "-")) for heading in headings
            }
            assert anchor[1:] in known, link + anchor


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_a_written_page_ends_with_what_to_do_when_it_did_not_work(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE)
    assert headings[-1] == "If it did not work"


def test_the_simulators_page_says_what_causes_each_type() -> None:
    text = (DOCS / "simulator.md").read_text("utf-8")
    for name, (cause, _) in CAUSES.items():
        assert f"| [{name}](events/{name}.md) | {cause} |" in text


def test_the_simulators_page_names_every_store_with_its_hours() -> None:
    text = (DOCS / "simulator.md").read_text("utf-8")
    for store in STORES:
        zone = f"+{_clock(store.offset_min / 60)}"
        hours = f"{_clock(store.opens_h)}–{_clock(store.closes_h)}"
        closed = calendar.day_name[store.closed] if store.closed >= 0 else "never"
        tills = f"{store.tills[0]}–{store.tills[-1]}"
        assert f"| {store.city} | {tills} | {zone} | {hours} | {closed} |" in text


def _clock(hours: float) -> str:
    return f"{int(hours):02}:{round(hours % 1 * 60):02}"


def test_the_page_of_own_types_lists_every_keyword() -> None:
    text = (DOCS / "event-types.md").read_text("utf-8")
    for keyword in KEYWORDS:
        assert f"`{keyword}`" in text, keyword


def test_the_page_on_event_types_says_the_bounds_that_hold() -> None:
    page = " ".join((DOCS / "event-types.md").read_text().split())
    for said in (
        f"at most {own_schema.NODES_MAX:,} schemas and {own_schema.EXPANDED_BYTES_MAX >> 10} KB",
        f"{own_schema.PATTERN_CHARS_MAX} characters and {own_schema.REPEAT_MAX} repeats",
        f"at most {own_schema.PATTERNS_BYTES_MAX >> 10:,} KB when compiled, where each counts "
        f"{own_schema.PATTERN_BYTES_MIN >> 10} KB",
        f"At most {own_schema.SEARCHED_MAX} fields carry `x-search`",
        f"at most {budget.LOOP_S * 1000:.0f} ms of the service's own time and "
        f"{budget.MEMORY_BYTES >> 20} MB",
        f"ended after {budget.APART_CPU_S * 1000:.0f} ms",
        f"an event of {budget.USUAL_BYTES >> 10} KB might take longer",
    ):
        assert said in page, said
