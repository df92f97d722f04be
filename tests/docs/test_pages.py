"""The documentation is under test: made pages are current, and nothing in it points elsewhere."""

import re
from pathlib import Path

import pytest

from tidings.core.delivery.schedule import DELAYS_S
from tidings.core.delivery.statuses import FINAL_STATUSES, SLOW_DOWN
from tidings.settings.client_names import CLIENT_NAMES
from tidings.settings.settings import ENVIRONMENT
from tools.resources_page import page as reference_page
from tools.settings_page import page

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [
    ROOT / "docs/settings.md",
    ROOT / "docs/running.md",
    ROOT / "docs/quickstart.md",
    ROOT / "docs/security.md",
    ROOT / "docs/moving.md",
    ROOT / "docs/access.md",
    ROOT / "docs/contract/delivery.md",
    ROOT / "docs/contract/original.md",
    ROOT / "docs/replay.md",
    ROOT / "docs/contract/api.md",
    ROOT / "docs/contract/resources.md",
    ROOT / "docs/contract/medallia.md",
    ROOT / "docs/contract/magento.md",
    ROOT / "docs/contract/alerts.md",
    ROOT / "docs/contract/sms.md",
    ROOT / "docs/contract/loyalty-platform-api.md",
    ROOT / "docs/backup.md",
    ROOT / "docs/postgresql.md",
    ROOT / "docs/cells.md",
    ROOT / "docs/scaling.md",
    ROOT / "docs/alerts.md",
    ROOT / "docs/operational-events.md",
    ROOT / "docs/retention.md",
    ROOT / "docs/enrichment.md",
    ROOT / "docs/filters.md",
    ROOT / "docs/transformations.md",
    ROOT / "docs/send.md",
    ROOT / "docs/receive.md",
    ROOT / "docs/receive/frameworks.md",
    ROOT / "docs/receive/libraries.md",
    ROOT / "examples/gateway/README.md",
    ROOT / "examples/messages/README.md",
    ROOT / "examples/survey/README.md",
]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_the_settings_page_is_current() -> None:
    assert (ROOT / "docs/settings.md").read_text("utf-8") == page(), "make docs"


def test_the_page_of_every_field_is_current() -> None:
    text = (ROOT / "docs/contract/resources.md").read_text("utf-8")
    assert text == reference_page(), "make docs"
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert [row[0] for row in rows if row[-1] == " |"] == [], "what is it for?"


def test_every_setting_has_its_heading() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    for name in [*ENVIRONMENT.values(), *CLIENT_NAMES]:
        assert f"\n### {name}\n" in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_ends_with_what_to_do_when_it_did_not_work(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE)
    assert headings[-1] == "If it did not work"


def test_most_pages_have_links() -> None:
    without = [path for path in PAGES if not LINK.search(path.read_text("utf-8"))]
    assert len(without) < 10 < len(PAGES)


@pytest.mark.parametrize("path", [README, *PAGES], ids=lambda path: path.name)
def test_links_lead_to_files_of_the_repository(path: Path) -> None:
    for link in LINK.findall(path.read_text("utf-8")):  # may be empty: few have none
        target = (path.parent / link).resolve()
        assert target.is_relative_to(ROOT) and target.exists(), link


def test_the_readme_is_short_and_shows_the_three_commands() -> None:
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= 120
    for command in ("make demo", "make test", "make bench"):
        assert command in text


def test_the_delivery_page_holds_the_tables_of_the_code() -> None:
    text = (ROOT / "docs/contract/delivery.md").read_text("utf-8")
    refused = " ".join(str(status) for status in sorted(FINAL_STATUSES))
    assert f"| {refused} |" in text
    for status in SLOW_DOWN:
        assert str(status) in text
    shown = ["5 s", "30 s", "2 min", "10 min", "30 min", "1 h", "2 h", "4 h", "8 h", "12 h"]
    assert len(shown) == len(DELAYS_S)
    assert ", ".join(shown[:-1]) in text


OURS = ("tidings", "tidings-consumer", "tidings-producer")
INSTALLS = re.compile(r"(?:pip3? install|pip download|uv add|pipx install)\s([^#`\n]*)")
NAMED = re.compile(
    r"""(?<![\w./*-])(tidings(?:[-_.](?:consumer|producer))?)(?=["'`\s\[=<>~!;,]|$)""", re.I
)
READ = (".md", ".py", ".html", ".txt", ".json", ".toml", ".yaml", ".yml", ".sh", "")
FOLDERS = ("docs", "src", "consumer", "producer", "deploy", "examples", "scripts", "bench")


def installed_by_name(text: str) -> list[str]:
    """Return the packages of ours that a text installs by name: from an index that is not ours,
    where anybody may have taken the name."""
    return [name for line in INSTALLS.findall(text) for name in NAMED.findall(line)]


def test_nothing_has_a_reader_install_us_from_an_index_that_is_not_ours() -> None:
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    files = [file for file in [*ROOT.glob("*"), *files] if file.is_file() and file.suffix in READ]
    texts = {file: file.read_text("utf-8", "replace") for file in files}
    assert sum("pip install" in text for text in texts.values()) > 10, "they are looked at"
    found = {str(file): names for file, text in texts.items() if (names := installed_by_name(text))}
    assert found == {}, "the wheel's path stands there"


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    "command",
    [
        "pip install {}", "pip install '{}'", "`pip install {}`,", "pip install -U {}==1.0",
        "uv add {}",
        "pip install '{}[kafka]'", 'pip install "{}[sql]>=1" flask', "uv pip install flask {}",
    ],
)  # fmt: skip
def test_an_install_by_name_would_be_seen(command: str, name: str) -> None:
    assert installed_by_name(command.format(name)) == [name]
    path = f"dist/{name.replace('-', '_')}-*.whl"
    assert installed_by_name(f'pip install {path} "$(ls {path})[kafka]" /opt/{name}/x.whl') == []
