"""Firebase Cloud Messaging, HTTP v1: push messages, and the tokens of a service account."""

import base64
import json
import secrets
import time
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.stand_ins.base import StandIn, told
from tests.stand_ins.calls import Answer, Call, Refused, in_json

PROJECT = "brand-app"
ACCOUNT = "tidings@brand-app.iam.gserviceaccount.example"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TARGETS = ("token", "topic", "condition")
PARTS = {"name", "data", "notification", "android", "webpush", "apns", "fcm_options"}
PAYLOAD_MAX, TOPIC_PAYLOAD_MAX = 4096, 2048
FCM = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD = "type.googleapis.com/google.rpc.BadRequest"


class Fcm(StandIn):
    """`devices` are registration tokens that are good; `unregistered` were, and are no longer."""

    page = "docs/contract/sms.md"
    routes = (
        ("POST", "/token", "_token"),
        ("POST", "/v1/projects/{project}/messages:send", "_send"),
    )

    def __init__(
        self,
        *,
        project: str = PROJECT,
        devices: list[str] | None = None,
        unregistered: list[str] | None = None,
        foreign: list[str] | None = None,
        expires_in: int = 3599,
        **how: Any,
    ) -> None:
        super().__init__(**how)
        self.project = project
        self._devices = set(devices or ())
        self._unregistered = set(unregistered or ())
        self._foreign = set(foreign or ())  # of the apps of another project
        self._tokens = self.tokens(expires_in)
        self._messages: list[dict[str, Any]] = []

    # --- for tests ---

    @told
    def messages(self, device: str | None = None) -> list[dict[str, Any]]:
        """The messages that were taken: `name`, and what was sent; to a device, if named."""
        return [message for message in self._messages if device in (None, message.get("token"))]

    @told
    def token(self) -> str:
        """An access token, as a tool of Google's gives it to an operator."""
        return self._tokens.issue()

    @told
    def service_account(self) -> dict[str, str]:
        """The file of a service account, with its private key and where its tokens come from."""
        private = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": self.project,
            "client_email": ACCOUNT,
            "private_key": private.decode(),
            "token_uri": self.url("/token"),
        }

    @told
    def unregister(self, device: str) -> None:
        """The app was removed from this device."""
        self._unregistered.add(device)

    @told
    def revoke_tokens(self) -> None:
        """No access token that was given so far is good any longer."""
        self._tokens.revoke()

    # --- the contract ---

    def broken(self, status: int) -> Answer:
        kind = "UNAVAILABLE" if status == 503 else "INTERNAL"
        return _error(status, kind, "The service is currently unavailable.", kind)

    def too_many(self, call: Call, wait_s: int) -> Answer:
        text = "Quota exceeded for quota metric"
        answer = _error(429, "RESOURCE_EXHAUSTED", text, "QUOTA_EXCEEDED")
        return answer._replace(headers=answer.headers | {"retry-after": str(wait_s)})

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        return _error(404, "NOT_FOUND", "Requested entity was not found.")

    def _token(self, call: Call) -> Answer:
        form = call.form()
        if form.get("grant_type") != GRANT or not self._vouches(form.get("assertion", "")):
            said = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return in_json(400, said)
        token = {"access_token": self._tokens.issue(), "token_type": "Bearer"}
        return in_json(200, token | {"expires_in": int(self._tokens.ttl_s)})

    def _send(self, call: Call, project: str) -> Answer:
        if not self._tokens.good(call.bearer):
            text = "Request had invalid authentication credentials."
            raise Refused(_error(401, "UNAUTHENTICATED", text))
        if project != self.project:
            text = "Permission denied on resource project"
            raise Refused(_error(403, "PERMISSION_DENIED", text))
        message, dry = self._message(call)
        device = message.get("token")
        if device in self._unregistered:
            text = "Requested entity was not found."
            raise Refused(_error(404, "NOT_FOUND", text, "UNREGISTERED"))
        if device in self._foreign:
            text = "SenderId mismatch"
            raise Refused(_error(403, "PERMISSION_DENIED", text, "SENDER_ID_MISMATCH"))
        if device is not None and device not in self._devices:
            text = "The registration token is not a valid FCM registration token"
            raise Refused(_error(400, "INVALID_ARGUMENT", text, "INVALID_ARGUMENT"))
        id = "fake_message_id" if dry else secrets.token_hex(8)
        name = f"projects/{project}/messages/{id}"
        if not dry:
            self._messages.append(message | {"name": name})
        return in_json(200, {"name": name})

    def _message(self, call: Call) -> tuple[dict[str, Any], bool]:
        try:
            body = call.json() if call.media_type == "application/json" else None
        except ValueError:
            body = None
        message = body.get("message") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(message, dict):
            raise _bad("message", "Invalid JSON payload received.")
        if unknown := body.keys() - {"message", "validate_only"}:
            field = min(unknown)
            raise _bad(field, f'Invalid JSON payload received. Unknown name "{field}"')
        _check_names(message)
        targets = [name for name in TARGETS if name in message]
        if len(targets) != 1:
            raise _bad("message", "Recipient of the message is not set.")
        data = message.get("data", {})
        for at, (name, value) in enumerate(data.items() if isinstance(data, dict) else ()):
            if type(value) is not str:
                where = f"message.data[{at}].value"
                raise _bad(where, f"Invalid value at '{where}' (TYPE_STRING), {json.dumps(value)}")
            if name in ("from", "gcm") or name.startswith("google"):
                raise _bad(f"message.data[{at}].key", f"Invalid data payload key: {name}")
        most = PAYLOAD_MAX if targets == ["token"] else TOPIC_PAYLOAD_MAX
        payload = {"data": data, "notification": message.get("notification", {})}
        if len(json.dumps(payload).encode()) > most:
            raise Refused(_error(400, "INVALID_ARGUMENT", "Request contains an invalid argument."))
        return message, body.get("validate_only") is True

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _vouches(self, assertion: str) -> bool:
        """Whether a signed statement of the account asks for the right to send."""
        head, _, rest = assertion.partition(".")
        claims, _, signature = rest.partition(".")
        try:
            self._key.public_key().verify(
                _unpacked(signature),
                f"{head}.{claims}".encode(),
                padding.PKCS1v15(),
                hashes.SHA256(),
            )
            said = json.loads(_unpacked(claims))
        except (InvalidSignature, ValueError):
            return False
        now = time.time()
        return (
            (said.get("iss"), said.get("scope"), said.get("aud"))
            == (ACCOUNT, SCOPE, self.url("/token"))
            and said.get("iat", now + 1) <= now + 60
            and now < said.get("exp", 0) <= said["iat"] + 3600
        )


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _check_names(message: dict[str, Any]) -> None:
    if unknown := message.keys() - PARTS - set(TARGETS):
        where, field = "message", min(unknown)
        text = f"Invalid JSON payload received. Unknown name \"{field}\" at '{where}'"
        raise _bad(where, f"{text}: Cannot find field.")
    shown = message.get("notification", {})
    for name, value in shown.items() if isinstance(shown, dict) else ():
        where = f"message.notification.{name}"
        if name not in ("title", "body", "image"):
            text = (
                f"Invalid JSON payload received. Unknown name \"{name}\" at 'message.notification'"
            )
            raise _bad("message.notification", f"{text}: Cannot find field.")
        if type(value) is not str:
            raise _bad(where, f"Invalid value at '{where}' (TYPE_STRING), {json.dumps(value)}")


def _error(status: int, kind: str, message: str, code: str = "", *details: Any) -> Answer:
    more = [{"@type": FCM, "errorCode": code}] if code else []
    error: dict[str, Any] = {"code": status, "message": message, "status": kind}
    return in_json(
        status, {"error": error | ({"details": [*more, *details]} if more or details else {})}
    )


def _bad(field: str, text: str) -> Refused:
    violation = {"@type": BAD, "fieldViolations": [{"field": field, "description": text}]}
    return Refused(_error(400, "INVALID_ARGUMENT", text, "INVALID_ARGUMENT", violation))
