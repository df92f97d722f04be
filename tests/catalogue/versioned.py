"""A catalogue of two types, one of which has a second version: no type of the real one has."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import tidings.catalogue

BUILT_IN = Path(tidings.catalogue.__file__).parent
NAME, LABEL = "groupCreated", "groupCreated.v2"
GROUP = "grp_01J9"


def first() -> dict[str, Any]:
    """The file of version 1: the real one, but that the group's id is required."""
    found: dict[str, Any] = json.loads((BUILT_IN / "types" / f"{NAME}.json").read_text("utf-8"))
    found["data"]["required"] = ["groupId"]
    return found


def second() -> dict[str, Any]:
    """The file of version 2: the group's id is text, and stands in a block with its name."""
    file = copy.deepcopy(first())
    file |= {"version": 2, "key": "data.group.id"}
    fields = file["data"]["properties"]
    del fields["groupId"], fields["groupName"]
    fields["group"] = {
        "type": "object",
        "description": "The group.",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "description": "Its id.", "x-search": True},
            "name": {"type": "string", "description": "Its name."},
        },
    }
    file["data"]["required"] = ["group"]
    file["enrichment"]["tillStore"] = []
    [example] = file["examples"]
    example["eventVersion"] = 2
    del example["data"]["groupId"], example["data"]["groupName"]
    example["data"]["group"] = {"id": GROUP, "name": "Verma household"}
    return file


def write(folder: Path, **files: dict[str, Any]) -> Path:
    """A folder with these type files by their stems (`__` for a dot), and all shared blocks."""
    shutil.copytree(BUILT_IN / "shared", folder / "shared", dirs_exist_ok=True)
    (folder / "types").mkdir(exist_ok=True)
    for stem, file in files.items():
        path = folder / "types" / f"{stem.replace('__', '.')}.json"
        path.write_text(json.dumps(file), "utf-8")
    return folder


def both(folder: Path) -> Path:
    """The catalogue: `groupCreated` in two versions, and `pointsIssued`."""
    shutil.copytree(BUILT_IN / "shared", folder / "shared")
    (folder / "types").mkdir()
    shutil.copy(BUILT_IN / "types" / "pointsIssued.json", folder / "types")
    return write(folder, groupCreated=first(), groupCreated__v2=second())
