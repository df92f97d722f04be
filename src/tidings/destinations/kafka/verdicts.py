"""What Kafka says of a record, as an answer with the status that HTTP has for the same.

Kafka's own code and name, and the record's place, are the answer's headers; what it means is said
in words, which tenants read: they hold no address and no user.
"""

from typing import NamedTuple

from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, Limit, ReceiverAnswer
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.statuses import SLOW_DOWN, TOO_MANY, UNREACHED

TAKEN, STALE_LEADERS = 0, frozenset({3, 5, 6, 74})
TOO_LARGE = frozenset({10, 18})
UNKNOWN_TOPIC, NO_LEADER, BROKER_AWAY, NO_LOGIN = 3, 5, 8, 58
_ALONE = "Tidings will retry; if it lasts, ask the operator."


class _Meaning(NamedTuple):
    name: str
    status: int
    message: str
    todo: str = _ALONE
    never: bool = False


_MEANINGS = {
    2: _Meaning("CORRUPT_MESSAGE", 500, "The record was damaged on its way to Kafka."),
    3: _Meaning(
        "UNKNOWN_TOPIC_OR_PARTITION",
        404,
        "The Kafka cluster has no such topic.",
        todo="Ask the operator to make it, or let the webhook name another one.",
    ),
    5: _Meaning("LEADER_NOT_AVAILABLE", 503, "No broker leads the record's partition now."),
    6: _Meaning("NOT_LEADER_OR_FOLLOWER", 503, "The record's partition moves to another broker."),
    7: _Meaning(
        "REQUEST_TIMED_OUT", 504, "The replicas have not confirmed the record within the time."
    ),
    8: _Meaning("BROKER_NOT_AVAILABLE", 503, "The broker of the record's partition is away."),
    9: _Meaning("REPLICA_NOT_AVAILABLE", 503, "A replica of the record's partition is away."),
    10: _Meaning(
        "MESSAGE_TOO_LARGE",
        413,
        "The record is larger than its topic takes.",
        todo="Let the webhook send fewer fields, or ask the operator to raise the topic's "
        "max.message.bytes.",
        never=True,
    ),
    17: _Meaning(
        "INVALID_TOPIC_EXCEPTION",
        404,
        "Kafka takes no records for a topic of this name.",
        todo="Let the webhook name another topic.",
    ),
    18: _Meaning(
        "RECORD_LIST_TOO_LARGE",
        413,
        "The record is larger than a segment of its topic.",
        todo="Let the webhook send fewer fields, or ask the operator to raise the topic's "
        "segment.bytes.",
        never=True,
    ),
    19: _Meaning("NOT_ENOUGH_REPLICAS", 503, "The topic has fewer replicas in step than it must."),
    20: _Meaning(
        "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        503,
        "The record is written, but on fewer replicas than its topic must have.",
    ),
    29: _Meaning(
        "TOPIC_AUTHORIZATION_FAILED",
        403,
        "The Kafka cluster does not allow Tidings to WRITE to the topic.",
        todo="Ask the operator to allow it.",
    ),
    31: _Meaning(
        "CLUSTER_AUTHORIZATION_FAILED",
        403,
        "The Kafka cluster does not allow Tidings what a producer does.",
        todo="Ask the operator to allow it.",
    ),
    32: _Meaning(
        "INVALID_TIMESTAMP",
        422,
        "The topic does not take the record's time.",
        todo="Compare the clocks of Tidings and of the brokers.",
        never=True,
    ),
    43: _Meaning(
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        422,
        "The topic keeps records in a form without headers.",
        todo="Ask the operator to raise the topic's message.format.version.",
        never=True,
    ),
    44: _Meaning(
        "POLICY_VIOLATION",
        422,
        "A policy of the Kafka cluster refuses the record.",
        todo="Ask the operator which one.",
        never=True,
    ),
    56: _Meaning("KAFKA_STORAGE_ERROR", 503, "The broker cannot write to its disk."),
    58: _Meaning(
        "SASL_AUTHENTICATION_FAILED",
        401,
        "The Kafka cluster refuses the connection's mechanism, username or password.",
        todo="Ask the operator to mend them.",
    ),
    74: _Meaning("FENCED_LEADER_EPOCH", 503, "The record's partition has a new leader."),
    76: _Meaning("UNSUPPORTED_COMPRESSION_TYPE", 422, "The topic does not take the record's form."),
    87: _Meaning(
        "INVALID_RECORD",
        422,
        "The broker refuses the record as it is.",
        todo="A topic that is compacted takes records with a key alone: let the webhook keep an "
        "order.",
        never=True,
    ),
    89: _Meaning(
        "THROTTLING_QUOTA_EXCEEDED",
        429,
        "Tidings writes more to the Kafka cluster than its quota allows.",
    ),
}
_OTHER = _Meaning("UNKNOWN_SERVER_ERROR", 500, "The broker failed to take the record.")


def is_for_good(code: int) -> bool:
    """Return whether the same record can only be refused again."""
    return _MEANINGS.get(code, _OTHER).never


def taken(topic: str, partition: int, offset: int, duration_ms: float) -> AttemptResult:
    """Build the result of a record that is kept, by as many replicas as the topic must have."""
    headers = (
        ("kafka-topic", topic),
        ("kafka-partition", str(partition)),
        ("kafka-offset", str(offset)),
    )
    return AttemptResult(
        DeliveryVerdict.DELIVERED,
        ReceiverAnswer(200, headers, b"", truncated=False, duration_ms=duration_ms),
    )


def refused(
    code: int, topic: str, partition: int | None, duration_ms: float, policy: RetryPolicy
) -> AttemptResult:
    """Judge a record that is not kept, or not as it must be. `policy` names statuses of which it
    wants another verdict."""
    meaning = _MEANINGS.get(code, _OTHER)
    status = meaning.status
    never = (meaning.never and status not in policy.retry_also) or status in policy.fail_also
    headers = [("kafka-error", meaning.name), ("kafka-code", str(code)), ("kafka-topic", topic)]
    if partition is not None:
        headers.append(("kafka-partition", str(partition)))
    answer = ReceiverAnswer(
        status,
        tuple(headers),
        f"{meaning.name}: {meaning.message}".encode(),
        truncated=False,
        duration_ms=duration_ms,
        detail=f"{meaning.message} {meaning.todo}",
    )
    if never:
        return AttemptResult(DeliveryVerdict.NEVER, answer)
    slow = status in SLOW_DOWN
    limit = Limit.STATED if status == TOO_MANY else None
    if slow and limit is None and status not in UNREACHED:
        limit = Limit.LIKELY
    return AttemptResult(DeliveryVerdict.AGAIN, answer, slow=slow, limit=limit)
