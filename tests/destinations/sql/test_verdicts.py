"""What an error of the server means for a message, for each state and refusal that is known."""

from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import errors

from tests.connections.postgresql_refusals import IS_STARTING, SAID
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.destinations.sql.verdicts import EXPLANATIONS, refused, unreached


def error_of(state: str) -> psycopg.Error:
    """An error of the server with this state, or of this class, that quotes what it was given."""
    code = state if len(state) > 2 else f"{state}000"

    class Refusal(errors.lookup(code)):  # type: ignore[misc]
        @property
        def diag(self) -> Any:
            return msgspec.defstruct("Diag", [("message_primary", str)])("of hush-4711")

    error: psycopg.Error = Refusal("of hush-4711")
    return error


def answer(result: AttemptResult) -> ReceiverAnswer:
    assert isinstance(result.ending, ReceiverAnswer)
    return result.ending


@pytest.mark.parametrize("state", EXPLANATIONS)
def test_each_state_is_told_in_words_that_quote_the_server_of_a_row_alone(state: str) -> None:
    known = EXPLANATIONS[state]
    result = refused(error_of(state), "shop.orders", DEFAULT_POLICY, 1.0, None)
    told = answer(result)
    assert (told.status, result.verdict) == (known.status, known.verdict)
    assert told.detail.startswith("The table shop.orders must take the row; ")
    assert told.detail.endswith(f". {known.do}") and ";  " not in told.detail
    assert ("hush" in told.detail, b"hush" in told.body) == (known.quotes, known.quotes)
    assert known.quotes is (state[:2] in {"22", "23", "44"}), "others speak of more than the row"
    if result.verdict is DeliveryVerdict.NEVER:
        assert not result.slow and result.limit is None


@pytest.mark.parametrize("state", EXPLANATIONS)
def test_the_policy_of_a_webhook_holds_for_each_state(state: str) -> None:
    status = EXPLANATIONS[state].status
    for field, verdict in (
        ("fail_also", DeliveryVerdict.NEVER),
        ("retry_also", DeliveryVerdict.AGAIN),
    ):
        policy = msgspec.structs.replace(DEFAULT_POLICY, **{field: frozenset({status})})
        assert refused(error_of(state), "t", policy, 1.0, None).verdict is verdict


@pytest.mark.parametrize(("text", "said"), SAID)
def test_each_refusal_of_a_line_is_judged_by_what_the_server_says(text: str, said: str) -> None:
    result = unreached(psycopg.OperationalError(text), DEFAULT_POLICY, 1.0)
    detail = str(result.ending.detail)
    assert detail.startswith("The database must ") and "10.0.0.1" not in detail
    assert result.verdict is DeliveryVerdict.AGAIN
    if said == IS_STARTING:
        assert answer(result).status == 503 and "starts or stops" in detail
    elif "connection left" in said:
        assert answer(result).status == 503 and "has no room for more" in detail
    elif "nobody answers" in said:
        kind = FaultKind.DNS if "translate" in text else FaultKind.REFUSED
        assert isinstance(result.ending, TransportFault) and result.ending.kind is kind
    else:
        assert "the connection's user and password" in detail, "the operator mends it"
    assert result.unusable is ("connection left" not in said)
