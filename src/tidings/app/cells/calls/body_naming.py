"""What a call's body says of whose it is, where its head says nothing: who signs in, asks for a
token, opens a link, or makes an org. Pure but for the tables that are asked."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tidings.app.cells.calls.call_naming import CallNaming, Named, Unknown
from tidings.core.cells.directory import OpenerKind
from tidings.core.cells.families import CellId
from tidings.core.cells.placement import CellLoad, choose_cell

_JSON = b"application/json"
_FIELDS_MAX = 50  # of a form
_KEYS = ("link", "token")  # of links, in forms and in bodies
_NAMES = ("email", "name", "key")  # of who signs in, or asks for a token


def read_fields(content_type: bytes, body: bytes) -> Mapping[str, Any]:
    """Read a small body, of JSON or of a form; nothing where it is neither."""
    if content_type.partition(b";")[0].strip().lower() == _JSON:
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
    try:
        return dict(parse_qsl(body.decode(), max_num_fields=_FIELDS_MAX))
    except ValueError:  # too many, or no text
        return {}


def opener_in(fields: Mapping[str, Any], naming: CallNaming) -> Named | Unknown | None:
    """Return whose it is what a body opens something with."""
    link = _text(fields, _KEYS)
    if link:
        return naming.of_opener(OpenerKind.LINK, link)
    name = _text(fields, _NAMES)
    if "@" in name:
        return naming.of_opener(OpenerKind.EMAIL, name.strip().lower())
    return naming.of_key(name.strip()) if name else None


def org_beside(fields: Mapping[str, Any], naming: CallNaming) -> Named | Unknown | None:
    """Return whose an org is to be: its parent's, or of the cell that has its id already."""
    for field in ("parent", "id", "alias"):
        number = fields.get(field)  # of a form it is a text
        if isinstance(number, int | str) and not isinstance(number, bool):
            found = naming.of_org(str(number).strip())
            if found is not None:
                return found
    return None


def place_family(loads: Sequence[CellLoad], key: bytes) -> CellId | None:
    """Return the cell for a new family; None where none is open. With a key the same one each time
    that the call is repeated, however full the cells are by then."""
    able = sorted(load.cell for load in loads if load.is_open)
    if not key or not able:
        return choose_cell(loads)
    return able[int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) % len(able)]


def _text(fields: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        found = fields.get(name)
        if isinstance(found, str) and found:
            return found[:1024]
    return ""
