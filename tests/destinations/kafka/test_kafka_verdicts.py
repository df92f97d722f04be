"""What each of Kafka's codes says of a record. No broker."""

import pytest

from tidings.core.delivery.exchange import DeliveryVerdict, Limit, ReceiverAnswer
from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.destinations.kafka.records import key_of
from tidings.destinations.kafka.verdicts import _MEANINGS, is_for_good, refused, taken


@pytest.mark.parametrize(
    ("code", "status", "verdict", "slow"),
    [
        (3, 404, DeliveryVerdict.AGAIN, False),
        (7, 504, DeliveryVerdict.AGAIN, True),
        (10, 413, DeliveryVerdict.NEVER, False),
        (19, 503, DeliveryVerdict.AGAIN, True),
        (20, 503, DeliveryVerdict.AGAIN, True),
        (29, 403, DeliveryVerdict.AGAIN, False),
        (58, 401, DeliveryVerdict.AGAIN, False),
        (87, 422, DeliveryVerdict.NEVER, False),
        (89, 429, DeliveryVerdict.AGAIN, True),
        (-1, 500, DeliveryVerdict.AGAIN, False),
        (4711, 500, DeliveryVerdict.AGAIN, False),
    ],
)
def test_a_code_is_what_http_has_for_the_same(
    code: int, status: int, verdict: DeliveryVerdict, slow: bool
) -> None:
    result = refused(code, "crm", 2, 5.0, DEFAULT_POLICY)
    assert isinstance(result.ending, ReceiverAnswer)
    assert (result.ending.status, result.verdict, result.slow) == (status, verdict, slow)
    assert ("kafka-code", str(code)) in result.ending.headers
    assert ("kafka-partition", "2") in result.ending.headers
    assert is_for_good(code) is (verdict is DeliveryVerdict.NEVER)


def test_who_is_told_of_a_limit_is_told_by_the_quota_alone() -> None:
    assert refused(89, "crm", 0, 0.0, DEFAULT_POLICY).limit is Limit.STATED
    assert refused(19, "crm", 0, 0.0, DEFAULT_POLICY).limit is Limit.LIKELY
    assert refused(7, "crm", 0, 0.0, DEFAULT_POLICY).limit is None


def test_a_policy_may_say_otherwise_by_the_status() -> None:
    policy = RetryPolicy(retry_also=frozenset({413}), fail_also=frozenset({404}))
    assert refused(10, "crm", 0, 0.0, policy).verdict is DeliveryVerdict.AGAIN
    assert refused(3, "crm", None, 0.0, policy).verdict is DeliveryVerdict.NEVER


def test_every_meaning_is_two_sentences_of_what_happened_and_what_to_do() -> None:
    for code in _MEANINGS:
        ending = refused(code, "crm", 0, 0.0, DEFAULT_POLICY).ending
        assert isinstance(ending, ReceiverAnswer) and ending.detail.count(". ") >= 1
        assert ending.detail.endswith(".") and "  " not in ending.detail


def test_what_is_taken_says_where_it_is() -> None:
    ending = taken("crm", 2, 77, 5.0).ending
    assert isinstance(ending, ReceiverAnswer) and ending.status == 200
    assert ending.headers[1:] == (("kafka-partition", "2"), ("kafka-offset", "77"))


def test_a_key_is_sixteen_signs_of_its_hash() -> None:
    assert key_of(None) is None
    assert key_of(-1) == b"f" * 16 and key_of(255) == b"00000000000000ff"
