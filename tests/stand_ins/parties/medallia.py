"""A survey platform in the manner of Medallia Experience Cloud: tokens, and the Import API."""

import base64
import re
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json

IMPORTER = "loyalty_transaction_invitation"
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+[1-9]\d{6,14}")  # E.164


@dataclass(frozen=True)
class Importer:
    """A web feed of the brand's instance: what a record must have, and what makes it unique."""

    required: tuple[str, ...] = ("transaction_id", "transaction_date")
    one_of: tuple[str, ...] = ("email", "phone")
    unique: tuple[str, ...] = ("transaction_id",)


class Medallia(StandIn):
    """`importers` are the feeds of the instance by name; records of `opted_out` are not sampled."""

    page = "docs/contract/medallia.md"
    routes = (
        ("POST", "/oauth/{tenant}/token", "_token"),
        ("POST", "/inbound/v1/{importer}", "_import"),
        ("POST", "/inbound/v2/async/{importer}", "_import_later"),
        ("GET", "/inbound/v2/feedfiles/{id}", "_summary"),
        ("GET", "/inbound/v2/feedfiles/{id}/detailed-results", "_details"),
    )
    default_importers: ClassVar[dict[str, Importer]] = {IMPORTER: Importer()}

    def __init__(
        self,
        *,
        tenant: str = "brand",
        client_id: str = "client",
        client_secret: str = "secret-of-the-client",
        expires_in: int = 3600,
        importers: dict[str, dict[str, Any]] | None = None,
        opted_out: list[str] | None = None,
        **how: Any,
    ) -> None:
        super().__init__(**how)
        self.tenant, self.client_id, self.client_secret = tenant, client_id, client_secret
        self._tokens = self.tokens(expires_in)
        made = {name: Importer(**fields) for name, fields in (importers or {}).items()}
        self._importers = made or self.default_importers
        self._opted_out = set(opted_out or ())
        self._records: dict[tuple[str, ...], dict[str, Any]] = {}
        self._invitations: list[dict[str, Any]] = []
        self._duplicates: list[dict[str, Any]] = []
        self._rejects: list[dict[str, Any]] = []
        self._files: dict[str, dict[str, Any]] = {}
        self._new_alone = False

    # --- for tests ---

    @told
    def invitations(self, transaction_id: str | None = None) -> list[dict[str, Any]]:
        """The records for which an invitation was made, in order; of a transaction, if named."""
        return _of(self._invitations, transaction_id)

    @told
    def duplicates(self, transaction_id: str | None = None) -> list[dict[str, Any]]:
        """The records that were there already: they made no invitation."""
        return _of(self._duplicates, transaction_id)

    @told
    def rejects(self) -> list[dict[str, Any]]:
        """`{record, issues}` of what could not be processed."""
        return self._rejects

    @told
    def counts_new_alone(self) -> None:
        """From now on `records` has no duplicate among it: the description leaves it open."""
        self._new_alone = True

    @told
    def tokens_issued(self) -> int:
        """How many tokens were given."""
        return self._tokens.issued

    @told
    def revoke_tokens(self) -> None:
        """No token that was given so far is good any longer."""
        self._tokens.revoke()

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        return _error(status, "internal_error", "The service is not available")

    def too_many(self, call: Call, wait_s: int) -> Answer:
        answer = _error(429, "too_many_requests", "The limit of requests is reached")
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(wait_s)}
        return answer._replace(headers=answer.headers | headers)

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        return _error(404, "not_found", f"There is no resource {call.path}")

    def finished(self, call: Call, answer: Answer) -> Answer:
        headers = answer.headers | {"x-medallia-rpc-request-id": str(uuid.uuid4())}
        return answer._replace(headers=headers)

    def _token(self, call: Call, tenant: str) -> Answer:
        form = call.form()
        if form.get("grant_type") != "client_credentials":
            error = "unsupported_grant_type" if "grant_type" in form else "invalid_request"
            return in_json(400, {"error": error})
        pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if (call.headers.get("authorization"), tenant) != (f"Basic {pair}", self.tenant):
            return in_json(401, {"error": "invalid_client"}, www_authenticate="Basic")
        token = {"access_token": self._tokens.issue(), "token_type": "Bearer"}
        return in_json(
            200, token | {"expires_in": int(self._tokens.ttl_s)}, cache_control="no-store"
        )

    def _import(self, call: Call, importer: str) -> Answer:
        results = self._imported(call, importer)
        counts = {"records": len(results), "duplicates": 0, "rejects": 0}
        for result in results:
            counts["duplicates"] += bool(result.get("has_duplicate_record_info"))
            counts["rejects"] += "issues" in result
        if self._new_alone:
            counts["records"] -= counts["duplicates"] + counts["rejects"]
        return in_json(200, counts)

    def _import_later(self, call: Call, importer: str) -> Answer:
        id = str(uuid.uuid4())
        results = self._imported(call, importer)
        refused = [row for row in results if "issues" in row]
        taken = [row for row in results if "issues" not in row]
        counts = {
            "input_count": len(results),
            "success_count": len(taken),
            "discarded_count": len(refused),
            "duplicated_count": sum(row["has_duplicate_record_info"] for row in taken),
        }
        self._files[id] = {"counts": counts, "taken": taken, "refused": refused}
        return in_json(202, {"feed_file_id": id})

    def _summary(self, call: Call, id: str) -> Answer:
        self._may(call)
        stats = {"records": self._file(id)["counts"], "processing_mode": "ACTIVE"}
        date = {"creation_date": "2026-07-01T10:00:00Z"}
        return in_json(200, {"id": id, "status": "COMPLETED_RESULTS_READY", "stats": stats | date})

    def _details(self, call: Call, id: str) -> Answer:
        self._may(call)
        file = self._file(id)
        record = {"entity_name": "record", "successful_results": file["taken"]}
        both = record | {"discarded_results": file["refused"]}
        return in_json(200, {"processing_results": [both], "input_to_field_mappings": {}})

    def _may(self, call: Call) -> None:
        if not self._tokens.good(call.bearer):
            raise Refused(in_json(401, {"error": "invalid_token"}, www_authenticate="Bearer"))

    def _file(self, id: str) -> dict[str, Any]:
        if id not in self._files:
            raise Refused(_error(404, "not_found", f"There is no feed file {id}"))
        return self._files[id]

    def _imported(self, call: Call, importer: str) -> list[dict[str, Any]]:
        """What became of each record, in order."""
        self._may(call)
        if importer not in self._importers:
            raise Refused(_error(404, "not_found", f"There is no resource named {importer}"))
        if call.media_type != "application/json":
            raise Refused(_error(412, "precondition_failed", "The content must be JSON"))
        try:
            body = call.json()
        except ValueError:
            raise Refused(_error(412, "precondition_failed", "The content is no JSON")) from None
        records = body if isinstance(body, list) else [body]
        if not all(isinstance(record, dict) for record in records):
            raise Refused(_error(412, "precondition_failed", "A record must be an object"))
        feed = self._importers[importer]
        return [self._record(importer, feed, at, record) for at, record in enumerate(records)]

    def _record(
        self, importer: str, feed: Importer, at: int, record: dict[str, Any]
    ) -> dict[str, Any]:
        if issues := _issues(feed, record):
            self._rejects.append({"record": record, "issues": issues})
            return {"input_position": at, "input_values": record, "issues": issues}
        key = (importer, *(record[name] for name in feed.unique))
        again = key in self._records
        result = "Not sampled"
        if again:
            self._duplicates.append(record)
        elif self._opted_out.isdisjoint((record.get("email"), record.get("phone"))):
            self._invitations.append(record)
            result = "Selected for sampling"
        fields = {
            name: {"current_content": value, "value_modified": not again,
                   "dup_checking": name in feed.unique}
            for name, value in record.items()
        }  # fmt: skip
        self._records.setdefault(key, record)
        return {
            "input_position": at, "result": result, "has_duplicate_record_info": again,
            "field_values": fields,
        }  # fmt: skip


def _error(status: int, kind: str, message: str) -> Answer:
    return in_json(status, {"error_type": kind, "message": message})


def _issues(feed: Importer, record: dict[str, Any]) -> list[dict[str, str]]:
    """Why a record is discarded; none: it is not."""
    found = [
        (name, "value must be text") for name, value in record.items() if type(value) is not str
    ]
    found += [(name, "missing required value") for name in feed.required if not record.get(name)]
    if not any(record.get(name) for name in feed.one_of):
        found += [(feed.one_of[0], "missing required value")]
    for name, form in (("email", MAIL), ("phone", PHONE)):
        value = record.get(name)
        if isinstance(value, str) and value and not form.fullmatch(value):
            found += [(name, "invalid value")]
    return [
        {"consequence": "Record discarded", "explanation": why, "detail": name,
         "cause": f"Issues associated with {name}"}
        for name, why in found
    ]  # fmt: skip


def _of(records: list[dict[str, Any]], transaction_id: str | None) -> list[dict[str, Any]]:
    return [record for record in records if transaction_id in (None, record.get("transaction_id"))]
