"""The lines that the console shows beside a new secret verify, and are those of the documentation.

Where they are carried out, the library is fetched; `make test-systems` has the time.
"""

import base64
import json
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.docs.receive.frames import FRAMES, Frame
from tests.docs.receive.pages import LIBRARIES
from tidings.console.pages.webhooks.verify_lines import LANGUAGES, VerifyLines

LANGUAGE_OF = {language.heading: language for language in LANGUAGES}
SECRET, OTHER = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))
BODY = json.dumps({"eventName": "pointsIssued", "data": {"note": "ä \n €"}}, ensure_ascii=False)
# PHP is not at hand: its lines were carried out once.
NOT_EXECUTED = {"PHP"}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.heading)
def test_each_line_stands_in_the_section_of_its_language(language: VerifyLines) -> None:
    _, _, section = LIBRARIES.read_text().partition(f"\n## {language.heading}\n")
    section = section.partition("\n## ")[0]
    left = iter([line.strip() for line in section.splitlines()])
    for line in (*language.imports, *language.lines):
        assert line.strip() in left, f"{line} stands there, behind those before it"
    assert language.install.rpartition(" ")[2] in section


def message(secret: str, at: datetime, body: str) -> str:
    """What a frame reads: the three headers and the body."""
    signature = Webhook(secret).sign("evt_1", at, body)
    return "\n".join(("evt_1", str(int(at.timestamp())), signature, body))


@pytest.mark.systems
@pytest.mark.timeout(300)
@pytest.mark.parametrize("heading", FRAMES)
def test_the_lines_take_a_genuine_message_and_no_other(heading: str, tmp_path: Path) -> None:
    frame, language = FRAMES[heading], LANGUAGE_OF[heading]
    run = prepared(frame, language, tmp_path)
    now = datetime.now(UTC)
    genuine = message(SECRET, now, BODY)
    assert run(genuine) == "204"
    assert run(genuine.replace("pointsIssued", "pointsIssuee")) == "401"
    assert run(genuine.replace("evt_1", "evt_2")) == "401"
    at = str(int(now.timestamp()))
    assert run(genuine.replace(at, str(int(at) - 1), 1)) == "401"
    assert run(message(OTHER, now, BODY)) == "401"
    assert run(message(SECRET, now - timedelta(minutes=6), BODY)) == "401"


def test_no_language_is_left_out() -> None:
    assert {language.heading for language in LANGUAGES} == FRAMES.keys() | NOT_EXECUTED


def prepared(frame: Frame, language: VerifyLines, place: Path) -> Callable[[str], str]:
    """Write the lines into their frame; what carries them out on a message."""
    assert shutil.which(frame.needs), f"install {frame.needs}; as root make test-systems does"
    lines = textwrap.indent("\n".join(language.lines), frame.indent)
    imports = "\n".join(language.imports)
    program = frame.program.replace("LINES", lines).replace("IMPORTS", imports)
    (place / frame.file).write_text(program, "utf-8")
    environ = frame.environ(place) | {"WEBHOOK_SECRET": SECRET}
    for command in (*frame.before, language.install.split(), *frame.after):
        if command[0] != "pip":  # it is there
            subprocess.run(command, cwd=place, env=environ, check=True, capture_output=True)

    def run(sent: str) -> str:
        done = subprocess.run(
            frame.run, cwd=place, env=environ, input=sent.encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    return run
