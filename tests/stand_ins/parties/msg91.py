"""MSG91's flow API: SMS by a template that the operator has registered."""

import re
import secrets
from typing import Any

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json

AUTHKEY = "authkey-of-the-account"
TEMPLATE = "65e06f45d6fc05278c7d47e2"
MOBILE = re.compile(r"[1-9]\d{9,14}")  # with the code of the country, without +


class Msg91(StandIn):
    """`templates` are the registered ones, each with the variables that it needs.

    Errors come with the status 200 unless `error_status` is another: which it is, nobody says.
    """

    page = "docs/contract/sms.md"
    routes = (("POST", "/api/v5/flow", "_flow"),)

    def __init__(
        self,
        *,
        authkey: str = AUTHKEY,
        templates: dict[str, list[str]] | None = None,
        error_status: int = 200,
        **how: Any,
    ) -> None:
        super().__init__(**how)
        self.authkey = authkey
        self._templates = templates or {TEMPLATE: []}
        self._error_status = error_status
        self._messages: list[dict[str, Any]] = []

    # --- for tests ---

    @told
    def messages(self, mobiles: str | None = None) -> list[dict[str, Any]]:
        """What was taken for sending, one for each recipient: `request template mobiles …`."""
        return [message for message in self._messages if mobiles in (None, message["mobiles"])]

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        return in_json(status, {"message": "Something went wrong", "type": "error"})

    def too_many(self, call: Call, wait_s: int) -> Answer:
        return in_json(429, {"message": "Too many requests", "type": "error"})

    def _refuse(self, message: str) -> Refused:
        return Refused(in_json(self._error_status, {"message": message, "type": "error"}))

    def _flow(self, call: Call) -> Answer:
        if call.headers.get("authkey") != self.authkey:
            raise self._refuse("Invalid authkey")
        if call.media_type != "application/json":
            raise self._refuse("Invalid content type")
        try:
            body = call.json()
        except ValueError:
            raise self._refuse("Invalid JSON") from None
        if not isinstance(body, dict) or body.get("template_id") not in self._templates:
            raise self._refuse("Template ID missing or invalid")
        needed = self._templates[body["template_id"]]
        recipients = body.get("recipients")
        if not isinstance(recipients, list) or not recipients:
            raise self._refuse("Recipients missing")
        for recipient in recipients:
            if not isinstance(recipient, dict) or not MOBILE.fullmatch(
                str(recipient.get("mobiles", ""))
            ):
                raise self._refuse("Invalid mobile number")
            if missing := [name for name in needed if not recipient.get(name)]:
                raise self._refuse(f"Variable missing: {missing[0]}")
        request = secrets.token_hex(12)
        sent = {"request": request, "template": body["template_id"]}
        self._messages += [
            sent | recipient | {"mobiles": str(recipient["mobiles"])} for recipient in recipients
        ]
        return in_json(200, {"message": request, "type": "success"})
