"""Each bound of filters, fields, records and signatures: what lies on it is taken, and one past it
is not."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from tests.core.shaping.signatures.signing import default_signer, secret_keys
from tidings.core.budget import LOOP_S
from tidings.core.form import Form
from tidings.core.shaping.filters.compiler import FilterRefused
from tidings.core.shaping.filters.operators import PROGRAM_MAX, compile_pattern, decimal
from tidings.core.shaping.platform_rules import read_map
from tidings.core.shaping.reference_rules import (
    ID_MAX,
    RECORD_BYTES_MAX,
    RecordKind,
    RecordRefused,
    read_id,
    read_record,
)
from tidings.core.shaping.shape_rules import (
    PATHS_MAX,
    RENAMES_MAX,
    judged_filter,
    read_fields,
    read_rename,
)
from tidings.core.shaping.signatures.hmac_sha256 import BLOCK_BYTES
from tidings.core.shaping.signatures.scheme import SignatureVerdict
from tidings.core.shaping.signatures.schemes import DEFAULT
from tidings.core.shaping.signatures.standard_webhooks import (
    SIGNATURES_MAX,
    TOLERANCE_S,
    head_fault,
    judge,
)


@pytest.mark.parametrize(("length", "is_number"), [(66, True), (67, False)])
def test_a_text_is_a_number_up_to_its_length(length: int, is_number: bool) -> None:
    text = f"-{'1' * 32}.{'2' * 32}".ljust(length, "2")
    assert (decimal(text) is not None) is is_number


@pytest.mark.parametrize("size", [PROGRAM_MAX - 1, PROGRAM_MAX, PROGRAM_MAX + 1])
def test_a_pattern_is_compiled_up_to_its_length(size: int) -> None:
    fixed = compile_pattern("a").programsize - 1
    text = "a" * (size - fixed)
    if size <= PROGRAM_MAX:
        assert compile_pattern(text).programsize == size
    else:
        with pytest.raises(Exception, match="too long"):
            compile_pattern(text)


@pytest.mark.parametrize(("steps", "is_taken"), [(8, True), (9, False)])
def test_a_path_in_an_answer_has_so_many_steps(steps: int, is_taken: bool) -> None:
    entry = f"customers.mobile={'.'.join(['a'] * steps)}"
    if is_taken:
        assert read_map((entry,)) == {"customers": {"mobile": ("a",) * steps}}
    else:
        with pytest.raises(ValueError, match="steps"):
            read_map((entry,))


def filter_of(size: int) -> dict[str, Any]:
    written = len('{"path":"data.tier","eq":""}')
    return {"path": "data.tier", "eq": "g" * (size - written)}


@pytest.mark.parametrize(
    ("field", "at_bound", "past_bound"),
    [
        ("fields", {"keep": [f"data.a{at}" for at in range(PATHS_MAX)]},
         {"keep": [f"data.a{at}" for at in range(PATHS_MAX + 1)]}),
        ("fields", {"drop": ["data.a"]}, {"drop": []}),
        ("rename", {f"data.a{at}": f"b{at}" for at in range(RENAMES_MAX)},
         {f"data.a{at}": f"b{at}" for at in range(RENAMES_MAX + 1)}),
    ],
)  # fmt: skip
def test_a_selection_is_taken_up_to_its_bounds(
    field: str, at_bound: object, past_bound: object
) -> None:
    def refusals(value: object) -> list[str]:
        form = Form({field: value})
        read_fields(form, None, None) if field == "fields" else read_rename(form, None, {})
        return [refusal.field.partition(".")[0] for refusal in form.refusals]

    assert refusals(at_bound) == []
    assert refusals(past_bound) == [field]


def test_a_filter_is_taken_up_to_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.core.shaping.shape_rules.FILTER_BYTES_MAX", 100)
    judged_filter(filter_of(100), "filter")
    with pytest.raises(FilterRefused, match="100 bytes"):
        judged_filter(filter_of(101), "filter")


def test_a_filter_is_taken_up_to_the_time_that_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings.core.shaping.shape_rules.worst_s", lambda _: LOOP_S)
    judged_filter(filter_of(100), "filter")
    monkeypatch.setattr("tidings.core.shaping.shape_rules.worst_s", lambda _: LOOP_S * 1.001)
    with pytest.raises(FilterRefused, match="worst event"):
        judged_filter(filter_of(100), "filter")


@pytest.mark.parametrize(
    ("id", "is_taken"),
    [("a" * ID_MAX, True), ("a" * (ID_MAX + 1), False), ("a", True), ("", False),
     ((1 << 64) - 1, True), (1 << 64, False)],
)  # fmt: skip
def test_the_id_of_a_record_has_its_length(id: object, is_taken: bool) -> None:
    if is_taken:
        assert read_id(id) == str(id)
    else:
        with pytest.raises(RecordRefused):
            read_id(id)


def test_a_record_is_kept_up_to_its_bytes() -> None:
    identifiers = [{"identifierType": "t", "identifierValue": "v" * 100} for _ in range(50)]
    accounts = [{"accountId": f"a{at}", "identifiers": identifiers} for at in range(2)]
    customer: dict[str, Any] = {"sources": {"one": {"accounts": accounts}}}
    missing = RECORD_BYTES_MAX - len(read_record(RecordKind.CUSTOMERS, customer))
    count, rest = divmod(missing - len(',"cardNumbers":[]'), len('"",') + 40)
    cards = ["c" * 40] * (count - 1) + ["c" * (40 + rest + 1)]
    assert (
        len(read_record(RecordKind.CUSTOMERS, customer | {"cardNumbers": cards}))
        == RECORD_BYTES_MAX
    )
    cards[0] += "c"
    with pytest.raises(RecordRefused, match=str(RECORD_BYTES_MAX)):
        read_record(RecordKind.CUSTOMERS, customer | {"cardNumbers": cards})


@pytest.mark.parametrize("length", [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_a_signature_is_that_of_hmac_for_a_key_of_any_length(length: int) -> None:
    key = bytes(range(1, length + 1))
    expected = hmac.digest(key, b"msg_1.7.{}", hashlib.sha256)
    assert (
        base64.b64decode(default_signer((key,)).sign("msg_1", 7, b"{}").removeprefix("v1,"))
        == expected
    )


@pytest.mark.parametrize(("off_s", "is_fresh"), [(TOLERANCE_S, True), (TOLERANCE_S + 1, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_message_is_fresh_up_to_its_tolerance(off_s: int, is_fresh: bool, sign: int) -> None:
    now_s, key = 1_770_801_300, b"k" * 24
    then_s = now_s + sign * off_s
    headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", str(then_s)),
        ("webhook-signature", default_signer((key,)).sign("msg_1", then_s, b"{}")),
    ]
    assert (head_fault(headers, now_s, DEFAULT) == "") is is_fresh
    assert (
        judge(headers, b"{}", secret_keys([key]), now_s).verdict is SignatureVerdict.VALID
    ) is is_fresh


@pytest.mark.parametrize(
    ("before", "is_found"), [(SIGNATURES_MAX - 1, True), (SIGNATURES_MAX, False)]
)
def test_so_many_signatures_of_a_message_are_compared(before: int, is_found: bool) -> None:
    key = b"k" * 24
    signatures = ["v2,a"] * before + [default_signer((key,)).sign("msg_1", 7, b"{}")]
    headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "7"),
               ("webhook-signature", " ".join(signatures))]  # fmt: skip
    assert (head_fault(headers, 7, DEFAULT) == "") is is_found
    assert (
        judge(headers, b"{}", secret_keys([key]), 7).verdict is SignatureVerdict.VALID
    ) is is_found


@pytest.mark.parametrize(("digits", "is_date"), [(15, True), (16, False)])
def test_a_timestamp_has_at_most_so_many_digits(digits: int, is_date: bool) -> None:
    headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "7".zfill(digits)),
               ("webhook-signature", "v1," + "a" * 43 + "=")]  # fmt: skip
    assert (head_fault(headers, 7, DEFAULT) == "") is is_date
    keys = secret_keys([b"k" * 24])
    assert ("seconds since 1970" in judge(headers, b"{}", keys, 7).reason) is not is_date
