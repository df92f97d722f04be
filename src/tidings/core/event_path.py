"""Paths into an event, as people write them: `data.customerIdentifiers.customerId`.

A path starts at the envelope. Names are parted by dots; `[*]` behind a name means every item of the
list that stands there. A name that holds a dot or a bracket cannot be reached. A source of customer
identifiers is meant in every spelling (`catalogue/spellings.py`).
"""

import re

from tidings.catalogue.spellings import marked

PATH_MAX = 256  # characters
STEPS_MAX = 16

EACH = -1  # a step: go on with every item of the list

Path = tuple[str | int, ...]

_WHOLE = re.compile(r"[^.\[\]\x00-\x1f]+(?:\[\*\])*(?:\.[^.\[\]\x00-\x1f]+(?:\[\*\])*)*")
_NAME = r"[^.\[\]\x00-\x1f]+"
PATH_PATTERN = rf"^{_NAME}(\.{_NAME}|\[\*\]){{0,{STEPS_MAX - 1}}}$"
"""Of a path, for JSON Schema."""
_STEP = re.compile(r"([^.\[\]]+)|\[\*\]")


def read_path(text: object) -> Path | None:
    """Parse `data.items[*].sku` into ("data", "items", EACH, "sku"); return None for what is no
    path."""
    if not isinstance(text, str) or len(text) > PATH_MAX or not _WHOLE.fullmatch(text):
        return None
    steps = marked(found[1] or EACH for found in _STEP.finditer(text))
    return steps if len(steps) <= STEPS_MAX else None


PATH_RULE = (
    f"a path of names parted by dots, of at most {STEPS_MAX} steps and {PATH_MAX} characters, such "
    "as data.customerIdentifiers.customerId or data.items[*].sku"
)
