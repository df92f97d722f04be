"""The survey platform holds its callers to docs/contract/medallia.md."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand_ins.caller import Said, basic, bearer, call
from tests.stand_ins.parties.medallia import IMPORTER, Medallia

RECORD = {"transaction_id": "T1", "transaction_date": "2026-07-01T10:00:00Z",
          "email": "asha@example.test", "first_name": "Asha"}  # fmt: skip
FEED, LATER = f"/inbound/v1/{IMPORTER}", f"/inbound/v2/async/{IMPORTER}"


@pytest.fixture
def medallia() -> Iterator[Medallia]:
    with Medallia(expires_in=60, opted_out=["no@example.test"]) as stand_in:
        yield stand_in


def token(medallia: Medallia, secret: str = "secret-of-the-client") -> Said:
    form = {"grant_type": "client_credentials"}
    return call(medallia, "POST", "/oauth/brand/token", basic("client", secret), form=form)


def send(medallia: Medallia, body: Any, path: str = FEED) -> Said:
    return call(medallia, "POST", path, bearer(token(medallia).json["access_token"]), json_=body)


def test_a_token_is_for_who_knows_the_secret_and_asks_by_a_form(medallia: Medallia) -> None:
    given = token(medallia).json
    assert given["token_type"] == "Bearer" and given["expires_in"] == 60
    assert token(medallia, "wrong").status == 401
    headers = basic("client", "secret-of-the-client")
    asked = {"grant_type": "client_credentials"}
    as_json = call(medallia, "POST", "/oauth/brand/token", headers, json_=asked)
    assert (as_json.status, as_json.json) == (400, {"error": "invalid_request"})
    other = call(medallia, "POST", "/oauth/brand/token", headers, form={"grant_type": "password"})
    assert other.json == {"error": "unsupported_grant_type"}
    assert call(medallia, "POST", "/oauth/other/token", headers, form=asked).status == 401
    assert medallia.tokens_issued() == 1


def test_a_token_ends_when_it_was_announced_to(medallia: Medallia) -> None:
    headers = bearer(token(medallia).json["access_token"])
    assert call(medallia, "POST", FEED, headers, json_=RECORD).status == 200
    medallia.passes(61)
    over = call(medallia, "POST", FEED, headers, json_=RECORD)
    assert (over.status, over.json) == (401, {"error": "invalid_token"})
    assert call(medallia, "POST", FEED, json_=RECORD).status == 401
    assert send(medallia, RECORD).status == 200
    medallia.revoke_tokens()
    assert call(medallia, "POST", FEED, headers, json_=RECORD).status == 401


def test_one_record_makes_one_invitation_however_often_it_is_sent(medallia: Medallia) -> None:
    first, again = send(medallia, RECORD), send(medallia, RECORD | {"first_name": "A."})
    assert first.json == {"records": 1, "duplicates": 0, "rejects": 0}
    assert again.json == {"records": 1, "duplicates": 1, "rejects": 0}
    assert medallia.invitations("T1") == [RECORD]
    assert len(medallia.duplicates("T1")) == 1
    assert medallia.invitations("T2") == []


def test_a_list_is_taken_record_by_record_and_a_refusal_is_a_200(medallia: Medallia) -> None:
    records = [
        RECORD,
        {"transaction_id": "T2", "transaction_date": "2026-07-01"},
        RECORD | {"transaction_id": 3},
        RECORD | {"transaction_id": "T4", "email": "nobody"},
        RECORD | {"transaction_id": "T5", "email": "", "phone": "0049 1234"},
        RECORD | {"transaction_id": "T6", "email": "", "phone": "+4915112345678"},
    ]
    said = send(medallia, records)
    assert (said.status, said.json) == (200, {"records": 6, "duplicates": 0, "rejects": 4})
    assert [invitation["transaction_id"] for invitation in medallia.invitations()] == ["T1", "T6"]
    issues = [reject["issues"][0]["explanation"] for reject in medallia.rejects()]
    assert issues == [
        "missing required value",
        "value must be text",
        "invalid value",
        "invalid value",
    ]


def test_who_has_opted_out_is_not_asked_and_no_error_says_so(medallia: Medallia) -> None:
    said = send(medallia, RECORD | {"email": "no@example.test"})
    assert said.json == {"records": 1, "duplicates": 0, "rejects": 0}
    assert medallia.invitations() == []


def test_what_became_of_each_record_can_be_asked_later(medallia: Medallia) -> None:
    said = send(medallia, [RECORD, RECORD, {}], LATER)
    assert said.status == 202
    file = f"/inbound/v2/feedfiles/{said.json['feed_file_id']}"
    headers = bearer(token(medallia).json["access_token"])
    summary = call(medallia, "GET", file, headers).json
    counts = {"input_count": 3, "success_count": 2, "discarded_count": 1, "duplicated_count": 1}
    assert (summary["status"], summary["stats"]["records"]) == ("COMPLETED_RESULTS_READY", counts)
    details = call(medallia, "GET", f"{file}/detailed-results", headers).json
    (results,) = details["processing_results"]
    taken = [(row["input_position"], row["result"]) for row in results["successful_results"]]
    assert taken == [(0, "Selected for sampling"), (1, "Not sampled")]
    assert results["discarded_results"][0]["input_position"] == 2
    assert call(medallia, "GET", file).status == 401
    unknown = call(medallia, "GET", "/inbound/v2/feedfiles/x", headers)
    assert (unknown.status, unknown.json["error_type"]) == (404, "not_found")


def test_unknown_feeds_and_bodies_that_are_none_are_refused(medallia: Medallia) -> None:
    unknown = send(medallia, RECORD, "/inbound/v1/nothing")
    assert unknown.status == 404
    assert unknown.json["message"] == "There is no resource named nothing"
    headers = bearer(token(medallia).json["access_token"])
    assert call(medallia, "POST", FEED, headers, form={"a": "b"}).status == 412
    json = headers | {"content-type": "application/json"}
    assert call(medallia, "POST", FEED, json, body=b"{").status == 412
    assert send(medallia, ["a"]).status == 412
    assert call(medallia, "POST", FEED, json, body=b"x" * (1 << 20) + b"x").status == 413
    assert call(medallia, "POST", "/inbound/v3/x", json, body=b"{}").status == 404
    assert medallia.invitations() == []


def test_more_than_the_limit_is_refused_in_its_own_shape(medallia: Medallia) -> None:
    headers = bearer(token(medallia).json["access_token"])
    medallia.limits(1, window_s=30)
    answers = [call(medallia, "POST", FEED, headers, json_=RECORD) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    assert answers[1].json["error_type"] == "too_many_requests"
    assert answers[1].headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(answers[1].headers["x-ratelimit-reset"]) <= 30
    assert all("x-medallia-rpc-request-id" in answer.headers for answer in answers)


def test_feeds_of_an_instance_have_their_own_fields() -> None:
    visits = {"required": ["visit"], "one_of": ["phone"], "unique": ["visit", "phone"]}
    feeds = {"visits": visits, "returns": visits}
    with Medallia(importers=feeds) as medallia:
        visit = {"visit": "V1", "phone": "+4915112345678"}
        path = "/inbound/v1/visits"
        assert send(medallia, [visit, visit], path).json["duplicates"] == 1
        assert send(medallia, visit, "/inbound/v1/returns").json["duplicates"] == 0
        assert send(medallia, RECORD, path).json["rejects"] == 1
        assert send(medallia, RECORD).status == 404
