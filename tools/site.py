"""`python -m tools.site DIRECTORY`: build the documentation as a site, and check its links.

The pages are those of docs/, the readmes of examples/ and the changelog; docs/index.md is the table
of contents, from which the navigation is made. A link to any other file of the repository leads to
its source. Nothing on the site is loaded from elsewhere.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
INDEX = DOCS / "index.md"
CLICKS_MAX = 2  # from the first page to any other
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CONSOLE = re.compile(r"^( *)```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^- \[(.+)\]\(([^)#]+)(#[^)]*)?\)$", re.MULTILINE)
_THEME = {
    "name": "material",
    "font": False,  # none is loaded from elsewhere
    "features": ["navigation.indexes", "navigation.top", "content.code.copy", "search.highlight"],
    "palette": [
        {"media": "(prefers-color-scheme: light)", "scheme": "default"},
        {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
    ],
}


class SiteBroken(Exception):
    """The site could not be built: a link leads nowhere, or a page cannot be found."""


class Section(NamedTuple):
    """A heading of the first page, with the pages under it by their titles."""

    title: str
    pages: Mapping[str, str]


def page_files() -> dict[str, Path]:
    """Return the files of all pages by their place on the site."""
    found = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
    found |= {
        path.relative_to(ROOT).as_posix(): path for path in (ROOT / "examples").rglob("README.md")
    }
    return found | {"changelog.md": ROOT / "CHANGELOG.md"}


def sections() -> list[Section]:
    """Read the table of contents. A link into a page names no page of its own."""
    _, *parts = re.split(r"^## ", INDEX.read_text("utf-8"), flags=re.MULTILINE)
    places = {path: place for place, path in page_files().items()}
    return [
        Section(
            part.partition("\n")[0],
            {
                title: places[(DOCS / link).resolve()]
                for title, link, anchor in _ENTRY.findall(part)
                if not anchor
            },
        )
        for part in parts
    ]


def too_far() -> list[str]:
    """List the pages that are more than two clicks away from the first one."""
    places = {path: place for place, path in page_files().items()}
    reached = {INDEX}
    for _ in range(CLICKS_MAX):
        reached |= {
            target for path in reached & places.keys() for target in _targets(path)
        } & places.keys()
    return sorted(places[path] for path in places.keys() - reached)


def _targets(path: Path) -> Iterator[Path]:
    text = _FENCED.sub("", path.read_text("utf-8"))
    return ((path.parent / link).resolve() for link, _ in _LINK.findall(text))


def placed(path: Path, place: str, places: Mapping[Path, str], source_url: str) -> str:
    """Return the text of a page as it stands at its place: links between pages follow them, others
    lead to the source."""
    here = PurePosixPath(place).parent

    def lead(found: re.Match[str]) -> str:
        link, anchor = found[1], found[2] or ""
        target = (path.parent / link).resolve()
        if target in places:
            return os.path.relpath(places[target], here) + anchor
        if not target.exists():
            raise SiteBroken(f"{path.relative_to(ROOT)}: {link} leads nowhere. Correct the link.")
        return f"{source_url}/{target.relative_to(ROOT).as_posix()}{anchor}"

    return copyable(_LINK.sub(lead, path.read_text("utf-8")))


def copyable(text: str) -> str:
    """Return a page whose commands can be copied as they are typed: without the prompt, and apart
    from what they show."""

    def parted(found: re.Match[str]) -> str:
        indent, block = found[1], found[2]
        parts: list[tuple[str, list[str]]] = []
        goes_on = False
        for row in block.splitlines():
            line = row.removeprefix(indent)
            typed = goes_on or line.startswith("$ ")
            goes_on = typed and line.endswith("\\")
            language = "bash" if typed else "text"
            if not parts or parts[-1][0] != language:
                parts.append((language, []))
            parts[-1][1].append(indent + line.removeprefix("$ "))
        return "\n\n".join(
            "\n".join([f"{indent}```{language}", *lines, f"{indent}```"])
            for language, lines in parts
        )

    return _CONSOLE.sub(parted, text)


def build(out: Path) -> None:
    """Build the site into a directory, which is replaced. Raise SiteBroken."""
    if far := too_far():
        raise SiteBroken(
            f"No page may be further than {CLICKS_MAX} clicks from {INDEX.relative_to(ROOT)}; "
            f"these are: {', '.join(far)}. Link them."
        )
    pages = page_files()
    places = {path: place for place, path in pages.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    with tempfile.TemporaryDirectory() as made:
        for place, path in pages.items():
            target = Path(made, "docs", place)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(placed(path, place, places, project["urls"]["Source"]), "utf-8")
        config = Path(made, "mkdocs.yml")
        config.write_bytes(msgspec.yaml.encode(_config(project["urls"])))
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(config)],
            cwd=made,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        site = Path(made, "site").resolve()
        if done.returncode or not (site / "index.html").exists():
            raise SiteBroken(f"{done.stdout}{done.stderr}")
        if wrong := dead_ends(site):
            raise SiteBroken("\n".join(wrong))
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(site, out)


class _Page(HTMLParser):
    """What a made page links to, what it loads, and the anchors that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value for name, value in attrs if value}
        self.anchors |= {known[name] for name in ("id", "name") if name in known}
        if tag == "a":
            self.links |= {known["href"]} if "href" in known else set()
        elif tag == "link":
            loads = known.get("rel") not in ("canonical", "alternate", "prev", "next")
            self.loads |= {known["href"]} if loads and "href" in known else set()
        elif "src" in known:
            self.loads.add(known["src"])


def dead_ends(site: Path) -> list[str]:
    """List what leads nowhere on a site, and what it loads from elsewhere, a sentence each."""
    pages = {path: _Page(path.read_text("utf-8")) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        if path.name == "404.html":  # shown at any address, its links begin at the root
            continue
        for link in sorted(page.links | page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loads and parts.scheme != "data":
                    found.append(f"{path.relative_to(site)} loads {link} from elsewhere.")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.exists():
                found.append(f"{path.relative_to(site)}: {link} leads nowhere.")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                found.append(f"{path.relative_to(site)}: {link} has no such heading.")
    return found


def _config(urls: Mapping[str, str]) -> dict[str, object]:
    navigation: list[object] = [{"Tidings": "index.md"}]
    navigation += [
        {section.title: [{title: place} for title, place in section.pages.items()]}
        for section in sections()
        if section.pages
    ]
    return {
        "site_name": "Tidings",
        "site_url": urls["Documentation"],
        "use_directory_urls": False,  # it can be read from a directory
        "nav": navigation,
        "theme": _THEME,
        "markdown_extensions": ["tables", "fenced_code", "toc", "pymdownx.highlight"],
    }


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]))
    except SiteBroken as why:
        sys.exit(str(why))
