"""Strange names on pages: what they are, and what a page holds of them and says."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit


def said(page: str) -> str:
    """The words of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


MARK = "zqx"  # in every one, and in nothing that is ours

STRANGE = {
    "an element": f"<img src={MARK} onerror=alert(1)>",
    "the end of an attribute": f"\"'><script>{MARK}</script>",
    "an address": f"javascript:alert('{MARK}')",
    "a template": f"{{{{7*7}}}}{MARK}{{% raw %}}",
    "an attribute": f"' autofocus onfocus='{MARK}' x='",
    "the end of a block": f"--></textarea></title></script></pre><{MARK}>",
    "a long one": "<b>" + MARK * 83,
}

ADDRESSES = {"href", "src", "action", "formaction", "data-stream", "data-base", "hx-get", "hx-post"}

CONTENTS = {"value", "title", "placeholder", "data-confirm", "data-copy", "content", "aria-label"}


class Markup(HTMLParser):
    """What of a page is markup: its elements, attributes, and where its addresses lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if MARK in tag or not tag.isascii():
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            said = value or ""
            if MARK in name or name.startswith("on") or name in ("srcdoc", "autofocus", "style"):
                if (tag, name) != ("input", "autofocus") or MARK in said:
                    self.faults.append(f"attribute {tag} {name}={said[:60]}")
            if MARK not in said:
                continue
            if name in ADDRESSES and urlsplit(said.strip()).scheme not in ("", "http", "https"):
                self.faults.append(f"address {tag} {name}={said[:60]}")
            if name not in ADDRESSES | CONTENTS and not name.startswith(("data-", "aria-")):
                self.faults.append(f"attribute {tag} {name}={said[:60]}")
        if tag in ("script", "style") and not dict(attrs).get("src") and tag == "script":
            if dict(attrs).get("type") not in ("application/json",):
                self.faults.append("a script in the page")

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.faults.append(f"comment {data[:60]}")

    def handle_decl(self, decl: str) -> None:
        if MARK in decl:
            self.faults.append(f"declaration {decl[:60]}")
