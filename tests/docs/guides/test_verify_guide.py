"""The guide on signatures: its lines are those that the console shows, and those of Python answer a
genuine message and a forged one as the guide says."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask
import pytest
from werkzeug.serving import make_server

from tests.docs.guides.brand import Brand
from tests.docs.guides.follower import Follower
from tests.docs.guides.guide_page import text_of
from tidings.console.pages.webhooks.verify_lines import LANGUAGES, VerifyLines

TEXT = text_of("receive/verify-a-signature")


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.heading)
def test_its_lines_are_those_that_the_console_shows(language: VerifyLines) -> None:
    assert f"\n| {language.heading} | `{language.install}` |\n" in TEXT
    _, _, section = TEXT.partition(f"\n### {language.heading}\n")
    block = re.split(r"^```\w*\n", section, flags=re.MULTILINE)[1]
    shown = [line for line in block.splitlines() if line]
    word = "import " if language.heading == "Go" else ""  # the console shows what is in brackets
    imports = [f"{word}{line}" for line in language.imports]
    assert shown == [line for line in (*imports, *language.lines) if line]


@contextmanager
def receiver_of_the_page(port: int) -> Iterator[None]:
    """A receiver whose check is the page's block of Python."""
    _, _, after = TEXT.partition("\n```python\n")
    imports, _, lines = after.partition("```")[0].partition("\n\n")
    body = "\n".join(f"    {line}" for line in lines.splitlines())
    names: dict[str, Any] = {"request": flask.request}
    answer = "    assert event['eventName']\n    return '', 204"
    exec(f"{imports}\ndef check():\n{body}\n{answer}", names)
    app = flask.Flask("receiver")
    app.add_url_rule("/tidings", "check", names["check"], methods=["POST"])
    server = make_server("127.0.0.1", port, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def test_a_genuine_message_passes_and_a_forged_one_does_not(
    follower: Follower, brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{follower.receiver_port}/tidings"
    monkeypatch.setenv("WEBHOOK_SECRET", brand.webhook("crm", url, "pointsIssued"))
    with receiver_of_the_page(follower.receiver_port):
        follower.follow(TEXT)
    assert len(follower.typed) == 2, '"receive/verify-a-signature" has two commands'
