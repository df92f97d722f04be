"""The senders of SMS, WhatsApp and push hold their callers to docs/contract/sms.md."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.stand_ins.caller import Said, basic, bearer, call
from tests.stand_ins.parties import fcm, msg91, twilio, whatsapp
from tests.stand_ins.parties.fcm import Fcm
from tests.stand_ins.parties.msg91 import Msg91
from tests.stand_ins.parties.twilio import Twilio
from tests.stand_ins.parties.whatsapp import WhatsAppCloud

SMS = {"To": "+4915112345678", "From": "+15550100", "Body": "You are Gold now"}
CONTENT = "HX" + "a" * 32
FLOW = {"template_id": msg91.TEMPLATE, "recipients": [{"mobiles": "919898989898"}]}
TEMPLATE = {
    "messaging_product": "whatsapp", "to": "+4915112345678", "type": "template",
    "template": {"name": "tier_up", "language": {"code": "en_US"}, "components": [
        {"type": "body", "parameters": [{"type": "text", "text": "Gold"}]}]},
}  # fmt: skip


def sms(at: Twilio, account: str = twilio.ACCOUNT, token: str = twilio.TOKEN, **form: str) -> Said:
    path = f"/2010-04-01/Accounts/{account}/Messages.json"
    return call(at, "POST", path, basic(twilio.ACCOUNT, token), form=form)


def test_twilio_makes_a_message_of_a_form() -> None:
    with Twilio() as at:
        said = sms(at, **SMS)
        assert (said.status, said.json["status"]) == (201, "queued")
        assert said.json["sid"].startswith("SM") and len(said.json["sid"]) == 34
        by_service = {"To": SMS["To"], "Body": "x", "MessagingServiceSid": "MG" + "0" * 32}
        assert sms(at, **by_service).json["status"] == "accepted"
        assert [message["body"] for message in at.messages("+4915112345678")] == [
            "You are Gold now",
            "x",
        ]
        assert at.messages("+15550199") == []


def test_twilio_sends_the_same_twice_for_it_knows_no_key() -> None:
    with Twilio() as at:
        at.resets(done=True)
        with pytest.raises(ConnectionResetError):
            sms(at, **SMS)
        sms(at, **SMS)
        assert len(at.messages()) == 2


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"To": ""}, 400, 21604),
        ({"From": ""}, 400, 21603),
        ({"Body": ""}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"To": "0151 12345678"}, 400, 21211),
        ({"From": "A far too long sender"}, 400, 21212),
        ({"To": "+4915100000000"}, 400, 21610),
        ({"To": "whatsapp:+4915112345678"}, 400, 21910),
        ({"ContentVariables": "{}"}, 400, 21654),
        ({"ContentSid": "HX1"}, 400, 21655),
        ({"ContentSid": CONTENT, "ContentVariables": '{"1": ""}'}, 400, 21656),
        ({"ContentSid": CONTENT, "ContentVariables": "Asha"}, 400, 21656),
    ],
)
def test_twilio_refuses_by_its_codes(form: dict[str, str], status: int, code: int) -> None:
    with Twilio(opted_out=["+4915100000000"]) as at:
        said = sms(at, **SMS | form)
        assert (said.status, said.json["code"], said.json["status"]) == (status, code, status)
        assert said.json["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
        assert at.messages() == []


def test_twilio_knows_who_calls_and_takes_no_json() -> None:
    with Twilio() as at:
        assert sms(at, token="other", **SMS).json["code"] == 20003
        assert sms(at, account="AC1", **SMS).json["code"] == 20404
        path, headers = f"/2010-04-01/Accounts/{twilio.ACCOUNT}/Messages.json", None
        assert call(at, "POST", path, headers, form=SMS).status == 401
        as_json = call(at, "POST", path, basic(twilio.ACCOUNT, twilio.TOKEN), json_=SMS)
        assert (as_json.status, as_json.json["code"]) == (400, 21604)
        assert call(at, "POST", "/2010-04-01/Nothing.json").json["code"] == 20404
        at.limits(1, window_s=60)
        assert [sms(at, **SMS).status for _ in range(2)] == [201, 429]
        assert len(at.messages()) == 1


def test_twilio_sends_templates_over_whatsapp() -> None:
    with Twilio(senders=["whatsapp:+15550100"]) as at:
        form = {"To": "whatsapp:+4915112345678", "From": "whatsapp:+15550100",
                "ContentSid": CONTENT, "ContentVariables": '{"1": "Asha"}'}  # fmt: skip
        assert sms(at, **form).status == 201
        (message,) = at.messages("whatsapp:+4915112345678")
        assert message["contentVariables"] == {"1": "Asha"}
        assert sms(at, **form | {"From": "whatsapp:+15550199"}).json["code"] == 63007
        at.opt_out("+4915112345678")
        assert sms(at, **form).json["code"] == 21610


def flow(at: Msg91, body: Any, key: str = msg91.AUTHKEY) -> Said:
    return call(at, "POST", "/api/v5/flow/", {"authkey": key}, json_=body)


def test_msg91_takes_a_template_with_its_variables() -> None:
    with Msg91(templates={"t1": ["TIER"]}) as at:
        recipients = [{"mobiles": 919898989898, "TIER": "Gold"}]
        said = flow(at, {"template_id": "t1", "recipients": recipients})
        assert (said.status, said.json["type"], len(said.json["message"])) == (200, "success", 24)
        (sent,) = at.messages("919898989898")
        assert (sent["request"], sent["TIER"]) == (said.json["message"], "Gold")
        lacks = flow(at, {"template_id": "t1", "recipients": [{"mobiles": "919898989898"}]})
        assert (lacks.status, lacks.json["type"]) == (200, "error")
        assert "TIER" in lacks.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        FLOW | {"template_id": "other"},
        FLOW | {"recipients": []},
        FLOW | {"recipients": [{}]},
        FLOW | {"recipients": [{"mobiles": "+919898989898"}]},
        FLOW | {"recipients": [{"mobiles": "98989"}]},
    ],
)
def test_msg91_refuses_with_a_200_that_says_error(body: Any) -> None:
    with Msg91() as at:
        said = flow(at, body)
        assert (said.status, said.json["type"]) == (200, "error")
        assert at.messages() == []


def test_msg91_knows_who_calls_and_may_refuse_by_status() -> None:
    with Msg91(error_status=401) as at:
        said = flow(at, FLOW, "other")
        assert (said.status, said.json) == (401, {"message": "Invalid authkey", "type": "error"})
        path, key = "/api/v5/flow", {"authkey": msg91.AUTHKEY}
        assert call(at, "POST", path, key, form={"template_id": "x"}).json["type"] == "error"
        broken = key | {"content-type": "application/json"}
        assert call(at, "POST", path, broken, body=b"{").json["type"] == "error"
        assert flow(at, FLOW).status == 200
        at.limits(0)
        assert flow(at, FLOW).status == 429


def cloud(at: WhatsAppCloud, body: Any, token: str = whatsapp.TOKEN, path: str = "") -> Said:
    path = path or f"/v21.0/{whatsapp.PHONE_NUMBER}/messages"
    return call(at, "POST", path, bearer(token), json_=body)


def test_the_cloud_api_takes_templates_and_texts() -> None:
    with WhatsAppCloud(templates={"tier_up": {"en_US": 1}}) as at:
        said = cloud(at, TEMPLATE).json
        assert said["contacts"] == [{"input": "+4915112345678", "wa_id": "4915112345678"}]
        (sent,) = at.messages("4915112345678")
        assert sent["id"] == said["messages"][0]["id"] and sent["id"].startswith("wamid.")
        text = {"messaging_product": "whatsapp", "to": "4915112345678", "text": {"body": "Hello"}}
        assert cloud(at, text).status == 200
        assert len(at.messages()) == 2


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"messaging_product": "sms"}, 400, 131008),
        ({"to": ""}, 400, 131008),
        ({"to": "Asha"}, 400, 100),
        ({"template": {}}, 400, 131008),
        ({"template": {"name": "tier_up"}}, 400, 131008),
        ({"template": {"name": "other", "language": {"code": "en_US"}}}, 404, 132001),
        ({"template": {"name": "tier_up", "language": {"code": "de"}}}, 404, 132001),
        ({"template": {"name": "tier_up", "language": {"code": "en_US"}}}, 400, 132000),
        ({"type": "text", "text": {"body": "x" * 4097}}, 400, 100),
        ({"type": "dance"}, 400, 100),
    ],
)
def test_the_cloud_api_refuses_by_its_codes(change: Any, status: int, code: int) -> None:
    with WhatsAppCloud(templates={"tier_up": {"en_US": 1}}) as at:
        said = cloud(at, TEMPLATE | change)
        assert (said.status, said.json["error"]["code"]) == (status, code)
        assert said.json["error"]["error_data"]["messaging_product"] == "whatsapp"
        assert at.messages() == []


def test_whatsapp_takes_one_message_in_six_seconds_to_a_customer_and_a_burst_ahead() -> None:
    with WhatsAppCloud(templates={"tier_up": {"en_US": 1}}) as at:
        answers = [cloud(at, TEMPLATE).status for _ in range(46)]
        assert answers == [200] * 45 + [429]
        assert cloud(at, TEMPLATE).json["error"]["code"] == 131056
        assert cloud(at, TEMPLATE | {"to": "+4915199999999"}).status == 200
        at.passes(271)
        assert cloud(at, TEMPLATE).status == 200


def test_the_cloud_api_knows_tokens_numbers_and_limits() -> None:
    with WhatsAppCloud(templates={"tier_up": {"en_US": 1}}) as at:
        wrong = cloud(at, TEMPLATE, "other")
        assert (wrong.status, wrong.json["error"]["code"]) == (401, 190)
        assert cloud(at, TEMPLATE, path="/v21.0/1/messages").json["error"]["code"] == 100
        assert cloud(at, TEMPLATE, path="/v21.0/nothing").status == 400
        assert cloud(at, [1]).status == 400
        at.limits(1, window_s=60)
        answers = [cloud(at, TEMPLATE) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 429]
        assert answers[1].json["error"]["code"] == 130429
    with WhatsAppCloud(throttle_status=400) as at:
        at.limits(0)
        said = cloud(at, TEMPLATE)
        assert (said.status, said.json["error"]["code"]) == (400, 130429)


def push(at: Fcm, message: Any, token: str | None = None, project: str = fcm.PROJECT) -> Said:
    headers = bearer(at.token() if token is None else token)
    path = f"/v1/projects/{project}/messages:send"
    return call(at, "POST", path, headers, json_=message)


def to(device: str, **more: Any) -> dict[str, Any]:
    return {"message": {"token": device, "notification": {"title": "Gold"}} | more}


def test_fcm_takes_a_message_to_a_device() -> None:
    with Fcm(devices=["d1"]) as at:
        said = push(at, to("d1", data={"tier": "Gold"}))
        assert said.json["name"].startswith(f"projects/{fcm.PROJECT}/messages/")
        assert [message["data"] for message in at.messages("d1")] == [{"tier": "Gold"}]
        dry = push(at, to("d1") | {"validate_only": True})
        assert dry.json["name"].endswith("fake_message_id") and len(at.messages()) == 1
        assert push(at, {"message": {"topic": "gold"}}).status == 200


@pytest.mark.parametrize(
    ("message", "status", "kind", "code"),
    [
        (to("gone"), 404, "NOT_FOUND", "UNREGISTERED"),
        (to("other"), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ({"message": {"data": {}}}, 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1", topic="gold"), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1", data={"points": 12}), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1", data={"from": "x"}), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1") | {"more": 1}, 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1", text="hello"), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1", notification={"text": "x"}), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("d1", notification={"title": 7}), 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        (to("theirs"), 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        ([], 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    ],
)
def test_fcm_refuses_by_its_codes(message: Any, status: int, kind: str, code: str) -> None:
    with Fcm(devices=["d1"], unregistered=["gone"], foreign=["theirs"]) as at:
        said = push(at, message)
        error = said.json["error"]
        assert (said.status, error["code"], error["status"]) == (status, status, kind)
        assert error["details"][0]["errorCode"] == code
        assert at.messages() == []


def test_fcm_knows_tokens_projects_sizes_and_limits() -> None:
    with Fcm(devices=["d1"]) as at:
        assert push(at, to("d1"), "other").json["error"]["status"] == "UNAUTHENTICATED"
        assert push(at, to("d1"), project="other").status == 403
        token = at.token()
        at.passes(3600)
        assert push(at, to("d1"), token).status == 401
        assert push(at, to("d1", data={"a": "x" * 4096})).status == 400
        assert push(at, {"message": {"topic": "gold", "data": {"a": "x" * 2048}}}).status == 400
        assert push(at, to("d1", data={"a": "x" * 3000})).status == 200
        at.unregister("d1")
        assert push(at, to("d1")).status == 404
        at.limits(0)
        at.limits(1, window_s=30)
        answers = [push(at, {"message": {"topic": "gold"}}) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 429]
        assert answers[1].json["error"]["details"][0]["errorCode"] == "QUOTA_EXCEEDED"
        assert 0 < int(answers[1].headers["retry-after"]) <= 30


def signed(account: dict[str, str], key: Any = None, **claims: Any) -> str:
    def packed(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    now = int(time.time())
    said = {"iss": account["client_email"], "scope": fcm.SCOPE, "aud": account["token_uri"],
            "iat": now, "exp": now + 3600} | claims  # fmt: skip
    head = packed(b'{"alg": "RS256", "typ": "JWT"}')
    text = f"{head}.{packed(json.dumps(said).encode())}"
    key = key or serialization.load_pem_private_key(account["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return f"{text}.{packed(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def test_fcm_gives_a_token_to_who_signs_with_the_accounts_key() -> None:
    with Fcm(devices=["d1"], expires_in=60) as at:
        account = at.service_account()

        def asked(assertion: str, grant: str = fcm.GRANT) -> Said:
            form = {"grant_type": grant, "assertion": assertion}
            return call(at, "POST", "/token", form=form)

        token = asked(signed(account)).json
        assert token["expires_in"] == 60
        assert push(at, to("d1"), token["access_token"]).status == 200
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        past = int(time.time()) - 7200
        for refused in (
            signed(account, stranger),
            signed(account, aud="https://elsewhere.example"),
            signed(account, iat=past, exp=past + 3600),
            signed(account, exp=int(time.time()) + 7200),
            "nothing",
        ):
            assert asked(refused).json["error"] == "invalid_grant"
        assert asked(signed(account), "client_credentials").status == 400
