"""The guide on receiving safely: its handlers answer as it says, and handle an event once."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.docs.guides.guide_page import SavedFile, text_of, work_of
from tidings_consumer.testing import SECRET, example, signed


@pytest.fixture
def router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The router of the page, in a folder of its own."""
    [handlers] = (
        work for work in work_of(text_of("receive/receive-safely")) if isinstance(work, SavedFile)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    Path(handlers.name).write_text(handlers.text, "utf-8")
    return runpy.run_path(handlers.name)["router"]


def test_a_repeat_is_answered_as_done_and_not_handled_again(
    router: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    event = example("pointsIssued")
    answers = [router.receive(*signed(event, id="evt_1", attempt=number)) for number in (1, 2)]
    assert [answer.status for answer in answers] == [204, 204]
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_it_says_what_the_table_says(router: Any) -> None:
    without = example("pointsIssued")
    without["data"]["totalPointsIssued"] = None
    assert router.receive(*signed(without, id="evt_1")).status == 422
    later = router.receive(*signed(example("customerAdded"), id="evt_2"))
    headers = {name.lower(): value for name, value in later.headers.items()}
    assert later.status == 503 and headers["retry-after"] == "120"
