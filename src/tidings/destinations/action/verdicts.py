"""What the answer to a call says of the act: by its status, as for any webhook, and where the
action asks for it by what it holds.

A call with an idempotency key is repeated with the same one. By the draft of that header 409 says
that the first of the two is still at work, 425 (RFC 8470) that it came too early: both are tried
again, which is harmless, and the answer then tells what came of the first. 422 says that the key
was used for something else, and 400 that it must be there: both fail at once.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.core.actions.action import HttpCall
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, Ending, ReceiverAnswer
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.statuses import retry_after_s
from tidings.core.exact_json import value_of
from tidings.core.shaping.filters.compiler import CompiledFilter, Node
from tidings.destinations.http.verdicts import judge, without
from tidings.destinations.port import Headers
from tidings.egress.answer import KEEP_BYTES


def judge_call(
    ending: Ending,
    call: HttpCall,
    policy: RetryPolicy,
    secrets: Headers,
    now_s: Callable[[], float],
    *,
    keep_answer: bool,
) -> AttemptResult:
    """Judge a call that has ended now. Nothing of `secrets` is kept of it, and of an answer that
    says that it was taken no more than `keep_answer` asks for."""
    result = judge(without(ending, secrets), policy, now_s)
    if (
        call.at_most_once
        and result.verdict is DeliveryVerdict.AGAIN
        and _may_be_done(ending, policy)
    ):
        ended = msgspec.structs.replace(result.ending, detail=_detail_of(result.ending))
        return AttemptResult(DeliveryVerdict.NEVER, ended)
    if result.verdict is DeliveryVerdict.GONE and call.values:
        # Gone is what this URL leads to, and the next message has another.
        return msgspec.structs.replace(result, verdict=DeliveryVerdict.NEVER)
    answer = result.ending
    if result.verdict is not DeliveryVerdict.DELIVERED or not isinstance(answer, ReceiverAnswer):
        return result
    if call.taken is None or not isinstance(ending, ReceiverAnswer):
        return result
    answer_object = _object_in(ending)
    if answer_object is not None and call.taken.accepts(answer_object):
        if keep_answer:
            return result
        bare = msgspec.structs.replace(answer, headers=(), body=b"", truncated=bool(answer.body))
        return AttemptResult(DeliveryVerdict.DELIVERED, bare)
    why = _UNREAD if ending.truncated else _untaken(call.taken)
    answer = msgspec.structs.replace(answer, detail=f"The receiver answered {answer.status}, {why}")
    if call.untaken == "never":
        return AttemptResult(DeliveryVerdict.NEVER, answer)
    return AttemptResult(DeliveryVerdict.AGAIN, answer, retry_after_s(answer.headers, now_s()))


def _may_be_done(ending: Ending, policy: RetryPolicy) -> bool:
    """Tell whether nobody knows that a call was not carried out."""
    if isinstance(ending, ReceiverAnswer):
        return ending.status not in REFUSED_BEFORE and ending.status not in policy.retry_also
    return ending.sent


def _detail_of(ending: Ending) -> str:
    return f"{ending.detail} {MAY_BE_DONE}" if ending.detail else MAY_BE_DONE


def _object_in(answer: ReceiverAnswer) -> dict[str, Any] | None:
    """The JSON object of an answer; an empty one where it says nothing, None where it is no object
    or was not read to its end: nobody knows then what it says."""
    if answer.truncated:
        return None
    written = answer.body.removeprefix(_BOM)
    if not written.strip():
        return {}
    try:
        found = value_of(msgspec.Raw(written))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


REFUSED_BEFORE = frozenset((401, 403, 404, 421, 425, 429))
"""Statuses of a receiver that has not begun with what it was asked for."""
MAY_BE_DONE = (
    "It may have been done, and is done at most once, so it is not tried again. See at the "
    "receiver whether it was; if not, replay the event."
)

_BOM = b"\xef\xbb\xbf"
_UNREAD = (
    f"but its answer is not known to say that it was taken: it has more than {KEEP_BYTES >> 10} "
    "KiB, or did not come to its end. See whether it was done, and have it answer less."
)


def _untaken(taken: CompiledFilter) -> str:
    """In words. What stands in the answer may be somebody's data: only where is said."""
    paths = list(dict.fromkeys(_paths(taken.root)))
    return (
        f"but its answer does not say that it was taken (by {' and '.join(paths)}). Look at the "
        "answer, and at taken of the action."
    )


def _paths(node: Node) -> list[str]:
    return [node.path] if node.kind == "test" else [p for node in node.nodes for p in _paths(node)]
