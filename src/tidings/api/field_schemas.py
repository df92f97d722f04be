"""What texts, numbers and times of a call may be, as the OpenAPI description says it.

The rules are enforced by `core`; these are the same rules as JSON Schema, so that what fits the
description is not refused, and what does not fit is. What JSON Schema cannot say (what is stored,
whether an address is allowed, how two fields go together) is told by the answer alone.
"""

from typing import Annotated, Any

from pydantic import Field

from tidings.core import overlap
from tidings.core.form import SEEN, SIGN
from tidings.core.ids import SHOWN_NUMBER
from tidings.core.overlap import OVERLAP_H_MAX

Json = dict[str, Any]

VISIBLE = f"^{SIGN}*$"
NAMED = f"^{SIGN}*{SEEN}{SIGN}*$"  # visible, and more than spaces
EVENT_ID = "^[A-Za-z0-9_:-]{1,128}$"
KEY = "^[!-~]{1,255}$"

Name = Annotated[str, Field(pattern=NAMED, max_length=255)]
Password = Annotated[str, Field(pattern=VISIBLE, min_length=12, max_length=256)]
Given = Annotated[str, Field(min_length=1, max_length=1024)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
OverlapAlias = Annotated[
    Annotated[float, Field(ge=0, le=OVERLAP_H_MAX)] | None,
    Field(description=f"The same as {overlap.FIELD}.", deprecated=True),
]
ONE_OVERLAP: Json = {"not": {"required": [overlap.FIELD, overlap.ALIAS]}}
Instant = Moment | Annotated[int, Field(ge=0, lt=1 << 53)]

OLDER_CURSOR: Json = {"type": "string", "pattern": f"^(older_{SHOWN_NUMBER})?$"}


SHOWN_ID: dict[str, Json] = {
    prefix: {"type": "string", "pattern": f"^{prefix}_{SHOWN_NUMBER}$"} for prefix in ("rpl", "dlv")
}
