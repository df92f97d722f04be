"""Meta's WhatsApp Cloud API: messages of a business phone number."""

import re
import secrets
from typing import Any

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json
from tests.stand_ins.troubles import Limit

TOKEN, PHONE_NUMBER = "token-of-the-system-user", "106540352242922"
TO = re.compile(r"\+?[1-9]\d{6,14}")
TEXT_MAX = 4096
PAIR_MOST, PAIR_S = 45, 270.0  # to one number: one in 6 s, a burst of 45 taken from the time ahead


class WhatsAppCloud(StandIn):
    """`templates`: name → how many parameters its body has, for each language in which it is
    approved: `{"tier_up": {"en_US": 2}}`. `throttle_status` is what a call beyond the limit gets:
    tables differ in it."""

    page = "docs/contract/sms.md"
    routes = (("POST", "/{version}/{phone_number_id}/messages", "_send"),)

    def __init__(
        self,
        *,
        token: str = TOKEN,
        phone_number_id: str = PHONE_NUMBER,
        templates: dict[str, dict[str, int]] | None = None,
        throttle_status: int = 429,
        **how: Any,
    ) -> None:
        super().__init__(**how)
        self.token, self.phone_number_id = token, phone_number_id
        self._templates = templates or {}
        self._throttle_status = throttle_status
        self._messages: list[dict[str, Any]] = []
        self._pairs: dict[str, Limit] = {}

    # --- for tests ---

    @told
    def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """The messages that were taken: `id`, and what was sent; `to` without its +."""
        return [message for message in self._messages if to in (None, message["to"])]

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        return _error(status, 2, "Service temporarily unavailable", "")

    def too_many(self, call: Call, wait_s: int) -> Answer:
        details = "Cloud API message throughput has been reached."
        return _error(self._throttle_status, 130429, "(#130429) Rate limit hit", details)

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        return _error(400, 100, "Unsupported request", call.path)

    def _send(self, call: Call, version: str, phone_number_id: str) -> Answer:
        if call.bearer != self.token:
            raise Refused(_error(401, 190, "Invalid OAuth access token", "", "OAuthException"))
        if not re.fullmatch(r"v\d+\.\d+", version) or phone_number_id != self.phone_number_id:
            text = f"Unsupported post request. Object with ID '{phone_number_id}' does not exist"
            raise Refused(_error(400, 100, text, "", "GraphMethodException"))
        body = self._body(call)
        template = body.get("template")
        if body["type"] == "template":
            self._check_template(template if isinstance(template, dict) else {})
        elif body["type"] == "text":
            text = (body.get("text") or {}).get("body", "")
            if not isinstance(text, str) or not 0 < len(text) <= TEXT_MAX:
                raise _invalid("text.body must have 1 to 4096 characters")
        else:
            raise _invalid("type is not one that is taken here")
        number = str(body["to"]).removeprefix("+")
        pair = self._pairs.setdefault(number, Limit(PAIR_MOST, PAIR_S, self.now))
        if pair.wait_s() > 0:
            text = "(#131056) (Business Account, Consumer Account) pair rate limit hit"
            details = "Too many messages from this phone number to the same phone number."
            raise Refused(_error(self._throttle_status, 131056, text, details))
        id = f"wamid.{secrets.token_urlsafe(24)}"
        self._messages.append(body | {"id": id, "to": number})
        contacts = [{"input": body["to"], "wa_id": number}]
        said = {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": id}]}
        return in_json(200, said)

    def _body(self, call: Call) -> dict[str, Any]:
        try:
            body = call.json() if call.media_type == "application/json" else None
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _invalid("the body must be a JSON object")
        if body.get("messaging_product") != "whatsapp":
            raise _missing("messaging_product")
        if not body.get("to"):
            raise _missing("to")
        if not isinstance(body["to"], str) or not TO.fullmatch(body["to"]):
            raise _invalid("to is no phone number")
        return {"type": "text"} | body

    def _check_template(self, template: dict[str, Any]) -> None:
        if not template.get("name"):
            raise _missing("template.name")
        if not (code := (template.get("language") or {}).get("code")):
            raise _missing("template.language.code")
        count = self._templates.get(template["name"], {}).get(code)
        if count is None:
            text = "(#132001) Template name does not exist in the translation"
            details = f"template name ({template['name']}) does not exist in {code}"
            raise Refused(_error(404, 132001, text, details))
        given = sum(
            len(row.get("parameters", ()))
            for row in template.get("components", ())
            if row.get("type") == "body"
        )
        if given != count:
            text = "(#132000) Number of parameters does not match the expected number of params"
            details = f"body: number of localizable_params ({given}) does not match {count}"
            raise Refused(_error(400, 132000, text, details))


def _missing(name: str) -> Refused:
    return Refused(_error(400, 131008, "(#131008) Required parameter is missing", name))


def _invalid(details: str) -> Refused:
    return Refused(_error(400, 100, "(#100) Invalid parameter", details))


def _error(
    status: int, code: int, message: str, details: str, kind: str = "OAuthException"
) -> Answer:
    data = {"messaging_product": "whatsapp", "details": details}
    trace = secrets.token_urlsafe(16)
    error = {"message": message, "type": kind, "code": code, "error_data": data}
    return in_json(status, {"error": error | {"fbtrace_id": trace}})
