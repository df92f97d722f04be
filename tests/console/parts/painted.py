"""What of a page is painted: words and buttons, without what is folded, hidden or only spoken."""

from html.parser import HTMLParser

VOID = {"input", "img", "br", "meta", "link", "hr", "wbr"}
UNPAINTED = {"head", "script", "style", "noscript", "datalist", "template"}


class Painted(HTMLParser):
    """The words of a page that are seen when it is opened, and its primary buttons among them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.primary: list[str] = []
        self.bar: list[str] = []  # of the bar over the page
        self._open: list[tuple[str, bool, bool]] = []  # element, painted, and folds what it holds
        self._button = False
        self.feed(page)
        self.close()

    @property
    def _painted(self) -> bool:
        return all(painted for _, painted, _ in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        given = dict(attrs)
        classes = (given.get("class") or "").split()
        painted = tag not in UNPAINTED and "hidden" not in given and "quiet" not in classes
        if self._open and self._open[-1][2] and tag != "summary":
            painted = False
        self._open.append((tag, painted, tag == "details" and "open" not in given))
        if self._painted and {"button", "main"} <= set(classes):
            self.primary.append("")
            self._button = True

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass over it: it holds nothing."""

    def handle_data(self, data: str) -> None:
        if not self._painted:
            return
        self.words.append(data)
        if self._button:
            self.primary[-1] += data
        if any(tag == "header" for tag, _, _ in self._open):
            self.bar.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or tag not in [name for name, _, _ in self._open]:
            return
        while self._open.pop()[0] != tag:
            pass
        if tag in ("button", "a"):
            self._button = False

    @property
    def text(self) -> str:
        """All words in a row."""
        return " ".join("".join(self.words).split())
