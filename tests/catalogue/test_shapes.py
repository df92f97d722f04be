"""No event type breaks what receivers were promised, unseen: the committed shapes are the proof."""

import copy
from pathlib import Path

import msgspec
import pytest

from tidings.catalogue import load
from tidings.catalogue.loader import HERE, read_blocks
from tools.event_shapes import Shapes, broken, main, read_shapes, shapes

FILE = Path(__file__).parent / "shapes.json"
COMMITTED = read_shapes(FILE)
NOW = shapes(load(), read_blocks(HERE))


def test_nothing_that_was_promised_is_broken() -> None:
    assert broken(COMMITTED, NOW) == [], "make it optional, or declare another event type"


def test_what_was_added_is_promised_from_now_on() -> None:
    assert NOW == COMMITTED, "make shapes"


def test_every_event_type_is_held() -> None:
    assert list(COMMITTED.types) == sorted(load().names())


@pytest.mark.parametrize("name", load().names())
def test_taking_any_field_away_is_seen(name: str) -> None:
    """The comparison can fail: each top field of each type, once removed, is named."""
    for field in COMMITTED.types[name]["properties"]:
        less = copy.deepcopy(NOW.types[name])
        del less["properties"][field]
        poor = Shapes(NOW.blocks, NOW.types | {name: less})
        assert f"{name}: {field} was declared, is gone." in broken(one(name), poor)


def one(name: str) -> Shapes:
    """The committed shapes of one event type."""
    return Shapes(COMMITTED.blocks, {name: COMMITTED.types[name]})


def test_a_shared_block_breaks_every_type_that_holds_it() -> None:
    poor = copy.deepcopy(NOW)
    del poor.blocks["shared/customerIdentifiers.json"]["properties"]["mobile"]
    said = broken(COMMITTED, poor)
    assert len(said) > 60
    assert "pointsIssued: customerIdentifiers.mobile was declared, is gone." in said
    poor = copy.deepcopy(NOW)
    poor.blocks["shared/envelope.json"]["required"] = ["eventName"]
    assert broken(COMMITTED, poor) == ["envelope: data was required, is optional."]


def test_shapes_are_written_unless_they_break(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shapes.json"
    assert main(str(file)) == 0 and read_shapes(file) == NOW
    assert main(str(file)) == 0
    more = copy.deepcopy(NOW)
    more.types["customerAdded"]["properties"]["wasThere"] = {"type": "string"}
    file.write_bytes(msgspec.json.encode(more))
    assert main(str(file)) == 1
    assert "customerAdded: wasThere was declared, is gone." in capsys.readouterr().err
    assert read_shapes(file) == more
