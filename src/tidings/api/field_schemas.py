"""What texts, numbers and times of a call may be, as the OpenAPI description says it.

The rules are enforced by `core`; these are the same rules as JSON Schema, so that what fits the
description is not refused, and what does not fit is. What JSON Schema cannot say (what is stored,
whether an address is allowed, how two fields go together) is told by the answer alone.
"""

from typing import Any

from tidings.core.ids import SHOWN_NUMBER

Json = dict[str, Any]

EVENT_ID = "^[A-Za-z0-9_:-]{1,128}$"
KEY = "^[!-~]{1,255}$"


OLDER_CURSOR: Json = {"type": "string", "pattern": f"^(older_{SHOWN_NUMBER})?$"}


SHOWN_ID: dict[str, Json] = {
    prefix: {"type": "string", "pattern": f"^{prefix}_{SHOWN_NUMBER}$"} for prefix in ("rpl", "dlv")
}
