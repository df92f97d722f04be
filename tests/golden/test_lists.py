"""What others count on is as it is kept in `lists/`; what has changed on purpose: `make golden`."""

import pytest

from tests.golden.lists import FOLDER, OF_A_SERVICE, OF_THE_CODE, changed


@pytest.mark.parametrize("name", OF_THE_CODE)
def test_nothing_has_changed_unasked(name: str) -> None:
    said = changed(name, OF_THE_CODE[name]())
    assert said == "", f"{said}\nif it is meant: make golden"


def test_each_list_that_is_kept_is_compared() -> None:
    """Those of a running service in `test_data.py`."""
    assert {path.stem for path in FOLDER.iterdir()} == {*OF_THE_CODE, *OF_A_SERVICE}
