"""Chromium, and a reader in it whose troubles are kept: errors, breaches of policy, canaries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Playwright, expect

from ..e2e.harness.service import ORG
from ..e2e.harness.until import PATIENCE_S

PROGRAM = "/usr/bin/chromium"
ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE = 1280
PATIENCE_MS = 1000 * PATIENCE_S  # a browser that starts, a page that comes, what a page is to show
expect.set_options(timeout=PATIENCE_MS)
KEPT_OUT = ("Blocked script execution in", "Loading the image")  # of the frames of mails
ANSWERED = "Failed to load resource: the server responded with a status of 4"

# What a stranger's script would do first; and what the page's policy stops, told by the browser.
WATCH = """
Object.defineProperty(window, "__xss", {
  get() { console.error("CANARY read"); return () => console.error("CANARY called"); },
  set() { console.error("CANARY set"); },
});
for (const name of ["alert", "confirm", "prompt"]) {
  const own = window[name];
  window[name] = (said) => {
    if (String(said).includes("xss")) console.error("CANARY " + name);
    return own.call(window, said);
  };
}
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`POLICY ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def launch(playwright: Playwright, *more: str) -> Browser:
    """The browser, without a window."""
    return playwright.chromium.launch(
        executable_path=PROGRAM, args=[*ARGS, *more], timeout=PATIENCE_MS
    )


class Reader:
    """Somebody in a browser of their own: no cookies, nothing cached."""

    def __init__(
        self,
        browser: Browser,
        base: str,
        *,
        width: int = WIDE,
        dark: bool = False,
        scripts: bool = True,
        org: int = ORG,
        **more: Any,
    ) -> None:
        self.base, self.org = base, org
        self.browser_name = browser.browser_type.name
        self.context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            base_url=base,
            **more,
        )
        self.context.set_default_timeout(PATIENCE_MS)
        if scripts:
            self.context.add_init_script(WATCH)
        self.kept_out: list[str] = []  # what a mail's frame would have run or loaded
        self.troubles: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error {error}"))
        self.page.on("crash", lambda _: self.troubles.append("the page crashed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | object) -> None:
        self.context.close()
        if kind is None:
            assert not self.troubles, self.troubles

    def _said(self, message: ConsoleMessage) -> None:
        """Chromium tells of each answer 4xx; a refusal by a page is none of its troubles."""
        if message.type != "error":
            return
        where = message.location.get("url", "")
        refused = message.text.startswith(ANSWERED) and "/static/" not in where
        # The frame of a mail runs nothing and loads nothing, and Chromium tells of each refusal;
        # what reads the pages is a script there too.
        kept_out = message.text.startswith(KEPT_OUT) and where.endswith("/mail")
        if kept_out:
            self.kept_out.append(message.text)
        elif not refused:
            self.troubles.append(f"{message.text} at {where} on {self.page.url}")

    @property
    def path(self) -> str:
        """Where the reader is."""
        return urlsplit(self.page.url).path

    def go(self, path: str) -> None:
        """Open a page; it must be answered, and not with an error of the service."""
        answer = self.page.goto(path)
        assert answer is not None and answer.status < 500, (path, answer and answer.status)

    def sign_in(self, key: str, secret: str, to: str = "/console") -> None:
        """By the form."""
        self.go(f"/console/sign-in?to={to}")
        self.page.get_by_label("E-mail, or the key of a credential").fill(key)
        self.page.get_by_label("Password, or the secret").fill(secret)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda url: "sign-in" not in url)

    def at(self, path: str = "") -> str:
        """The address of a page of the org that the reader works in."""
        return f"/console/o/{self.org}{path}"

    def open(self, path: str = "") -> None:
        """Open a page of that org."""
        self.go(self.at(path))

    def see(self, text: str) -> None:
        """That a text stands on the page, now or soon."""
        self.page.get_by_text(text).first.wait_for()

    def text(self) -> str:
        """Wait until the page is whole, as a click does not: all that its content says."""
        self.page.wait_for_load_state("domcontentloaded")
        return self.page.locator("main").inner_text()

    def shot(self, place: Path | None, name: str) -> None:
        """A picture of the whole page, where somebody wants pictures."""
        if place is not None:
            self.page.screenshot(path=place / f"{name}.png", full_page=True)


@contextmanager
def made_readers(browser: Browser, base: str) -> Iterator[Callable[..., Reader]]:
    """Give what makes readers; at the end, none of them may have met an error."""
    made: list[Reader] = []

    def make(**more: Any) -> Reader:
        made.append(Reader(browser, base, **more))
        return made[-1]

    yield make
    troubles = [trouble for reader in made for trouble in reader.troubles]
    for reader in made:
        reader.context.close()
    assert not troubles, troubles
