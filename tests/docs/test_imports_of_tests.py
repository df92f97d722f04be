"""What several tests begin with stands in a module of its own, not in one of the tests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests", "bench")
EXEMPT = {
    Path(__file__),  # the forms below
    ROOT / "tests/engine/test_times_that_end.py",  # it lists tests, as answers
    ROOT / "tests/simulation/crossed/test_repeats.py",  # what it tries are runs of tests
    # The same tests once more, with another browser: that they are the same is the point.
    ROOT / "tests/browser/firefox/test_firefox_journeys.py",
}
# In programs too that a test holds as text, for other processes.
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+[\w.]*\btest_\w+[ \t]+import\b|import[ \t]+[\w.]*\btest_\w+"
    r"|from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\([^)]*|[^\n(]*)\btest_\w+)",
    re.MULTILINE,
)


def test_nothing_is_imported_out_of_a_test() -> None:
    files = {file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")} - EXEMPT
    assert len(files) > 500
    wrong = [
        str(file.relative_to(ROOT)) for file in files if IMPORT.search(file.read_text("utf-8"))
    ]
    assert wrong == [], "move it into a module beside them, which is called by what it holds"


def test_each_form_of_an_import_is_seen() -> None:
    for text in (
        "from tests.engine.test_pump import Topic",
        "from tests.engine import test_pump",
        "from tests.engine import (\n    topic,\n    test_pump,\n)",
        "from .test_pump import Topic",
        "from . import test_pump",
        "import tests.engine.test_pump",
        "def f():\n    from tests.engine.test_pump import Topic",
    ):
        assert IMPORT.search(text), text
    assert not IMPORT.search("from tests.engine.topic import Topic\ntest_it = 1")
