"""`/v3/webHooks`, what the original lacks: patch, ETag, idempotent create, rotation, standings."""

import asyncio
from itertools import product
from typing import Any, get_args

import pytest

from tests.api.control_client import BASIC, Reply, Service, event, service
from tidings.cli.webhooks.defaults import DEFAULTS, settled
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.engine.delivery.message import MessageHeaders
from tidings.engine.webhooks.records import Verb
from tidings.store import port

ORG = OrgId(1)

HOUR_MS = 3_600_000


async def make(s: Service, **fields: Any) -> Any:
    reply = await s.call("POST", "/v3/webHooks", BASIC | fields)
    assert reply.status == 200, reply.body
    return reply.json["data"]


def codes(reply: Reply) -> list[tuple[Any, str]]:
    return [(row["code"], row["field"]) for row in reply.json["errors"]]


class TestPatch:
    """A JSON merge patch."""

    async def test_it_changes_what_it_names_and_nothing_else(self) -> None:
        async with service() as s:
            old = await make(s, slaInSeconds=30, rateLimit=5, keepResponses=True)
            path = f"/v3/webHooks/{old['webHookId']}"
            patch = {"slaInSeconds": 60, "rateLimit": None, "keepResponses": None}
            reply = await s.call("PATCH", path, patch)
            assert reply.status == 200 and reply.json["warnings"] is None
            new = reply.json["data"]
            assert (new["slaInSeconds"], new["rateLimit"]) == (60, None)
            assert new["keepResponses"] is False
            changed = {field for field in new if new[field] != old[field]}
            assert changed == {
                "slaInSeconds",
                "rateLimit",
                "keepResponses",
                "version",
            }

    async def test_a_header_is_added_replaced_in_any_case_and_taken_away(self) -> None:
        async with service() as s:
            old = await make(s, webHookHeaders={"Authorization": "a", "X-Old": "b", "X-Key": "c"})
            path = f"/v3/webHooks/{old['webHookId']}"
            patch = {"webHookHeaders": {"x-old": None, "x-key": "d", "X-New": "e"}}
            new = (await s.call("PATCH", path, patch)).json["data"]
            stored = dict(s.webhooks.list(ORG)[0].webhook.headers)
            assert stored == {"Authorization": "a", "x-key": "d", "X-New": "e"}
            assert new["webHookHeaders"] == dict.fromkeys(stored, "…")
            gone = (await s.call("PATCH", path, {"webHookHeaders": None})).json["data"]
            assert gone["webHookHeaders"] == {}

    async def test_a_filter_is_set_as_a_whole(self) -> None:
        """Merged, `eq` would have become `eq` and `gte`, which no event can pass."""
        async with service() as s:
            old = await make(s, filter={"path": "data.tier", "eq": "gold"})
            path = f"/v3/webHooks/{old['webHookId']}"
            wanted = {"path": "data.totalPointsIssued", "gte": 100}
            new = (await s.call("PATCH", path, {"filter": wanted})).json["data"]
            assert new["filter"] == wanted

    @pytest.mark.parametrize(
        ("patch", "field"),
        [
            ({"slaInSecond": 5}, "slaInSecond"),
            ({"retryPolicy": {"delayInSeconds": [9]}}, "retryPolicy.delayInSeconds"),
            ({"neoEnrichment": {"values": "x"}}, "neoEnrichment.values"),
        ],
    )
    async def test_a_misspelt_field_is_refused_and_nothing_is_done(
        self, patch: dict[str, Any], field: str
    ) -> None:
        async with service() as s:
            old = await make(s)
            path = f"/v3/webHooks/{old['webHookId']}"
            answer = await s.call("PATCH", path, patch | {"slaInSeconds": 7})
            assert answer.status == 400
            assert [(e["code"], e["field"]) for e in answer.json["errors"]] == [
                ("unknown_field", field)
            ]
            assert (await s.call("GET", path)).json["data"]["version"] == old["version"]
            # Callers of the original send what they like.
            answer = await s.call("PUT", path, patch | {"slaInSeconds": 7})
            assert answer.status == 200
            assert "unknown_field" in {row["code"] for row in answer.json["warnings"]}

    async def test_an_object_and_a_list_are_set_as_a_whole(self) -> None:
        async with service() as s:
            policy = {"delaysInSeconds": [1, 2], "windowInHours": 24, "failStatuses": [404]}
            old = await make(s, retryPolicy=policy)
            path = f"/v3/webHooks/{old['webHookId']}"
            patch = {
                "retryPolicy": {"delaysInSeconds": [9], "failStatuses": None},
                "eventNames": ["customerAdded"],
            }
            new = (await s.call("PATCH", path, patch)).json["data"]
            assert new["eventNames"] == ["customerAdded"]
            assert new["retryPolicy"] == {
                "delaysInSeconds": [9],
                "windowInHours": 168,
                "retryStatuses": [],
                "failStatuses": [],
            }

    async def test_null_gives_every_field_that_may_go_its_default_again(self) -> None:
        said: dict[str, Any] = {
            "active": False,
            "filter": {"path": "eventId", "eq": "e-1"},
            "fields": {"keep": ["data.n"]},
            "rename": {"data.n": "points"},
            "methodType": "PUT",
            "webHookHeaders": {"X-Own": "a"},
            "authentication": {"type": "basic", "username": "a", "password": "b"},
            "slaInSeconds": 30,
            "customerIdentifiersToBeEnriched": ["INSTORE"],
            "tillDetailsEnrichmentEnabled": True,
            "storeDetailsEnrichmentEnabled": True,
            "awardedReferenceEnrichmentEnabled": True,
            "availablePointsBalanceEnrichmentEnabled": True,
            "cardNumberEnrichmentEnabled": True,
            "enrichmentWhenDown": "wait",
            "listenToChildEvents": True,
            "neoEnrichment": {"label": "a", "value": "b", "sendWhole": True},
            "ordering": "key",
            "holdOnFailure": True,
            "rateLimit": 5,
            "deadlineInSeconds": 10,
            "keepResponses": True,
            "withoutPersonalData": True,
            "retryPolicy": {"delaysInSeconds": [1]},
            "signatures": ["v1a"],
        }
        usual = {"eventNames", "eventVersions", "webHookUrl", "maxAllowedConnections"}
        other = {"transformation", "webHookType"}  # go with fields, URL and flows of their own
        other |= {"connection", "kafka", "sql", "email"}  # and with a type of their own
        assert said.keys() == DEFAULTS.keys() - usual - other
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s, **said))['webHookId']}"
            was = settled((await s.call("GET", path)).json["data"])
            kept = [name for name in said if was[name] == DEFAULTS[name]]
            assert kept == [], "each of them says something"
            for name in said:
                reply = await s.call("PATCH", path, {name: None})
                assert reply.status == 200, (name, reply.body)
                now = settled((await s.call("GET", path)).json["data"])
                assert now == was | {name: DEFAULTS[name]}, name
                was = now

    @pytest.mark.parametrize(
        ("patch", "expected"),
        [
            ({"eventNames": None}, (51003, "eventNames")),
            ({"maxAllowedConnections": None}, (300004, "maxAllowedConnections")),
            ({"webHookUrl": None}, ("url_missing", "webHookUrl")),
            ({"webHookHeaders": {"Host": "x"}}, ("reserved_header", "webHookHeaders.Host")),
        ],
    )
    async def test_what_must_be_cannot_be_taken_away(
        self, patch: dict[str, Any], expected: tuple[int | str, str]
    ) -> None:
        async with service() as s:
            old = await make(s)
            reply = await s.call("PATCH", f"/v3/webHooks/{old['webHookId']}", patch)
            assert reply.status == 400 and codes(reply) == [expected]

    async def test_the_name_stays_with_a_warning(self) -> None:
        async with service() as s:
            old = await make(s)
            reply = await s.call("PATCH", f"/v3/webHooks/{old['webHookId']}", {"name": "new"})
            assert reply.json["data"]["name"] == "crm"
            assert [row["code"] for row in reply.json["warnings"]] == ["name_kept"]

    async def test_a_body_that_is_too_deep_is_refused(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            deep = b'{"neoEnrichment":' + b'{"label":' * 70 + b"1" + b"}" * 71
            for method in ("PATCH", "PUT"):
                reply = await s.call(method, path, deep)
                assert reply.status == 400 and codes(reply) == [("too_deep", "")]


class TestEtags:
    """A change that was made on an older version is not made."""

    async def test_every_answer_of_one_webhook_carries_the_tag_of_its_version(self) -> None:
        async with service() as s:
            created = await s.call("POST", "/v3/webHooks", BASIC)
            assert created.headers["etag"] == '"1"'
            path = f"/v3/webHooks/{created.json['data']['webHookId']}"
            assert (await s.call("GET", path)).headers["etag"] == '"1"'
            assert (await s.call("PUT", path, {})).headers["etag"] == '"2"'
            assert (await s.call("PATCH", path, {})).headers["etag"] == '"3"'
            assert (await s.call("POST", path + "/pause")).headers["etag"] == '"4"'
            assert (await s.call("POST", path + "/pause")).headers["etag"] == '"4"'
            assert (await s.call("DELETE", path)).headers["etag"] == '"5"'

    @pytest.mark.parametrize(
        ("method", "tail", "body"),
        [
            ("PUT", "", {"slaInSeconds": 1}),
            ("PATCH", "", {"slaInSeconds": 1}),
            ("DELETE", "", None),
            ("POST", "/rotateSecret", None),
            ("POST", "/pause", None),
        ],
    )
    async def test_another_version_is_412_and_changes_nothing(
        self, method: str, tail: str, body: Any
    ) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            await s.call("PUT", path, {})
            before = (await s.call("GET", path)).json
            for wrong in ('"1"', 'W/"2"', '"x", "3"', "2", '"2', ""):
                reply = await s.call(method, path + tail, body, if_match=wrong)
                assert reply.status == 412, wrong
                assert codes(reply) == [("version_moved", "If-Match")]
                assert reply.headers["etag"] == '"2"'
            assert (await s.call("GET", path)).json == before
            reply = await s.call(method, path + tail, body, if_match='"1" , "2"')
            assert reply.status == 200 and reply.headers["etag"] == '"3"'

    async def test_any_version_is_admitted_by_a_star_but_no_unknown_webhook(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            assert (await s.call("PUT", path, {}, if_match="*")).status == 200
            unknown = await s.call("PUT", f"/v3/webHooks/{'f' * 24}", {}, if_match='"1"')
            assert unknown.status == 400


class TestIdempotentCreate:
    """The same key makes one webhook."""

    async def test_the_same_call_is_answered_the_same_with_the_same_secret(self) -> None:
        async with service() as s:
            body = BASIC | {"retryPolcy": 1}
            first = await s.call("POST", "/v3/webHooks", body, idempotency_key="k-1")
            again = dict(reversed(body.items()))
            s.clock.ms += HOUR_MS
            second = await s.call("POST", "/v3/webHooks", again, idempotency_key="k-1")
            assert second.status == first.status == 200
            assert second.body == first.body and first.json["warnings"]
            assert second.headers["etag"] == first.headers["etag"]
            assert len(s.webhooks.list(ORG)) == 1

    async def test_the_first_answer_comes_also_after_changes_deletion_and_a_restart(self) -> None:
        async with service() as s:
            first = await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
            path = f"/v3/webHooks/{first.json['data']['webHookId']}"
            await s.call("PUT", path, {"slaInSeconds": 99})
            await s.call("POST", path + "/rotateSecret", {"overlapInHours": 0})
            await s.call("DELETE", path)
            again = Service(s.store, s.clock)
            await again.start()
            for element in (s, again):
                reply = await element.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
                assert reply.body == first.body
            await again.webhooks.close()

    async def test_another_body_is_422_and_other_orgs_have_keys_of_their_own(self) -> None:
        async with service() as s:
            other = await s.add_org(2)
            await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
            body = BASIC | {"name": "other"}
            reply = await s.call("POST", "/v3/webHooks", body, idempotency_key="k")
            assert reply.status == 422
            assert codes(reply) == [("idempotency_key_reused", "Idempotency-Key")]
            theirs = await s.call("POST", "/v3/webHooks", body, other, idempotency_key="k")
            assert theirs.status == 200 and len(s.webhooks.list(OrgId(2))) == 1

    async def test_a_refused_call_leaves_its_key_free(self) -> None:
        async with service() as s:
            wrong = BASIC | {"maxAllowedConnections": 0}
            assert (await s.call("POST", "/v3/webHooks", wrong, idempotency_key="k")).status == 400
            right = await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
            assert right.status == 200

    async def test_after_24_hours_the_key_is_forgotten(self) -> None:
        async with service() as s:
            await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
            s.clock.ms += 24 * HOUR_MS - 1
            same = await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
            assert same.status == 200
            s.clock.ms += 1
            taken = await s.call("POST", "/v3/webHooks", BASIC, idempotency_key="k")
            assert taken.status == 409
            body = BASIC | {"name": "second"}
            fresh = await s.call("POST", "/v3/webHooks", body, idempotency_key="k")
            old = s.webhooks.list(ORG)[0].webhook.id
            await s.call("PUT", f"/v3/webHooks/{old}", {})  # the older one does not take it back
            repeat = await s.call("POST", "/v3/webHooks", body, idempotency_key="k")
            assert repeat.body == fresh.body

    async def test_two_at_the_same_time_make_one(self) -> None:
        async with service() as s:
            made = await asyncio.gather(
                *(s.webhooks.create(ORG, dict(BASIC), "boss", "k") for _ in range(4))
            )
            assert len({record.webhook.id for record, _, _ in made}) == 1
            assert len({secret for _, secret, _ in made}) == 1

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256])
    async def test_a_key_that_is_none_is_refused(self, key: str) -> None:
        async with service() as s:
            reply = await s.call("POST", "/v3/webHooks", BASIC, idempotency_key=key)
            assert reply.status == 400
            assert codes(reply) == [("bad_idempotency_key", "Idempotency-Key")]


class TestRotation:
    """A new secret; the old one signs until the overlap ends."""

    async def test_both_sign_until_the_end_and_then_the_new_one_alone(self) -> None:
        async with service() as s:
            old = await make(s)
            path = f"/v3/webHooks/{old['webHookId']}"
            reply = await s.call("POST", path + "/rotateSecret")
            new = reply.json["data"]
            assert new["signingSecret"] != old["signingSecret"]
            assert new["signingSecretHint"] == "…" + new["signingSecret"][-4:]
            assert new["signingSecretOverlapEnds"] == "2026-02-12T09:15:00.000Z"
            assert "signingSecret" not in (await s.call("GET", path)).json["data"]
            [webhook] = s.registry.match(ORG, "pointsIssued")
            assert len(webhook.secrets) == 2 and s.changed[-1].secrets == webhook.secrets
            s.clock.ms += 24 * HOUR_MS - 1
            s.webhooks.look_at_ends()
            assert len(s.registry.match(ORG, "pointsIssued")[0].secrets) == 2
            s.clock.ms += 1
            s.webhooks.look_at_ends()
            [webhook] = s.registry.match(ORG, "pointsIssued")
            assert len(webhook.secrets) == 1 and list(s.changed[-1].secrets) == list(
                webhook.secrets
            )
            shown = (await s.call("GET", path)).json["data"]
            assert shown["signingSecretOverlapEnds"] is None and shown["version"] == 2

    async def test_messages_are_signed_by_what_is_in_force(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            await s.call("POST", path + "/rotateSecret", {"overlapInHours": 1})

            def signatures() -> int:
                made = MessageHeaders(s.changed[-1])
                signer = made._signer
                assert signer is not None
                return len(signer.sign("id", 1, b"{}").split())

            assert signatures() == 2
            s.clock.ms += HOUR_MS
            s.webhooks.look_at_ends()
            assert signatures() == 1

    async def test_the_alarm_rings_by_itself(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            await s.call("POST", path + "/rotateSecret", {"overlapInHours": 0.00001})
            s.clock.ms += 36
            while len(s.registry.match(ORG, "pointsIssued")[0].secrets) > 1:
                await asyncio.sleep(0.005)

    async def test_a_restart_drops_what_has_ended_meanwhile_and_keeps_the_rest(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            await s.call("POST", path + "/rotateSecret", {"overlapInHours": 1})
            await s.call("POST", path + "/rotateSecret", {"overlapInHours": 10})
            assert len(s.registry.match(ORG, "pointsIssued")[0].secrets) == 3
            for passed_h, left in ((0, 3), (1, 2), (10, 1)):
                s.clock.ms += passed_h * HOUR_MS
                again = Service(s.store, s.clock)
                await again.start()
                assert len(again.registry.match(ORG, "pointsIssued")[0].secrets) == left
                await again.webhooks.close()

    async def test_a_change_after_the_end_does_not_store_the_old_secret_again(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            await s.call("POST", path + "/rotateSecret", {"overlapInHours": 1})
            s.clock.ms += 2 * HOUR_MS
            await s.call("PUT", path, {})
            config = s.webhooks.list(ORG)[0].config
            assert len(config.secrets) == 1 and config.secret_ends == ()

    async def test_no_overlap_ends_all_old_ones_at_once(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            await s.call("POST", path + "/rotateSecret")
            reply = await s.call("POST", path + "/rotateSecret", {"overlapInHours": 0})
            assert reply.json["data"]["signingSecretOverlapEnds"] is None
            assert len(s.registry.match(ORG, "pointsIssued")[0].secrets) == 1

    async def test_the_name_that_it_had_before_is_read_with_a_warning(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}/rotateSecret"
            reply = await s.call("POST", path, {"overlapHours": 0})
            assert reply.json["data"]["signingSecretOverlapEnds"] is None
            [warning] = reply.json["warnings"]
            assert (warning["code"], warning["field"]) == ("field_alias", "overlapHours")
            both = await s.call("POST", path, {"overlapHours": 0, "overlapInHours": 0})
            assert both.status == 400 and codes(both) == [("given_twice", "overlapHours")]

    async def test_a_misspelt_overlap_leaves_no_leaked_secret_in_force(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}/rotateSecret"
            reply = await s.call("POST", path, {"overlapInHour": 0})
            assert reply.status == 400 and codes(reply) == [("unknown_field", "overlapInHour")]
            assert "Did you mean overlapInHours?" in reply.json["errors"][0]["message"]

    async def test_more_than_four_at_once_are_refused(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            for _ in range(3):
                assert (await s.call("POST", path + "/rotateSecret")).status == 200
            reply = await s.call("POST", path + "/rotateSecret")
            assert reply.status == 409 and codes(reply) == [("too_many_secrets", "overlapInHours")]
            s.clock.ms += 25 * HOUR_MS
            assert (await s.call("POST", path + "/rotateSecret")).status == 200

    async def test_a_secret_of_the_owners_own_replaces_all_at_once(self) -> None:
        async with service() as s:
            old = await make(s)
            path = f"/v3/webHooks/{old['webHookId']}"
            await s.call("POST", path + "/rotateSecret")
            await s.call("PATCH", path, {"signingSecret": old["signingSecret"]})
            [webhook] = s.registry.match(ORG, "pointsIssued")
            assert len(webhook.secrets) == 1

    @pytest.mark.parametrize("hours", [-1, 721, "soon", True])
    async def test_an_overlap_out_of_bounds_is_refused(self, hours: Any) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            reply = await s.call("POST", path + "/rotateSecret", {"overlapInHours": hours})
            assert reply.status == 400 and reply.json["errors"][0]["field"] == "overlapInHours"


class TestStandings:
    """Pause, resume, enable and disable."""

    LEADS = [  # by hand: one that is deleted is not there
        (WebhookStatus.ACTIVE, "pause", WebhookStatus.PAUSED),
        (WebhookStatus.PAUSED, "pause", WebhookStatus.PAUSED),
        (WebhookStatus.INACTIVE, "pause", None),
        (WebhookStatus.DISABLED, "pause", None),
        (WebhookStatus.PAUSED, "resume", WebhookStatus.ACTIVE),
        (WebhookStatus.ACTIVE, "resume", WebhookStatus.ACTIVE),
        (WebhookStatus.INACTIVE, "resume", None),
        (WebhookStatus.DISABLED, "resume", None),
        (WebhookStatus.DISABLED, "enable", WebhookStatus.ACTIVE),
        (WebhookStatus.INACTIVE, "enable", WebhookStatus.ACTIVE),
        (WebhookStatus.ACTIVE, "enable", WebhookStatus.ACTIVE),
        (WebhookStatus.PAUSED, "enable", None),
        (WebhookStatus.ACTIVE, "disable", WebhookStatus.DISABLED),
        (WebhookStatus.PAUSED, "disable", WebhookStatus.DISABLED),
        (WebhookStatus.INACTIVE, "disable", None),
        (WebhookStatus.DISABLED, "disable", WebhookStatus.DISABLED),
    ]

    def test_each_verb_is_tried_at_each_standing_of_a_webhook_that_is_there(self) -> None:
        there = [standing for standing in WebhookStatus if standing is not WebhookStatus.DELETED]
        tried = {(standing, verb) for standing, verb, _ in self.LEADS}
        assert tried == set(product(there, get_args(Verb)))

    @pytest.mark.parametrize(("standing", "verb", "after"), LEADS)
    async def test_what_leads_where(
        self, standing: WebhookStatus, verb: str, after: WebhookStatus | None
    ) -> None:
        async with service() as s:
            data = await make(s)
            number = s.webhooks.list(ORG)[0].webhook.number
            await s.webhooks.set_status(number, standing, "why")
            reply = await s.call("POST", f"/v3/webHooks/{data['webHookId']}/{verb}")
            now = s.webhooks.list(ORG)[0].webhook.status
            if after is None:
                assert reply.status == 409 and codes(reply) == [("wrong_standing", "standing")]
                assert now is standing
            else:
                assert reply.status == 200 and now is after
                assert reply.json["data"]["standing"] == after.value

    async def test_disable_parks_and_says_by_whom_until_it_is_enabled(self) -> None:
        async with service() as s:
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            number = s.webhooks.list(ORG)[0].webhook.number
            new = event("pointsIssued", "e", [port.NewDelivery(number, 1)])
            await s.store.commit(port.Batch(s.registry.version, [new]))
            data = (await s.call("POST", path + "/disable")).json["data"]
            assert data["active"] is False and data["disabledReason"] == "Disabled by boss."
            await s.webhooks.retired()
            assert (await s.store.counts()).by_state == {State.PARKED: 1}
            data = (await s.call("POST", path + "/enable")).json["data"]
            assert data["active"] is True and data["disabledReason"] is None
            offered = data["replay"]
            assert offered["webHookId"] == data["webHookId"]
            counted = await s.call("POST", "/v1/replays", offered | {"dryRun": True})
            assert counted.json["matched"] == 1, "what was parked is in what is offered"
            again = (await s.call("POST", path + "/enable")).json["data"]
            assert again["replay"] is None, "it was active: it has missed nothing"

    async def test_a_foreign_unknown_or_deleted_webhook_is_400(self) -> None:
        async with service() as s:
            other = await s.add_org(2)
            path = f"/v3/webHooks/{(await make(s))['webHookId']}"
            for verb in ("pause", "resume", "enable", "disable", "rotateSecret"):
                assert (await s.call("POST", f"{path}/{verb}", auth=other)).status == 400
            await s.call("DELETE", path)
            assert (await s.call("POST", path + "/enable")).status == 400
            assert (await s.call("PATCH", path, {})).status == 400


class TestWarnings:
    """What is admitted, and told."""

    async def test_a_queue_webhook_is_stored_and_its_maker_told_that_nothing_is_sent(self) -> None:
        async with service() as s:
            for name, kind in (("a", "QUEUE_INT"), ("b", "queue")):
                body = BASIC | {"name": name, "webHookType": kind, "webHookUrl": " "}
                reply = await s.call("POST", "/v3/webHooks", body)
                assert reply.json["data"]["webHookType"] == "QUEUE_INT"
                assert [row["code"] for row in reply.json["warnings"]] == ["queue_not_served"]
            path = f"/v3/webHooks/{reply.json['data']['webHookId']}"
            assert (await s.call("PUT", path, {})).json["warnings"] is None
            assert not s.registry.match(ORG, "pointsIssued")

    async def test_a_name_that_does_not_resolve_is_admitted_with_a_warning(self) -> None:
        asked: list[str] = []

        async def unresolved(url: str) -> str | None:
            asked.append(url)
            return "nowhere.example" if "nowhere" in url else None

        async with service() as s:
            s.webhooks._bodies.addresses.unresolved = unresolved  # type: ignore[method-assign]
            gone = "https://nowhere.example/hook"
            body = BASIC | {"webHookUrl": gone, "webHookHeaders": {}}
            reply = await s.call("POST", "/v3/webHooks", body)
            assert reply.status == 200
            [warning] = reply.json["warnings"]
            assert (warning["code"], warning["field"]) == ("name_unresolved", "webHookUrl")
            path = f"/v3/webHooks/{reply.json['data']['webHookId']}"
            assert (await s.call("PUT", path, {})).json["warnings"] is None
            assert asked == [gone]  # an address that has not changed is not looked up again
            good = await s.call("PATCH", path, {"webHookUrl": "https://here.example/"})
            assert good.json["warnings"] is None and len(asked) == 2
            bad = await s.call("PATCH", path, {"webHookUrl": gone})
            assert [row["code"] for row in bad.json["warnings"]] == ["name_unresolved"]


async def test_what_neo_enrichment_may_name_is_told_on_get() -> None:
    async with service() as s:
        await s.call("POST", "/v1/transformations", {"name": "tier", "template": "{}"})
        made = await make(s, neoEnrichment={"label": "Tier", "value": "tier"})
        assert made["neoEnrichment"] == {"label": "Tier", "value": "tier"}
        assert made["warning"] is None
        path = f"/v3/webHooks/{made['webHookId']}"
        shown = (await s.call("GET", path)).json["data"]["neoEnrichment"]
        choices = [{"label": "tier", "value": "tier"}]
        assert shown == {"label": "Tier", "value": "tier", "possibleValues": choices}
        [listed] = (await s.call("GET", "/v3/webHooks")).json["data"]
        assert listed["neoEnrichment"] == shown
        cleared = await s.call("PUT", path, {"neoEnrichment": {}})
        assert cleared.json["data"]["neoEnrichment"] is None
