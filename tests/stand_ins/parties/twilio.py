"""Twilio's Messages: SMS, and WhatsApp by the prefix `whatsapp:`."""

import base64
import json
import re
import secrets
from typing import Any

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json

ACCOUNT, TOKEN = "AC" + "0" * 32, "auth-token-of-the-account"
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
SENDER = re.compile(r"\+[1-9]\d{6,14}|\d{5,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
CONTENT = re.compile(r"HX[0-9a-fA-F]{32}")
WHATSAPP = "whatsapp:"
BODY_MAX = 1600


class Twilio(StandIn):
    """`opted_out` are numbers that have answered STOP; of `senders` one must be the sender on
    WhatsApp, where they are named."""

    page = "docs/contract/sms.md"
    routes = (("POST", "/2010-04-01/Accounts/{account}/Messages.json", "_create"),)

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        auth_token: str = TOKEN,
        opted_out: list[str] | None = None,
        senders: list[str] | None = None,
        **how: Any,
    ) -> None:
        super().__init__(**how)
        self._senders = senders
        self.account, self.auth_token = account, auth_token
        self._opted_out = set(opted_out or ())
        self._messages: list[dict[str, Any]] = []

    # --- for tests ---

    @told
    def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """The messages that were made, in order: `sid to from body contentSid contentVariables`."""
        return [message for message in self._messages if to in (None, message["to"])]

    @told
    def opt_out(self, number: str) -> None:
        """This number has answered STOP."""
        self._opted_out.add(number)

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        return _error(status, 20500 if status == 500 else 20503, "Service unavailable")

    def too_many(self, call: Call, wait_s: int) -> Answer:
        return _error(429, 20429, "Too Many Requests")

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        if other_methods:
            return _error(405, 20004, "Method not allowed")
        return _error(404, 20404, f"The requested resource {call.path} was not found")

    def _create(self, call: Call, account: str) -> Answer:
        pair = base64.b64encode(f"{self.account}:{self.auth_token}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {pair}":
            raise Refused(_error(401, 20003, "Authenticate"))
        if account != self.account:
            return self.no_route(call, False)
        form = call.form()
        to, sender = form.get("To", ""), form.get("From", "")
        self._check_ends(to, sender, form)
        self._check_content(form)
        message = {
            "sid": f"SM{secrets.token_hex(16)}",
            "to": to,
            "from": sender or None,
            "body": form.get("Body", ""),
            "contentSid": form.get("ContentSid"),
            "contentVariables": json.loads(form.get("ContentVariables", "{}")),
        }
        self._messages.append(message)
        return in_json(201, _resource(message, self.account, form.get("MessagingServiceSid")))

    def _check_ends(self, to: str, sender: str, form: dict[str, str]) -> None:
        if not to:
            raise Refused(_error(400, 21604, "A 'To' phone number is required."))
        if not sender and not form.get("MessagingServiceSid"):
            raise Refused(_error(400, 21603, "A 'From' phone number is required."))
        number = to.removeprefix(WHATSAPP)
        if not NUMBER.fullmatch(number):
            raise Refused(_error(400, 21211, f"The 'To' number {to} is not a valid phone number."))
        if sender and to.startswith(WHATSAPP) != sender.startswith(WHATSAPP):
            text = f"From({sender}) and To({to}) addresses should be of the same channel."
            raise Refused(_error(400, 21910, text))
        if sender and not SENDER.fullmatch(sender.removeprefix(WHATSAPP)):
            text = (
                f"The 'From' number {sender} is not a valid phone number, shortcode, or sender ID."
            )
            raise Refused(_error(400, 21212, text))
        if sender.startswith(WHATSAPP) and sender not in (self._senders or [sender]):
            text = "Twilio could not find a Channel with the specified From address"
            raise Refused(_error(400, 63007, text))
        if number in self._opted_out:
            raise Refused(_error(400, 21610, "Attempt to send to unsubscribed recipient"))

    def _check_content(self, form: dict[str, str]) -> None:
        body, content = form.get("Body", ""), form.get("ContentSid", "")
        if "ContentVariables" in form and not content:
            raise Refused(_error(400, 21654, "ContentSid Required"))
        if not body and not content and not form.get("MediaUrl"):
            raise Refused(_error(400, 21602, "Message body is required."))
        if len(body) > BODY_MAX:
            text = "The concatenated message body exceeds the 1600 character limit."
            raise Refused(_error(400, 21617, text))
        if content and not CONTENT.fullmatch(content):
            raise Refused(_error(400, 21655, "The ContentSid is invalid"))
        try:
            variables = json.loads(form.get("ContentVariables", "{}"))
        except ValueError:
            variables = None
        if not isinstance(variables, dict) or not all(
            isinstance(variable, str) and variable for variable in variables.values()
        ):
            raise Refused(_error(400, 21656, "The ContentVariables Parameter is invalid"))


def _error(status: int, code: int, message: str) -> Answer:
    info = f"https://www.twilio.com/docs/errors/{code}"
    return in_json(status, {"code": code, "message": message, "more_info": info, "status": status})


def _resource(message: dict[str, Any], account: str, service: str | None) -> dict[str, Any]:
    """A Message, as it is shown when it was made."""
    return {
        "sid": message["sid"],
        "account_sid": account,
        "messaging_service_sid": service,
        "to": message["to"],
        "from": message["from"],
        "body": message["body"],
        "status": "accepted" if service else "queued",
        "direction": "outbound-api",
        "num_segments": "0" if service else "1",
        "error_code": None,
        "error_message": None,
        "api_version": "2010-04-01",
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{message['sid']}.json",
    }
