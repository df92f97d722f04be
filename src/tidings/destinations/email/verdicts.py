"""What a mail server's answers say of an e-mail, as statuses that HTTP has for the same."""

from collections.abc import Sequence

import msgspec

from tidings.connections.port import ConnectionDown
from tidings.connections.smtp_replies import (
    CONTENT,
    HELLO,
    LOGIN,
    NEEDS_LOGIN,
    RECIPIENT,
    SENDER,
    MailDown,
    SmtpReply,
    refuses_us,
)
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    Limit,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.statuses import SLOW_DOWN, TOO_MANY, status_meaning
from tidings.core.delivery.waits import NotYet, WaitReason, WaitsFor

OK, SOME = 200, 207
_LATER, _MANY, _UNKNOWN, _LARGE, _REFUSED = 503, TOO_MANY, 422, 413, 400
_LOGIN, _FORBIDDEN = 401, 403
_NOBODY = (550, 551, 553, 521, 556)


def delivered(
    reply: SmtpReply, refused: Sequence[SmtpReply], left_out: Sequence[str], ms: float
) -> AttemptResult:
    """Build the result of an e-mail that was taken for one recipient at least: another attempt
    would write to that one twice. The answer names the others."""
    status = SOME if refused or left_out else OK
    return AttemptResult(
        DeliveryVerdict.DELIVERED, _answer(status, [reply, *refused], left_out, ms)
    )


def judge_refusal(
    replies: Sequence[SmtpReply], left_out: Sequence[str], policy: RetryPolicy, ms: float
) -> AttemptResult:
    """Judge an e-mail that was taken for nobody. What the operator can mend is tried again, and so
    is what any of several recipients may take later."""
    statuses = [_status_of(reply) for reply in replies]
    later = [status for status in statuses if status_meaning(status, policy) == "retry"]
    status = later[0] if later else statuses[0]
    answer = _answer(status, replies, left_out, ms)
    if status_meaning(status, policy) != "retry":
        return AttemptResult(DeliveryVerdict.NEVER, answer)
    slow = status in SLOW_DOWN
    limit = (Limit.STATED if status == TOO_MANY else Limit.LIKELY) if slow else None
    unusable = refuses_us(replies)
    return AttemptResult(
        verdict=DeliveryVerdict.AGAIN,
        ending=answer,
        wait_s=None,
        slow=slow,
        lane_pause_s=0.0,
        limit=limit,
        unusable=unusable,
    )


def judge_down(down: MailDown, ms: float, *, unusable: bool = False) -> AttemptResult:
    """Build the result of an attempt without an answer. `unusable`: no conversation came about,
    whatever the e-mail."""
    result = of_fault(TransportFault(down.kind, down.sent, down.detail, duration_ms=ms))
    return msgspec.structs.replace(result, unusable=unusable and not down.sent)


def over_limit(wait_s: float, connection: str, limit: str, most: int) -> NotYet:
    """Delay an e-mail of an org that has written to as many recipients as it may for now. Nothing
    was tried, and no mail server has answered. `limit`: by its name in the operator's file."""
    words = (
        f"The org may write to {most:,} recipients by {limit} of the connection {connection}, and "
        "has. It is sent as soon as the limit allows; ask the operator to raise the limit."
    )
    return NotYet(WaitsFor(WaitReason.LIMIT.value, words), wait_s, lane_pause_s=wait_s)


def unmade(ms: float) -> AttemptResult:
    """Build the result for a message whose bytes are those of another type of webhook."""
    words = (
        "The message must be an e-mail; it was made when the webhook was of another type. Replay "
        "the event."
    )
    return of_fault(TransportFault(FaultKind.TRANSFORM, False, words, duration_ms=ms))


def uncomposable(part: str, ms: float) -> AttemptResult:
    """Build the result for an e-mail one of whose parts can be part of no e-mail."""
    words = (
        f"The part {part} of the e-mail must be valid for mail servers; it is not, so nothing was "
        "sent. Correct the template or the transformation, and replay the event."
    )
    return of_fault(TransportFault(FaultKind.TRANSFORM, False, words, duration_ms=ms))


def nobody_admitted(ms: float) -> AttemptResult:
    """Build the result for an e-mail without a recipient in a domain that the operator admits."""
    words = (
        "The recipients must be in domains that the operator allows over the connection; none is, "
        "so nothing was sent. Ask the operator."
    )
    return AttemptResult(
        DeliveryVerdict.NEVER, TransportFault(FaultKind.RECIPIENTS, False, words, duration_ms=ms)
    )


def nobody_confirmed(waiting: Sequence[str], ms: float) -> AttemptResult:
    """Build the result for an e-mail to which none of its recipients has agreed."""
    words = (
        f"A recipient must have confirmed with the link in the e-mail; {', '.join(waiting)} "
        f"{'have' if len(waiting) > 1 else 'has'} not confirmed, so nothing was sent. Tidings will "
        "retry."
    )
    return of_fault(TransportFault(FaultKind.RECIPIENTS, False, words, duration_ms=ms))


def no_place(wait_s: float, connection: str, ms: float) -> AttemptResult:
    """Build the result for a message for which all conversations that the operator admits were
    busy."""
    words = (
        f"One of the conversations that connections of the connection {connection} allows must be "
        "free; none was in time. Tidings will retry; if it lasts, ask the operator to raise it."
    )
    return of_fault(TransportFault(FaultKind.OURS, False, words, duration_ms=ms, wait_s=wait_s))


def timed_out(connection: str, *, connected: bool, sent: bool, ms: float) -> AttemptResult:
    """Build the result for a message whose deadline has come. `connected`: the server had let us
    in; `sent`: it may have the message."""
    kind = FaultKind.TIMEOUT if connected else FaultKind.CONNECT_TIMEOUT
    words = (
        f"The mail server of the connection {connection} must "
        f"{'answer' if connected else 'let us in'} within the time of an attempt; it did not. "
        "Tidings will retry."
    )
    result = of_fault(TransportFault(kind, sent, words, duration_ms=ms))
    return msgspec.structs.replace(result, unusable=not (connected or sent))


def unusable(down: ConnectionDown, ms: float) -> AttemptResult:
    """Build the result for a connection that is not as it must be, or without what speaks to mail
    servers."""
    return AttemptResult(
        DeliveryVerdict.AGAIN,
        TransportFault(FaultKind.OURS, False, str(down), duration_ms=ms),
        unusable=True,
    )


def _status_of(reply: SmtpReply) -> int:
    code = reply.code
    if code in NEEDS_LOGIN or reply.step == LOGIN:
        return _LOGIN
    if code < 500 or reply.step == HELLO:
        return _MANY if code == 450 else _LATER
    if reply.step == SENDER:
        return _FORBIDDEN
    if code == 552:
        return _LARGE
    return _UNKNOWN if code in _NOBODY and reply.step in (RECIPIENT, CONTENT) else _REFUSED


def _answer(
    status: int, replies: Sequence[SmtpReply], left_out: Sequence[str], ms: float
) -> ReceiverAnswer:
    lines = [
        f"{reply.about or reply.step}: {reply.code} {reply.words}".rstrip() for reply in replies
    ]
    lines += [
        f"{recipient}: left out, for it has not confirmed, or is not admitted"
        for recipient in left_out
    ]
    headers = (("smtp-code", str(replies[0].code)), ("smtp-command", replies[0].step))
    return ReceiverAnswer(
        status, headers, "\n".join(lines).encode(), truncated=False, duration_ms=ms
    )
