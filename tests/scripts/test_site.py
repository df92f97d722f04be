"""The documentation as a site: all is found from its first page, and nothing leads nowhere."""

from pathlib import Path

import pytest

from tools import site


def test_every_page_is_two_clicks_from_the_first_one_at_most() -> None:
    assert site.too_far() == []


def test_a_newcomer_finds_each_kind_of_page_in_the_table_of_contents() -> None:
    found = {place for section in site.sections() for place in section.pages.values()}
    assert found >= {
        "quickstart.md",
        "contract/api.md",
        "cli.md",
        "settings.md",
        "events/README.md",
        "contract/errors.md",
        "running.md",
        "scaling.md",
        "security.md",
        "promises.md",
        "contract/original.md",
        "moving.md",
        "changelog.md",
    }


def test_links_follow_a_page_to_its_place_and_others_lead_to_the_source(tmp_path: Path) -> None:
    pages = site.page_files()
    places = {path: place for place, path in pages.items()}
    page = pages["examples/gateway/README.md"]
    text = site.placed(page, "examples/gateway/README.md", places, "https://source.example")
    assert "](../../running.md" in text and "](../../docs/" not in text
    assert "](https://source.example/examples/gateway/nginx.conf)" in text


def test_commands_are_copied_without_the_prompt_and_without_what_they_show() -> None:
    typed = "  $ one \\\n      --more\n  $ two\n  shown\n  $ three\n"
    page = f"1. Do it:\n\n  ```console\n{typed}  ```\n\nEnd."
    assert site.copyable(page) == (
        "1. Do it:\n\n  ```bash\n  one \\\n      --more\n  two\n  ```\n\n"
        "  ```text\n  shown\n  ```\n\n  ```bash\n  three\n  ```\n\nEnd."
    )
    pages = site.page_files()
    places = {path: place for place, path in pages.items()}
    for place, path in pages.items():
        text = site.placed(path, place, places, "https://source.example")
        assert "```console" not in text, place


def test_a_dead_link_a_missing_heading_and_a_load_from_elsewhere_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html">b</a><a href="#low">low</a><a href="#top">top</a>'
        '<a href="https://elsewhere.example/">e</a><script src="https://cdn.example/x.js"></script>'
    )
    assert site.dead_ends(tmp_path) == [
        "a.html: #low has no such heading.",
        "a.html: b.html leads nowhere.",
        "a.html loads https://cdn.example/x.js from elsewhere.",
    ]


@pytest.mark.systems  # it makes pages for several seconds
def test_it_is_built_with_every_page_and_can_be_searched(tmp_path: Path) -> None:
    site.build(tmp_path / "site")
    made = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.html")}
    assert len(made) > len(site.page_files()) > 150
    index = (tmp_path / "site" / "search.json").read_text("utf-8")
    for words in ("Try now and drain", "From another webhook sender", "unknown_event_name"):
        assert words in index
