"""A Magento 2 (Adobe Commerce) shop: its customers, over REST."""

import re
from typing import Any

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json

from .magento_search import Criteria

TOKEN = "integration-token-of-the-shop"
USER, PASSWORD = "loyalty", "password-of-the-user"
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
REQUIRED = '"%fieldName" is required. Enter and try again.'
TAKEN = "A customer with the same email address already exists in an associated website."
INTEGERS = ("id", "group_id", "store_id", "website_id")
TEXTS = ("email", "firstname", "lastname", "middlename", "prefix", "suffix", "dob", "taxvat")
OTHERS = (
    "addresses", "confirmation", "created_at", "created_in", "custom_attributes",
    "default_billing", "default_shipping", "disable_auto_group_change", "extension_attributes",
    "gender", "updated_at",
)  # fmt: skip
CONDITIONS = {"eq", "neq", "in", "nin", "like", "nlike", "gt", "gteq", "lt", "lteq", "null",
              "notnull"}  # fmt: skip
OWN = ("custom_attributes", "created_at", "updated_at", "created_in")  # not taken as they are given
RESET = ("default_billing", "default_shipping")
DEFAULT_GROUP = 1
PAGE_MAX = 300


class Magento(StandIn):
    """`attributes` are the custom attributes that customers have here; others are dropped.

    A `PUT` replaces: what it leaves out is missing or reset, as up to 2.3. With `merges` it keeps
    that, as from 2.4 on; only of custom attributes what a given list leaves out is uncertain there
    too, and `resets_attributes` says which it is.
    """

    page = "docs/contract/magento.md"
    routes = (
        ("POST", "/rest/V1/integration/admin/token", "_token"),
        ("GET", "/rest/V1/customers/search", "_search"),
        ("GET", "/rest/V1/customers/{id}", "_get"),
        ("PUT", "/rest/V1/customers/{id}", "_put"),
    )

    def __init__(
        self,
        *,
        token: str = TOKEN,
        token_ttl_s: float = 4 * 3600,
        attributes: list[str] | None = None,
        groups: list[int] | None = None,
        merges: bool = False,
        resets_attributes: bool = True,
        page_max: int = PAGE_MAX,
        **how: Any,
    ) -> None:
        super().__init__(**how)
        self.token = token
        self._tokens = self.tokens(token_ttl_s)
        self._attributes = attributes or ["loyalty_tier", "loyalty_points"]
        self._groups = {0, DEFAULT_GROUP, *(groups or (2, 3))}
        self._merges, self._resets = merges, resets_attributes
        self._page_max = page_max
        self._customers: dict[int, dict[str, Any]] = {}
        self._updates: list[dict[str, Any]] = []
        self._changes = 0

    # --- for tests ---

    @told
    def add(self, id: int, email: str, /, **fields: Any) -> None:
        """A customer; custom attributes are `attributes={code: value}`."""
        held = {
            "id": id, "group_id": DEFAULT_GROUP, "email": email, "firstname": "Asha",
            "lastname": "Rao", "store_id": 1, "website_id": 1, "created_in": "Default Store View",
        }  # fmt: skip
        attributes = fields.pop("attributes", {})
        self._customers[id] = held | fields | {"attributes": dict(attributes)}
        self._stamp(self._customers[id])

    @told
    def customer(self, id: int) -> dict[str, Any] | None:
        """A customer as the shop shows it; None for nobody."""
        held = self._customers.get(id)
        return None if held is None else _shown(held)

    @told
    def attribute(self, id: int, code: str) -> str | None:
        """A custom attribute of a customer."""
        found: str | None = self._customers[id]["attributes"].get(code)
        return found

    @told
    def updates(self, id: int | None = None) -> list[dict[str, Any]]:
        """What every `PUT` that was taken gave, in order: `id`, and the customer's fields."""
        return [update for update in self._updates if id in (None, update["id"])]

    @told
    def revoke_tokens(self) -> None:
        """No token that was given so far is good any longer."""
        self._tokens.revoke()

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        if status == 500:
            text = "Internal Error. Details are available in Magento log file. Report ID: webapi-1"
            return _error(500, text)
        return Answer(status, b"<html>Backend fetch failed</html>", {"content-type": "text/html"})

    def too_many(self, call: Call, wait_s: int) -> Answer:
        return Answer(429, b"<html>Too many requests</html>", {"content-type": "text/html"})

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        return _error(404, "Request does not match any route.")

    def _judged(self, call: Call) -> Answer:
        # A store's code may stand in the path; the customers are the same for all.
        call.path = re.sub(r"^/rest/\w+/V1/", "/rest/V1/", call.path)
        return super()._judged(call)

    def _token(self, call: Call) -> Answer:
        said = self._body(call)
        if (said.get("username"), said.get("password")) != (USER, PASSWORD):
            text = (
                "The account sign-in was incorrect or your account is disabled temporarily. "
                "Please wait and try again later."
            )
            raise Refused(_error(401, text))
        return in_json(200, self._tokens.issue())

    def _search(self, call: Call) -> Answer:
        self._may(call, "Magento_Customer::customer")
        criteria = Criteria(call.pairs)
        if not criteria.given:
            raise Refused(_error(400, REQUIRED, {"fieldName": "searchCriteria"}))
        if criteria.page_size is not None and criteria.page_size > self._page_max:
            text = "Maximum SearchCriteria pageSize is %max"
            raise Refused(_error(400, text, {"max": self._page_max}))
        known = {"entity_id", "created_at", "updated_at", *INTEGERS, *TEXTS, *self._attributes}
        for name in criteria.fields():
            if name not in known - {"id"}:
                text = 'The "%1" attribute name is invalid. Reset the name and try again.'
                raise Refused(_error(400, text, [name]))
        assert {row["condition_type"] for group in criteria.groups for row in group} <= CONDITIONS
        found = [
            customer for customer in self._customers.values() if criteria.meets(_flat(customer))
        ]
        items = [_shown(row) for row in criteria.page(found)]
        said = {"items": items, "search_criteria": criteria.shown(), "total_count": len(found)}
        return in_json(200, said)

    def _get(self, call: Call, id: str) -> Answer:
        self._may(call, "Magento_Customer::customer")
        return in_json(200, _shown(self._held(id)))

    def _put(self, call: Call, id: str) -> Answer:
        self._may(call, "Magento_Customer::manage")
        given = self._body(call).get("customer")
        if not isinstance(given, dict):
            raise Refused(_error(400, REQUIRED, {"fieldName": "customer"}))
        held = self._held(id)
        _check_types(given)
        attributes = _attributes(given.get("custom_attributes"))
        if not self._merges:
            held = self._replaced(given)
        self._check_values(given, held)
        kept_as_given = (*INTEGERS, *TEXTS, *(name for name in OTHERS if name not in OWN))
        fields = {name: given[name] for name in kept_as_given if name in given}
        fields |= {name: int(fields[name]) for name in INTEGERS if name in fields}
        known = {
            code: value for code, value in (attributes or {}).items() if code in self._attributes
        }
        kept = {} if self._drops(attributes) else held["attributes"]
        self._customers[held["id"]] = new = held | fields | {"id": held["id"]}
        new["attributes"] = kept | known
        self._stamp(new)
        self._updates.append(given | {"id": held["id"]})
        return in_json(200, _shown(new))

    def _may(self, call: Call, resource: str) -> None:
        if call.bearer != self.token and not self._tokens.good(call.bearer):
            text = "The consumer isn't authorized to access %resources."
            raise Refused(_error(401, text, {"resources": resource}))

    def _body(self, call: Call) -> dict[str, Any]:
        if not call.media_type:
            raise Refused(_error(400, "Content-Type header is empty."))
        if call.media_type != "application/json":
            text = "Server cannot understand Content-Type HTTP header media type"
            raise Refused(_error(400, f"{text} {call.media_type}"))
        try:
            body = call.json()
        except ValueError:
            raise Refused(_error(400, "Decoding error: Syntax error.")) from None
        return body if isinstance(body, dict) else {}

    def _held(self, id: str) -> dict[str, Any]:
        if not id.isdigit():
            raise Refused(_error(400, _type_text(id)))
        if int(id) not in self._customers:
            text = "No such entity with %fieldName = %fieldValue"
            raise Refused(_error(404, text, {"fieldName": "customerId", "fieldValue": int(id)}))
        return self._customers[int(id)]

    def _replaced(self, given: dict[str, Any]) -> dict[str, Any]:
        """What a `PUT` that does not merge begins with; refused where a field is missing."""
        for name, text in (
            ("email", "The customer email is missing. Enter and try again."),
            ("website_id", '"Associate to Website" is a required value.'),
            ("firstname", '"First Name" is a required value.'),
            ("lastname", '"Last Name" is a required value.'),
        ):
            if not given.get(name):
                raise Refused(_error(400, text))
        if given.get("id") is None:
            raise Refused(_error(400, TAKEN))
        held = self._held(str(given["id"]))
        left = {name: value for name, value in held.items() if name not in RESET}
        return left | {"group_id": DEFAULT_GROUP}

    def _drops(self, attributes: dict[str, str] | None) -> bool:
        """Whether the custom attributes that a `PUT` leaves out go."""
        return not self._merges or (attributes is not None and self._resets)

    def _check_values(self, given: dict[str, Any], held: dict[str, Any]) -> None:
        email = given.get("email", held["email"])
        if not MAIL.fullmatch(email):
            text = 'Invalid value of "%value" provided for the %fieldName field.'
            raise Refused(_error(400, text, {"fieldName": "email", "value": email}))
        for name, label in (("firstname", "First Name"), ("lastname", "Last Name")):
            if not given.get(name, held[name]):
                raise Refused(_error(400, f'"{label}" is a required value.'))
        if int(given.get("group_id", held["group_id"])) not in self._groups:
            raise Refused(_error(400, "The specified customer group id does not exist."))
        site = int(given.get("website_id", held["website_id"]))
        for other in self._customers.values():
            taken = (other["email"].lower(), other["website_id"]) == (email.lower(), site)
            if taken and other["id"] != held["id"]:
                raise Refused(_error(400, TAKEN))

    def _stamp(self, held: dict[str, Any]) -> None:
        self._changes += 1
        seconds = f"2026-07-01 10:{self._changes // 60 % 60:02}:{self._changes % 60:02}"
        held["updated_at"] = seconds
        held.setdefault("created_at", seconds)


def _error(status: int, message: str, parameters: Any = None) -> Answer:
    said = {"message": message} | ({} if parameters is None else {"parameters": parameters})
    return in_json(status, said)


def _type_text(value: Any) -> str:
    expected = 'The "int" type was expected. Verify and try again.'
    return f'The "{value}" value\'s type is invalid. {expected}'


def _check_types(given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name in INTEGERS and not re.fullmatch(r"\d+", str(value)):
            raise Refused(_error(400, _type_text(value)))
        if name in TEXTS and value is not None and not isinstance(value, str):
            raise Refused(_error(400, f'Error occurred during "{name}" processing.'))
        if name not in (*INTEGERS, *TEXTS, *OTHERS):
            getter = "get" + "".join(part.capitalize() for part in name.split("_"))
            text = f'Property "{getter[3:]}" does not have accessor method "{getter}" in class'
            raise Refused(_error(400, f'{text} "Magento\\Customer\\Api\\Data\\CustomerInterface".'))


def _attributes(given: Any) -> dict[str, str] | None:
    """Of the list in a body; None where there is none."""
    if given is None:
        return None
    found, processing = {}, 'Error occurred during "custom_attributes" processing.'
    for element in given if isinstance(given, list) else [None]:
        if not isinstance(element, dict) or not element.get("attribute_code"):
            raise Refused(_error(400, processing))
        code, value = element["attribute_code"], element.get("value")
        if value is None:
            text = f'Value is not set for attribute code "{code}"'
            raise Refused(_error(400, f"{processing} {text}"))
        found[code] = str(value)
    return found


def _shown(held: dict[str, Any]) -> dict[str, Any]:
    """A customer as it is answered."""
    shown = {name: value for name, value in held.items() if name != "attributes"}
    attributes = [
        {"attribute_code": code, "value": value} for code, value in held["attributes"].items()
    ]
    more = {"addresses": [], "disable_auto_group_change": 0}
    return more | shown | ({"custom_attributes": attributes} if attributes else {})


def _flat(held: dict[str, Any]) -> dict[str, str]:
    """A customer by the names that are searched for."""
    flat = {name: str(value) for name, value in held.items() if name != "attributes"}
    attributes: dict[str, str] = held["attributes"]
    return flat | attributes | {"entity_id": str(held["id"])}
