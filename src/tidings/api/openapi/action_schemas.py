"""What the answers about actions, and about what came of them, are made of."""

from typing import Any

from tidings.api.openapi.schema_shorthand import RawSchema
from tidings.core.actions.act_words import KINDS
from tidings.core.delivery.receivers.judgement import Condition, WebhookActivity
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.webhooks.webhook import Ordering
from tidings.reads.delivery.runs import STEPS

_ACT_KINDS = {*KINDS.values()}
_ACTION: dict[str, Any] = {
    "name": "text",
    "webHookId": "text",
    "standing": {status.value for status in WebhookStatus},
    "condition": {
        condition.on_wire for condition in Condition if condition is not Condition.UNREAD
    },  # an action is not read
    "kind": RawSchema({"type": ["string", "null"], "enum": [*sorted(_ACT_KINDS), None]}),
    "does": "text|null",
    "eventNames": ["text"],
    "lookUps": ["text"],
    "health": "#Health|null",
    "activity": RawSchema(
        {
            "type": ["string", "null"],
            "enum": [*sorted(word.value for word in WebhookActivity), None],
        }
    ),
    "troubles": ["text"],
    "advice": "text|null",
    "waiting": "whole",
    "waitingForTheirTime": "whole",
    "parked": "whole",
    "lastDay": dict.fromkeys(("done", "failed", "cancelled", "parked", "unfinished"), "whole"),
}
ACTION_COMPONENTS: dict[str, Any] = {
    "ActionRun": {
        "action": "text",
        "language": "text|null",
        "steps": ["#ActionStep"],
        "made": "#ActionMade|null",
    },
    "ActionStep": {
        "step": set(STEPS),
        "name": "text|null",
        "said": "text",
        "at": "time|null",
        "durationInMs": "number|null",
        "done": "yes",
        "times": "whole",
    },
    "ActionMade": {"kind": _ACT_KINDS, "content": "object"},
    "ActionRow": _ACTION,
    "Action": _ACTION
    | {
        "version": "whole",
        "changedAt": "time",
        "declaredIn": "text|null",
        "definition": "#ActionDefinition|null",
        "warnings": ["#ActionWarning"],
    },
    "ActionWarning": {
        "code": "text",
        "message": "text",
        "field": "text",
        "file": "text",
        "line": "whole",
    },
    "ActionDefinition": {
        "filter": "object|null",
        "when": "text",
        "lookUps": ["#ActionLookUp"],
        "unless": [{"filter": "object", "when": "text", "because": "text"}],
        "needs": "text|null",
        "afterInSeconds": "number|null",
        "quiet": "#ActionQuiet|null",
        "cap": "#ActionCap|null",
        "waits": ["text"],
        "capped": "text|null",
        "language": "text|null",
        "languages": ["text"],
        "acts": [
            {"language": "text|null", "kind": _ACT_KINDS, "does": "text", "content": "object"}
        ],
        "anew": "yes",
        "ordering": {ordering.value for ordering in Ordering},
        "atOnce": "whole",
        "rateLimit": "number|null",
        "deadlineInSeconds": "number",
        "again": ["whole"],
        "never": ["whole"],
    },
    "ActionLookUp": {
        "name": "text",
        "kind": {"csv", "http", "sql"},
        "asks": "text",
        "missing": {"skip", "fail", "empty"},
        "failing": {"wait", "empty"},
        "otherwise": "text",
        "cacheInSeconds": "number",
        "deadlineInSeconds": "number",
        "rateLimit": "number|null",
        "atOnce": "whole",
        "asked": "whole",
        "failed": "whole",
        "leftAlone": "yes",
        "trouble": "text|null",
    },
    "ActionQuiet": {"from": "text", "to": "text", "zone": "text|null", "usual": "text"},
    "ActionCap": {"most": "whole", "withinInSeconds": "number", "subject": "text"},
}
