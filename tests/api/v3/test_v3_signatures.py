"""How a webhook signs is its owner's choice: beside or instead of `v1`; keys are made, published
and rotated with it, and no private one is ever shown."""

import base64
import json
from typing import Any

import msgspec
import pytest

from tests.api.control_client import BASIC, Service, service
from tidings.core.ids import OrgId
from tidings.core.shaping.signatures.scheme import SignatureVerdict
from tidings.core.shaping.signatures.schemes import SCHEMES, read_verification_keys
from tidings.core.shaping.signatures.standard_webhooks import judge
from tidings.engine.delivery.message import MessageHeaders
from tidings.engine.webhooks.records import configs

ORG = OrgId(1)
HOUR_MS = 3_600_000
PATH = "/v3/webHooks"
BOTH = ["v1", "v1a"]


async def make(s: Service, **fields: Any) -> Any:
    reply = await s.call("POST", PATH, BASIC | fields)
    assert reply.status == 200, reply.body
    return reply.json["data"]


def signature_of(s: Service, body: bytes = b"{}") -> str:
    """The header of a message by the webhook as it was told last."""
    return MessageHeaders(s.changed[-1])._signer.sign("evt_1", s.clock.ms // 1000, body)


def verifies(s: Service, text: str, signature: str) -> bool:
    """Whether a secret or a public key, as it was shown, verifies a header."""
    now_s = s.clock.ms // 1000
    headers = [
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", str(now_s)),
        ("webhook-signature", signature),
    ]
    judged = judge(headers, b"{}", read_verification_keys(text), now_s)
    return judged.verdict is SignatureVerdict.VALID


def private_keys(s: Service) -> list[bytes]:
    """Every private key that the service has."""
    return [
        key
        for record in s.webhooks.list(ORG)
        for ring in record.config.key_rings.values()
        for key in ring.keys
    ]


def spellings(key: bytes) -> list[bytes]:
    """The ways in which a private key could be printed."""
    return [
        base64.b64encode(key)[:40],
        base64.urlsafe_b64encode(key)[:40],
        key.hex().encode(),
        repr(key).encode(),
        json.dumps(list(key)).encode(),
    ]


async def test_a_webhook_that_chose_nothing_is_stored_answered_and_signed_as_before() -> None:
    async with service() as s:
        made = await make(s)
        config = s.webhooks.list(ORG)[0].config
        stored = json.loads(configs_encoded(config))
        assert {"signatures", "key_rings"} & {*stored, *stored["settings"]} == set()
        for reply in (
            await s.call("GET", f"{PATH}/{made['webHookId']}"),
            await s.call("PUT", f"{PATH}/{made['webHookId']}", BASIC),
            await s.call("POST", f"{PATH}/{made['webHookId']}/rotateSecret"),
        ):
            assert {"signatures", "publicKeys"} & set(reply.json["data"]) == set()
        assert [part[:3] for part in signature_of(s).split(" ")] == ["v1,", "v1,"]


def configs_encoded(config: Any) -> bytes:
    encoded: bytes = msgspec.json.encode(config)
    assert configs.decode(encoded) == config
    return encoded


@pytest.mark.parametrize("chosen", [BOTH, ["v1a", "v1"], ["v1a"]])
async def test_a_choice_is_answered_with_the_public_key_and_signs(chosen: list[str]) -> None:
    async with service() as s:
        made = await make(s, signatures=chosen)
        assert made["signatures"] == [id for id in SCHEMES if id in chosen]
        [pair] = made["publicKeys"]
        assert (pair["scheme"], pair["until"]) == ("v1a", None)
        signature = signature_of(s)
        assert [part.split(",")[0] for part in signature.split(" ")] == made["signatures"]
        assert verifies(s, pair["key"], signature)
        assert verifies(s, made["signingSecret"], signature) == ("v1" in chosen)
        shown = (await s.call("GET", f"{PATH}/{made['webHookId']}")).json["data"]
        assert shown["publicKeys"] == made["publicKeys"] and "signingSecret" not in shown
        assert shown["signatures"] == made["signatures"]


async def test_each_webhook_has_a_key_pair_of_its_own() -> None:
    async with service() as s:
        names = [await make(s, name=name, signatures=["v1a"]) for name in ("a", "b", "c")]
        assert len({made["publicKeys"][0]["key"] for made in names}) == 3


async def test_a_scheme_is_added_taken_away_and_added_again_with_the_same_key() -> None:
    async with service() as s:
        made = await make(s)
        path = f"{PATH}/{made['webHookId']}"
        added = (await s.call("PATCH", path, {"signatures": BOTH})).json["data"]
        [pair] = added["publicKeys"]
        assert verifies(s, made["signingSecret"], signature_of(s)), "v1 goes on by its secret"
        gone = (await s.call("PATCH", path, {"signatures": None})).json["data"]
        assert "publicKeys" not in gone and signature_of(s).startswith("v1,")
        assert " " not in signature_of(s)
        again = (await s.call("PUT", path, BASIC | {"signatures": ["v1a"]})).json["data"]
        assert again["publicKeys"] == [pair]
        kept = (await s.call("PUT", path, BASIC)).json["data"]
        assert kept["signatures"] == ["v1a"], "a body of the original's fields"
        sent_back = await s.call("PATCH", path, (await s.call("GET", path)).json["data"])
        assert sent_back.status == 200, sent_back.body


@pytest.mark.parametrize("wrong", [[], "v1a", ["v2"], ["v1a", "v1a"], [["v1a"]], {"v1a": True}, 5])
async def test_what_is_no_choice_is_refused(wrong: Any) -> None:
    async with service() as s:
        reply = await s.call("POST", PATH, BASIC | {"signatures": wrong})
        [fault] = reply.json["errors"]
        assert (reply.status, fault["code"], fault["field"]) == (
            400, "bad_signatures", "signatures",
        )  # fmt: skip
        assert "v1 and v1a" in fault["message"]


async def test_a_private_key_cannot_be_brought_along_and_is_not_repeated() -> None:
    async with service() as s:
        private = "whsk_" + base64.b64encode(b"p" * 32).decode()
        reply = await s.call("POST", PATH, BASIC | {"signingSecret": private})
        assert reply.status == 400 and private[5:20].encode() not in reply.body
        unknown = await s.call("POST", PATH, BASIC | {"signingKey": private})
        assert private[5:20].encode() not in unknown.body


async def test_a_dry_run_makes_no_key() -> None:
    async with service() as s:
        reply = await s.call("POST", f"{PATH}?dryRun=true", BASIC | {"signatures": BOTH})
        assert reply.json["data"]["publicKeys"] == [] and s.webhooks.list(ORG) == []


async def test_a_rotation_publishes_and_signs_by_both_keys_until_the_overlap_ends() -> None:
    async with service() as s:
        made = await make(s, signatures=BOTH)
        path = f"{PATH}/{made['webHookId']}"
        [former] = made["publicKeys"]
        new = (await s.call("POST", f"{path}/rotateSecret", {"overlapInHours": 2})).json["data"]
        newest, old = new["publicKeys"]
        assert old == former | {"until": "2026-02-11T11:15:00.000Z"}
        assert newest["until"] is None and newest["key"] != former["key"]
        signature = signature_of(s)
        kinds = [part.split(",")[0] for part in signature.split(" ")]
        assert kinds == ["v1", "v1", "v1a", "v1a"]
        texts = (newest["key"], former["key"], new["signingSecret"], made["signingSecret"])
        assert all(verifies(s, text, signature) for text in texts)
        s.clock.ms += 2 * HOUR_MS
        s.webhooks.look_at_ends()
        signature = signature_of(s)
        assert [verifies(s, text, signature) for text in texts] == [True, False, True, False]
        assert (await s.call("GET", path)).json["data"]["publicKeys"] == [newest]


async def test_of_a_webhook_without_v1_the_key_pair_alone_is_rotated() -> None:
    async with service() as s:
        made = await make(s, signatures=["v1a"])
        path = f"{PATH}/{made['webHookId']}"
        new = (await s.call("POST", f"{path}/rotateSecret", {"overlapInHours": 0})).json["data"]
        assert "signingSecret" not in new and len(new["publicKeys"]) == 1
        assert new["signingSecretHint"] == made["signingSecretHint"]
        assert new["publicKeys"] != made["publicKeys"] and len(private_keys(s)) == 1


@pytest.mark.parametrize("scheme", BOTH)
async def test_the_keys_of_one_scheme_can_be_rotated_alone(scheme: str) -> None:
    async with service() as s:
        made = await make(s, signatures=BOTH)
        [former] = made["publicKeys"]
        path = f"{PATH}/{made['webHookId']}"
        body = {"overlapInHours": 2, "scheme": scheme}
        new = (await s.call("POST", f"{path}/rotateSecret", body)).json["data"]
        assert ("signingSecret" in new) == (scheme == "v1")
        assert len(new["publicKeys"]) == (1 if scheme == "v1" else 2)
        assert new["publicKeys"][-1]["key"] == former["key"]
        signature = signature_of(s)
        kinds = [part.split(",")[0] for part in signature.split(" ")]
        assert kinds == sorted([*BOTH, scheme])
        assert verifies(s, former["key"], signature), "until the overlap ends"
        assert verifies(s, made["signingSecret"], signature), "likewise"
        s.clock.ms += 2 * HOUR_MS
        s.webhooks.look_at_ends()
        signature = signature_of(s)
        kept = {"v1": former["key"], "v1a": made["signingSecret"]}[scheme]
        gone = {"v1": made["signingSecret"], "v1a": former["key"]}[scheme]
        assert [verifies(s, text, signature) for text in (kept, gone)] == [True, False]


async def test_a_scheme_that_does_not_sign_is_not_rotated() -> None:
    async with service() as s:
        made = await make(s, signatures=["v1a"])
        path = f"{PATH}/{made['webHookId']}/rotateSecret"
        for scheme, status, code in (
            ("v1", 409, "scheme_not_chosen"),
            ("v2", 400, "bad_scheme"),
            (["v1a"], 400, "bad_scheme"),
        ):
            reply = await s.call("POST", path, {"scheme": scheme})
            assert (reply.status, reply.json["errors"][0]["code"]) == (status, code), reply.body
        assert (await s.call("POST", path, {"scheme": None})).status == 200
        assert (await s.call("POST", path, {"scheme": "v1a"})).status == 200


async def test_more_than_four_pairs_at_once_are_refused() -> None:
    async with service() as s:
        path = f"{PATH}/{(await make(s, signatures=['v1a']))['webHookId']}/rotateSecret"
        for _ in range(3):
            assert (await s.call("POST", path)).status == 200
        reply = await s.call("POST", path)
        assert reply.status == 409 and reply.json["errors"][0]["code"] == "too_many_secrets"


async def test_keys_come_through_a_restart_with_their_ends() -> None:
    async with service() as s:
        made = await make(s, signatures=BOTH)
        path = f"{PATH}/{made['webHookId']}"
        await s.call("POST", f"{path}/rotateSecret", {"overlapInHours": 1})
        pairs = s.webhooks.list(ORG)[0].webhook.key_pairs
        for passed_h, left in ((0, pairs), (1, pairs[:1])):
            s.clock.ms += passed_h * HOUR_MS
            again = Service(s.store, s.clock)
            await again.start()
            assert again.registry.match(ORG, "pointsIssued")[0].key_pairs == left
            await again.webhooks.close()


async def test_no_answer_and_no_row_holds_a_private_key() -> None:
    async with service() as s:
        made = await make(s, signatures=BOTH)
        path = f"{PATH}/{made['webHookId']}"
        answers = [
            await s.call("POST", f"{path}/rotateSecret"),
            await s.call("GET", path),
            await s.call("GET", PATH),
            await s.call("PATCH", path, {"slaInSeconds": 9}),
            await s.call("POST", f"/v1/webHooks/{made['webHookId']}/test"),
            await s.call("DELETE", path),
        ]
        assert all(reply.status == 200 for reply in answers)
        keys = private_keys(s)
        assert len(keys) == 2
        record = s.webhooks.list(ORG)[0]
        rows = (await s.store.load()).webhooks
        printed = [reply.body for reply in answers] + [row.config for row in rows]
        printed += [repr(thing).encode() for thing in (record, record.config, record.webhook)]
        printed += [repr(record.config.key_rings).encode(), repr(record.webhook.key_pairs).encode()]
        for key in keys:
            for spelling in (key, *spellings(key)):
                assert not any(spelling in text for text in printed)


async def test_a_test_of_an_unsaved_webhook_is_signed_by_keys_made_for_it() -> None:
    async with service() as s:
        made = await make(s, signatures=BOTH)
        draft = {"webHookUrl": "https://draft.example/", "eventName": "pointsIssued"}
        for body in (
            BASIC | draft | {"name": "other", "signatures": BOTH},
            {"webHookId": made["webHookId"]} | draft,
        ):
            s.clock.ms += 1000
            told = (await s.call("POST", "/v1/webHooks/test", body)).json
            [pair] = told["publicKeys"]
            assert pair["key"] != made["publicKeys"][0]["key"] and told["signingSecret"]
            _, headers, sent = s.outside.sent[-1]
            judged = judge(
                list(headers.items()),
                sent,
                read_verification_keys(pair["key"]),
                int(headers["webhook-timestamp"]),
            )
            assert judged.verdict is SignatureVerdict.VALID
        s.clock.ms += 1000
        at_home = {"webHookId": made["webHookId"], "slaInSeconds": 7}
        told = (await s.call("POST", "/v1/webHooks/test", at_home)).json
        assert told["publicKeys"] == made["publicKeys"] and "signingSecret" not in told
