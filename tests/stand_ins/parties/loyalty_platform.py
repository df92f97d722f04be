"""The API of a loyalty platform in the manner of Capillary's: customers, tiers, points, groups."""

import base64
import hashlib
import json
import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.stand_ins.calls import Answer, Call, Refused

from .loyalty_answers import CUSTOMER, FLEET, Programme, adjustment, balance, details, tier
from .loyalty_members import DEFAULT_PROGRAMME, Group, Member, Members

KEY, SECRET = "client-key", "client-secret"
TILL, PASSWORD = "till.01", "password-of-the-till"
SOURCES = {"INSTORE", "MARTJACK", "WECHAT", "LINE", "ALL"}
NAMES = ("mobile", "email", "externalId", "id")
ACTIONS = {"UPGRADE", "DOWNGRADE", "RENEWAL", "EXTEND_CURRENT_TIER_EXPIRY_DATE"}
WITHOUT_UNTIL = {"AS_PER_TIER_STRATEGY", "CURRENT_TIER_EXPIRY_DATE"}
UNTIL = {"FIXED_DURATION": r"[1-9]\d{0,4}", "SPECIFIC_DATE": r"\d{4}-\d\d-\d\d"}
REASON_MAX = 255


class LoyaltyPlatform(Members):
    """Errors of an API call have the status `error_status`: the platform does not say which."""

    page = "docs/contract/loyalty-platform-api.md"
    routes = (
        ("POST", "/v3/oauth/token/generate", "_token"),
        ("GET", "/v2/customers/lookup", "_lookup"),
        ("GET", "/v2/customers/lookup/tierDetails", "_tier_looked_up"),
        ("GET", "/v2/customers/lookup/points/balance", "_balance_looked_up"),
        ("GET", "/v2/customers/lookup/customerDetails", "_details_looked_up"),
        ("GET", "/v2/customers/{id}", "_details"),
        ("GET", "/v2/customers/{id}/tierDetails", "_tier"),
        ("GET", "/v2/customers/{id}/points/balance", "_balance"),
        ("GET", "/v2/userGroup2/search", "_groups"),
        ("GET", "/v2/userGroup2/members", "_members"),
        ("POST", "/v2/slab/manualSlabAdjustment", "_adjust"),
    )

    def __init__(
        self,
        *,
        key: str = KEY,
        secret: str = SECRET,
        till: str = TILL,
        password: str = PASSWORD,
        ttl_s: int = 300,
        error_status: int = 200,
        **how: Any,
    ) -> None:
        super().__init__(ttl_s, **how)
        self.key, self.secret = key, secret
        hashed = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
        self._basic = "Basic " + base64.b64encode(f"{till}:{hashed}".encode()).decode()
        self._error_status = error_status

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        text = "Parallel action on the same customer" if status == 521 else "Server error"
        return _error(status, status, text)

    def too_many(self, call: Call, wait_s: int) -> Answer:
        return _error(429, 429, "Too many requests")

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        return (
            _error(405, 405, "Method not allowed")
            if other_methods
            else _error(404, 404, "Not found")
        )

    def finished(self, call: Call, answer: Answer) -> Answer:
        return answer._replace(headers=answer.headers | {"x-cap-requestid": str(uuid.uuid4())})

    def _refuse(self, code: int, text: str) -> Refused:
        return Refused(_error(self._error_status, code, text))

    def _token(self, call: Call) -> Answer:
        said = _body(call)
        if (said.get("key"), said.get("secret")) != (self.key, self.secret):
            raise Refused(_error(401, 401, "Invalid client credentials"))
        data = {"accessToken": self._tokens.issue(), "ttlSeconds": int(self._tokens.ttl_s)}
        return _json(200, {"data": data, "errors": None})

    def _may(self, call: Call) -> None:
        """Basic, or a token with the two headers that it demands."""
        headers = call.headers
        if "authorization" in headers:
            if headers["authorization"] != self._basic:
                raise Refused(_error(401, 401, "Unauthorized"))
            return
        if not self._tokens.good(headers.get("x-cap-api-oauth-token", "")):
            raise Refused(_error(401, 401, "Unauthorized"))
        if call.media_type != "application/json":
            raise Refused(_error(415, 415, "Unsupported media type"))
        if "application/json" not in headers.get("accept", ""):
            raise Refused(_error(400, 400, "Header Accept is mandatory"))

    def _looked_up(self, call: Call) -> Member:
        """The customer whom the query names."""
        self._may(call)
        self._source(call)
        name, value = call.query.get("identifierName", ""), call.query.get("identifierValue", "")
        if not name or not value:
            raise Refused(_error(400, 400, "identifierName and identifierValue are mandatory"))
        for kind, text in zip(name.split(","), value.split(","), strict=False):
            for member in self._customers.values():
                held = member.identifiers | {"id": str(member.id)}
                if kind in NAMES and held.get(kind, "").lower() == text.lower():
                    return member
        raise self._refuse(8015, "Customer not found for given identifiers")

    def _source(self, call: Call) -> None:
        if call.query.get("source") not in SOURCES:
            raise Refused(_error(400, 400, "source is mandatory"))

    def _member(self, id: str) -> Member:
        if not id.isdigit() or int(id) not in self._customers:
            raise self._refuse(8015, "Customer not found for given identifiers")
        return self._customers[int(id)]

    def _entity(self, call: Call, id: str) -> Member | Group:
        """The customer of a path; its group where the query says so."""
        self._may(call)
        kind = call.query.get("entityType", CUSTOMER)
        if kind not in (CUSTOMER, FLEET):
            raise self._refuse(1212, "Entity type passed is not valid")
        if kind == CUSTOMER:
            return self._member(id)
        if not id.isdigit() or int(id) not in self._by_group:
            raise self._refuse(1632, "group id/externalId/primary userId passed is not valid")
        return self._by_group[int(id)]

    def _asked(self, call: Call, one: Member) -> list[Programme]:
        """The programmes that a query asks for."""
        if call.query.get("fetchDataForAllPrograms", "false") == "true":
            return [self._programmes[id] for id in one.tiers]
        id = call.query.get("programId", str(DEFAULT_PROGRAMME))
        known = id.isdigit() and int(id) in one.tiers
        return [self._programmes[int(id)]] if known else []

    def _lookup(self, call: Call) -> Answer:
        return _json(200, {"entity": self._looked_up(call).id, "warnings": []})

    def _tier_looked_up(self, call: Call) -> Answer:
        one = self._looked_up(call)
        return _json(200, tier(one.id, CUSTOMER, one.tiers, one.ends, self._asked(call, one)))

    def _tier(self, call: Call, id: str) -> Answer:
        one = self._entity(call, id)
        primary = self._customers[one.members[0]] if isinstance(one, Group) else one
        kind = FLEET if isinstance(one, Group) else CUSTOMER
        asked = self._asked(call, primary)
        return _json(200, tier(one.id, kind, primary.tiers, primary.ends, asked))

    def _balance_looked_up(self, call: Call) -> Answer:
        one = self._looked_up(call)
        return _json(200, self._points(call, one))

    def _balance(self, call: Call, id: str) -> Answer:
        one = self._entity(call, id)
        if isinstance(one, Group):
            return _json(200, balance(one.id, FLEET, one.points, Decimal(0)))
        return _json(200, self._points(call, one))

    def _points(self, call: Call, one: Member) -> dict[str, Any]:
        ids = [programme.id for programme in self._asked(call, one)]
        main = sum((one.points[id] for id in ids), Decimal(0))
        return balance(one.id, CUSTOMER, main, sum((one.promised[id] for id in ids), Decimal(0)))

    def _details_looked_up(self, call: Call) -> Answer:
        return self._shown(call, self._looked_up(call))

    def _details(self, call: Call, id: str) -> Answer:
        self._may(call)
        self._source(call)
        return self._shown(call, self._member(id))

    def _shown(self, call: Call, one: Member) -> Answer:
        embed = set(call.query.get("embed", "").split(","))
        programmes = [self._programmes[id] for id in one.tiers]
        return _json(200, details(one, programmes, one.tiers, one.points, embed))

    def _groups(self, call: Call) -> Answer:
        self._may(call)
        if not (asked := call.query.get("q", "")):
            raise Refused(_error(400, 400, "q is mandatory"))
        found = []
        for group in self._by_group.values():
            primary = self._customers[group.members[0]]
            known = {str(group.id), group.name, group.external_id, *primary.identifiers.values()}
            if asked in known:
                found.append(
                    {"groupId": group.id, "groupName": group.name, "groupStatus": "ACTIVE",
                     "groupExternalId": group.external_id, "primaryMemberId": primary.id,
                     "firstName": primary.first, "lastName": primary.last,
                     "totalMembers": len(group.members), **primary.identifiers}
                )  # fmt: skip
        return _json(200, {"pagination": _paged(call, len(found)), "data": _page(call, found)})

    def _members(self, call: Call) -> Answer:
        self._may(call)
        self._source(call)
        if call.query.get("identifierName") != "id" or not call.query.get("identifierValue"):
            raise Refused(_error(400, 400, "identifierName and identifierValue are mandatory"))
        id = call.query["identifierValue"]
        if not id.isdigit() or int(id) not in self._by_group:
            raise self._refuse(1632, "group id/externalId/primary userId passed is not valid")
        group = self._by_group[int(id)]
        rows = [
            {"fleetUserId": member, "role": "SECONDARY" if at else "PRIMARY",
             "joinedOn": "2026-01-05T10:00:00Z", "permissions": [], "pointsContributed": Decimal(0),
             "identifiers": [{"type": name, "value": value}
                             for name, value in self._customers[member].identifiers.items()]}
            for at, member in enumerate(group.members)
        ]  # fmt: skip
        return _json(200, {"data": _page(call, rows), "pagination": _paged(call, len(rows))})

    def _adjust(self, call: Call) -> Answer:
        one = self._looked_up(call)
        if call.query.get("type", CUSTOMER) != CUSTOMER:
            raise Refused(_error(400, 400, "type must be CUSTOMER"))
        body = _body(call)
        programme = self._programmes.get(body.get("programId", 0))
        if programme is None or programme.id not in one.tiers:
            raise Refused(_error(400, 400, "programId is not valid"))
        action, to = body.get("slabAction"), body.get("toSlabName")
        old = one.tiers[programme.id]
        _check_adjustment(body)
        if action in ("UPGRADE", "DOWNGRADE"):
            if to not in programme.tiers:
                raise Refused(_error(400, 400, "toSlabName is not a tier of the programme"))
            step = programme.tiers.index(to) - programme.tiers.index(old)
            if (step > 0) != (action == "UPGRADE") or step == 0:
                raise Refused(_error(400, 400, f"{action} from {old} to {to} is not possible"))
            one.tiers[programme.id] = to
        new = one.tiers[programme.id]
        ends = self._ends(body, one.ends[programme.id])
        one.ends[programme.id] = ends
        self._adjustments.append({"customer": one.id, "from": old, "to": new, **body})
        return _json(200, adjustment(one.id, programme, old, new, ends))

    def _ends(self, body: dict[str, Any], now: str) -> str:
        """Until when the tier is held after an adjustment."""
        until = str(body.get("manualSlabActionValidityUpto", ""))
        match body["manualSlabActionValidity"]:
            case "FIXED_DURATION":
                return str(datetime.fromisoformat(now) + timedelta(days=int(until)))
            case "SPECIFIC_DATE":
                return f"{until} 23:59:59"
            case "CURRENT_TIER_EXPIRY_DATE":
                return now
        return self._strategy_ends


def _check_adjustment(body: dict[str, Any]) -> None:
    action, until = body.get("slabAction"), str(body.get("manualSlabActionValidityUpto", ""))
    if action not in ACTIONS:
        raise Refused(_error(400, 400, "slabAction is mandatory"))
    if action in ("UPGRADE", "DOWNGRADE") and not body.get("toSlabName"):
        raise Refused(_error(400, 400, "toSlabName is mandatory"))
    validity = body.get("manualSlabActionValidity")
    if validity not in WITHOUT_UNTIL | UNTIL.keys():
        raise Refused(_error(400, 400, "manualSlabActionValidity is mandatory"))
    if validity in UNTIL and not re.fullmatch(UNTIL[validity], until):
        raise Refused(_error(400, 400, "manualSlabActionValidityUpto is mandatory"))
    if len(str(body.get("slabChangeReason", ""))) > REASON_MAX:
        raise Refused(_error(400, 400, "slabChangeReason is longer than 255"))


def _body(call: Call) -> dict[str, Any]:
    if call.media_type != "application/json":
        raise Refused(_error(415, 415, "Unsupported media type"))
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(_error(400, 400, "The body must be a JSON object"))
    return body


def _paged(call: Call, total: int) -> dict[str, Any]:
    limit, offset = int(call.query.get("limit", 20)), int(call.query.get("offset", 0))
    return {"limit": limit, "offset": offset, "total": total}


def _page(call: Call, rows: list[Any]) -> list[Any]:
    at = _paged(call, 0)
    return rows[at["offset"] : at["offset"] + at["limit"]]


def _error(status: int, code: int, message: str) -> Answer:
    error = {"status": False, "code": code, "message": message}
    return _json(status, {"errors": [error], "warnings": []})


def _json(status: int, value: Any) -> Answer:
    """JSON in which decimals have three places, as the platform writes them."""
    text = json.dumps(value, default=lambda one: f"\0{one:.3f}")
    return Answer(
        status,
        re.sub(r'"\\u0000([-\d.]+)"', r"\1", text).encode(),
        {"content-type": "application/json"},
    )
