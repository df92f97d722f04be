"""The committed shapes of all event types, and what may be written over them.

`tests/catalogue/shapes.json` is what receivers were promised. A test compares it with the files of
the catalogue, so that nothing of it is taken away unseen; `make models` takes in what was added, a
new version too, and refuses what breaks: `python -m tools.event_shapes FILE`.
"""

import sys
from pathlib import Path

import msgspec

from tidings.catalogue.catalogue import Catalogue
from tidings.catalogue.compat import breaking, shape
from tidings.catalogue.event_type import Json
from tidings.catalogue.loader import HERE, load, read_blocks
from tidings.catalogue.schema import inline

ENVELOPE = "shared/envelope.json"
_ADVICE = (
    "These break what receivers were promised. Make them optional additions; or put the old file "
    "back and the new one beside it, as types/NAME.v2.json: webhooks then opt into it."
)


class Shapes(msgspec.Struct, frozen=True):
    """The rules of `data` of every version of every event type, and of the blocks they share."""

    blocks: dict[str, Json]  # by `$ref`; one of them is the envelope
    types: dict[str, Json]  # by `EventType.label`

    def whole(self, label: str) -> Json:
        """The rules of one version, shared blocks inlined."""
        return inline(self.types[label], self.blocks)


def shapes(catalogue: Catalogue, blocks: dict[str, Json]) -> Shapes:
    """The shapes as the files have them now."""
    types = {kind.label: shape(kind.data) for kind in catalogue.kinds()}
    return Shapes({ref: shape(node) for ref, node in blocks.items()}, types)


def broken(old: Shapes, new: Shapes) -> list[str]:
    """What `new` breaks of `old`, a sentence each."""
    said = [
        f"envelope: {change.path} {change.what}."
        for change in breaking(old.blocks[ENVELOPE], new.blocks[ENVELOPE])
    ]
    for name in old.types:
        if name not in new.types:
            said.append(f"{name} was an event type, is gone.")
            continue
        for change in breaking(old.whole(name), new.whole(name)):
            said.append(f"{name}: {change.path or 'data'} {change.what}.")
    return said


def read_shapes(path: Path) -> Shapes:
    """Shapes from their file."""
    return msgspec.json.decode(path.read_bytes(), type=Shapes)


def main(file: str) -> int:
    """Write the shapes to `file`, unless that would break what stands there; the exit code."""
    path, new = Path(file), shapes(load(), read_blocks(HERE))
    if path.exists() and (said := broken(read_shapes(path), new)):
        print(*said, _ADVICE, sep="\n", file=sys.stderr)
        return 1
    path.write_bytes(msgspec.json.encode(new, order="sorted") + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
