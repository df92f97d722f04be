"""Each guide is one task, with the parts that a reader looks for, and somebody follows it."""

import re
from pathlib import Path

import pytest

from tests.docs.guides.guide_page import DOCS, GUIDES, commands_of, headings_of, name_of

VERBS = (
    "Alert Back Define Develop Filter Find Give Monitor Move Read Receive Recover Rotate Run Scale "
    "Send Set Subscribe Turn Upgrade Verify"
).split()
FIRST, CHECK, NEXT, LAST = (
    "Before you start",
    "Check that it worked",
    "Next",
    "If it did not work",
)
LINES_MAX, WIDTH_MAX, FILES_MAX = 190, 120, 20
TESTS = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")]
guides = pytest.mark.parametrize("guide", GUIDES, ids=name_of)


def test_there_is_a_guide_for_each_task_of_a_newcomer() -> None:
    assert {name_of(guide) for guide in GUIDES} >= {
        "receive/subscribe-a-webhook",
        "receive/verify-a-signature",
        "receive/receive-safely",
        "receive/filter-and-shape-events",
        "send/send-events",
        "send/take-in-webhooks",
        "send/read-events-from-kafka",
        "repair/find-a-missing-event",
        "repair/recover-after-an-outage",
        "repair/alert-on-failures",
        "act/send-mails-and-messages",
        "operate/give-a-brand-its-portal",
        "operate/back-up-and-restore",
        "operate/upgrade",
        "operate/scale-out-with-cells",
        "operate/rotate-secrets",
        "operate/run-with-compose",
        "operate/run-on-kubernetes",
        "move/move-from-svix",
        "move/move-from-convoy",
        "move/move-from-hookdeck",
        "move/move-from-the-original",
    }


@guides
def test_its_title_begins_with_a_verb_and_a_sentence_says_what_it_is_for(guide: Path) -> None:
    title, blank, lead = guide.read_text("utf-8").splitlines()[:3]
    assert title.removeprefix("# ").split()[0] in VERBS
    assert blank == "" and lead[0].isalpha()


@guides
def test_it_has_the_parts_of_a_task_in_their_order(guide: Path) -> None:
    headings = headings_of(guide.read_text("utf-8"))
    assert headings[0] == FIRST and headings[-2:] == [NEXT, LAST]
    assert headings.index(CHECK) > 1, "steps come before"
    numbers = [int(found[1]) for title in headings if (found := re.match(r"(\d+)\. ", title))]
    text = guide.read_text("utf-8")
    if numbers:
        assert numbers == list(range(1, len(numbers) + 1))
    else:  # several ways, each with its steps
        assert re.findall(r"^### (\d)\. ", text, re.MULTILINE)[:2] == ["1", "2"]


@guides
def test_it_leads_on_and_says_what_to_do_when_it_fails(guide: Path) -> None:
    text = guide.read_text("utf-8")
    _, _, after = text.partition(f"\n## {NEXT}\n")
    onward, _, troubles = after.partition(f"\n## {LAST}\n")
    assert len(re.findall(r"^- \[", onward, re.MULTILINE)) >= 2
    assert len(re.findall(r"^\| .+ \| .+ \|$", troubles, re.MULTILINE)) >= 4


@guides
def test_it_can_be_read_at_a_sitting(guide: Path) -> None:
    lines = guide.read_text("utf-8").splitlines()
    assert len(lines) <= LINES_MAX
    bare = re.sub(r"^```.*?^```$", "", "\n".join(lines), flags=re.MULTILINE | re.DOTALL)
    prose = [line for line in bare.splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > WIDTH_MAX] == []


@guides
def test_somebody_follows_it_or_it_types_nothing(guide: Path) -> None:
    if commands_of(guide.read_text("utf-8")):
        assert any(f'"{name_of(guide)}"' in text for text in TESTS), "which test types them?"


def test_a_folder_holds_few_and_the_contents_name_each() -> None:
    contents = (DOCS / "index.md").read_text("utf-8")
    for guide in GUIDES:
        assert len(list(guide.parent.glob("*.md"))) <= FILES_MAX
        title = guide.read_text("utf-8").partition("\n")[0].removeprefix("# ")
        assert f"- [{title}]({guide.relative_to(DOCS).as_posix()})\n" in contents, guide
