"""The form of a webhook: what it makes, what it refuses and where, its preview and its test."""

import json
import re
from html import unescape
from urllib.parse import unquote

import msgspec
import pytest

from tests.api.log_client import accept
from tests.console.webhook_client import FORM, pages, text
from tidings.console.pages.webhooks import form as webhook_form
from tidings.console.pages.webhooks import type_form
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.core.webhooks.authentication import SCHEMES, OAuth2ClientCredentials
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.webhook import Ordering

ORG = OrgId(7)

AT = "/console/o/7/webhooks"


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def test_a_webhook_is_made_and_its_secret_shown_once() -> None:
    async with pages() as p:
        browser = await p.browser()
        assert "pointsIssued" in text(await browser.get(f"{AT}/new"))
        form = FORM | {
            "once": "a-key",
            "headerName": ["X-Api-Key", ""],
            "headerValue": ["0123456789abcdef0", ""],
            "sources": "Instore",
            "storeDetailsEnrichmentEnabled": "on",
            "slaInSeconds": "60",
            "retryPolicy.delaysInSeconds": "5, 30",
            "retryPolicy.windowInHours": "24",
            "retryPolicy.retryStatuses": "404",
            "rateLimit": "2.5",
            "filter": '{"path": "data.totalPointsIssued", "gte": 100}',
            "fieldsKind": "drop",
            "paths": "data.customerIdentifiers.mobile\n",
            "rename": "data.totalPointsIssued = points",
            "ordering": "key",
        }
        made = await browser.post(f"{AT}/new", form)
        assert made.status == 200 and "whsec_" in text(made)
        again = await browser.post(f"{AT}/new", form)
        assert "whsec_" in text(again), "a second press makes nothing again"
        (record,) = p.s.webhooks.list(ORG)
        settings = record.config.settings
        assert settings.headers == (("X-Api-Key", "0123456789abcdef0"),)
        assert settings.retry.schedule.delays_s == (5, 30)
        assert settings.retry.schedule.window_s == 24 * 3600
        assert settings.retry.retry_also == {404}
        assert settings.rate_per_s == 2.5 and settings.sla_s == 60
        assert settings.filter == {"path": "data.totalPointsIssued", "gte": 100}
        assert settings.fields is not None
        assert settings.fields.drop == ("data.customerIdentifiers.mobile",)
        assert settings.rename == {"data.totalPointsIssued": "points"}
        assert settings.ordering is Ordering.KEY
        assert record.webhook.enrichment.sources == ("instore",)
        assert record.webhook.enrichment.store and not record.webhook.enrichment.till


async def test_each_refusal_stands_beside_its_field_and_nothing_typed_is_lost() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = FORM | {
            "webHookUrl": "ftp://crm",
            "maxAllowedConnections": "none",
            "filter": "{no json",
            "retryPolicy.delaysInSeconds": "0",
            "rename": "data.x",
            "headerName": ["Host"],
            "headerValue": ["x"],
            "fieldsKind": "keep",
            "paths": "..",
        }
        answer = await browser.post(f"{AT}/new", form)
        page = unescape(text(answer))
        assert answer.status == 400 and p.s.webhooks.list(ORG) == []
        beside = {
            field: re.search(rf'id="h-{field}"[^>]*>(?:<p[^>]*>)?([^<]*)', page)
            for field in (
                *(
                    "webHookUrl",
                    "maxAllowedConnections",
                    "filter",
                    "retryPolicy.delaysInSeconds",
                    "rename",
                ),
                *("headers", "paths"),
            )
        }
        said = {field: found[1] for field, found in beside.items() if found}
        assert said.keys() == beside.keys()
        assert said["webHookUrl"].startswith("Refused ftp:")
        assert 'must be 1 or more; got "none"' in said["maxAllowedConnections"]
        assert "filter must be JSON" in said["filter"]
        assert "delaysInSeconds must be" in said["retryPolicy.delaysInSeconds"]
        assert "Each line must be a path" in said["rename"]
        assert "must not be one that Tidings" in said["headers"]
        assert "must be" in said["paths"]
        assert 'value="Acme CRM"' in page and "{no json" in page and 'value="Host"' in page


async def test_a_path_that_no_event_has_is_told_when_the_webhook_is_saved() -> None:
    async with pages() as p:
        browser = await p.browser()
        slip = {
            "filter": '{"path": "data.totalPointIssued", "gte": 1}',
            "fieldsKind": "drop",
            "paths": "data.<i9>\n",
        }
        made = text(await browser.post(f"{AT}/new", FORM | slip))
        assert "whsec_" in made and "<i9>" not in made
        assert '"data.totalPointIssued", which none has' in unescape(made)
        (record,) = p.s.webhooks.list(ORG)
        at = f"{AT}/{record.webhook.id}"
        version = {"version": str(record.webhook.version)}
        saved = await browser.post(f"{at}/edit", FORM | slip | version)
        told = unquote(saved.headers["set-cookie"])
        assert saved.status == 303 and '"data.totalPointIssued", which none has' in told
        many = {"paths": "\n".join(f"data.{n}{'x' * 200}" for n in range(50))}
        version = {"version": str(record.webhook.version + 1)}
        saved = await browser.post(f"{at}/edit", FORM | slip | many | version)
        assert saved.status == 303 and len(saved.headers["set-cookie"]) < 4096
        assert "And 7 more" in unquote(saved.headers["set-cookie"])


async def test_what_is_typed_into_the_url_is_judged_beside_it() -> None:
    async with pages() as p:
        browser = await p.browser()
        wrong = await browser.post(f"{AT}/check", {"webHookUrl": "ftp://crm"}, hx_request="true")
        assert "Refused ftp:" in text(wrong) and "<html" not in text(wrong)
        fine = await browser.post(f"{AT}/check", {"webHookUrl": "https://crm.example.com"})
        assert "may be used" in text(fine) and "trouble" not in text(fine)


async def test_an_edit_keeps_masked_headers_and_moves_only_the_version_that_was_seen() -> None:
    async with pages() as p:
        browser = await p.browser()
        secret = {"X-Api-Key": "0123456789abcdef0"}
        webhook, _ = await p.webhook(webHookHeaders=secret, eventNames=["customerAdded"])
        page = text(await browser.get(f"{AT}/{webhook}/edit"))
        assert "0123456789" not in page and 'value="…def0"' in page
        assert 'value="customerAdded" checked' in page
        form = FORM | {"version": "1", "headerName": "X-Api-Key", "headerValue": "…def0"}
        del form["eventNames"]
        wrong = await browser.post(f"{AT}/{webhook}/edit", form)
        assert wrong.status == 400 and "eventNames must name at least one" in text(wrong)
        form |= {"eventNames": "pointsIssued", "maxAllowedConnections": "3"}
        saved = await browser.post(f"{AT}/{webhook}/edit", form)
        assert saved.status == 303
        record = p.s.webhooks.get(ORG, webhook)
        assert record.webhook.headers == (("X-Api-Key", "0123456789abcdef0"),)
        assert record.webhook.connections_max == 3 and record.webhook.version == 2
        assert record.webhook.event_names == {"pointsIssued"}
        stale = await browser.post(f"{AT}/{webhook}/edit", form)
        assert stale.status == 400 and "Somebody else changed" in text(stale)
        assert p.s.webhooks.get(ORG, webhook).webhook.version == 2


async def test_an_edit_does_not_enable_what_is_disabled_by_accident() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook()
        await p.s.webhooks.change_status(ORG, webhook, "disable", "tests")
        page = text(await browser.get(f"{AT}/{webhook}/edit"))
        assert 'name="active" value="on" checked' not in page
        form = {name: value for name, value in FORM.items() if name != "active"}
        assert (await browser.post(f"{AT}/{webhook}/edit", form)).status == 303
        assert p.s.webhooks.get(ORG, webhook).webhook.status is WebhookStatus.DISABLED


async def test_a_copy_takes_the_credentials_along_without_showing_them() -> None:
    async with pages() as p:
        browser = await p.browser()
        neo = {"label": "Tier", "value": "addTier", "sendWhole": True}
        secret = {"X-Api-Key": "0123456789abcdef0"}
        webhook, _ = await p.webhook(webHookHeaders=secret, neoEnrichment=neo)
        page = text(await browser.get(f"{AT}/new?from={webhook}"))
        assert 'value="Acme CRM copy"' in page and "0123456789" not in page
        form = FORM | {"name": "Copy", "from": webhook}
        form |= {"headerName": "X-Api-Key", "headerValue": "…def0"}
        assert (await browser.post(f"{AT}/new", form)).status == 200
        copied = next(state for state in p.s.webhooks.list(ORG) if state.webhook.name == "Copy")
        assert copied.webhook.headers == (("X-Api-Key", "0123456789abcdef0"),)
        assert json.loads(bytes(copied.webhook.extra["neoEnrichment"])) == neo


@pytest.mark.parametrize("url", ["https://evil.example/", "https://crm.example.com:8443/hook"])
async def test_neither_a_change_nor_a_copy_nor_a_test_sends_stored_values_elsewhere(
    url: str,
) -> None:
    async with pages() as p:
        browser = await p.browser()
        secret = {"X-Api-Key": "0123456789abcdef0"}
        webhook, _ = await p.webhook(webHookHeaders=secret)
        masked = {"headerName": "X-Api-Key", "headerValue": "…def0", "webHookUrl": url}
        for path, form in (
            (f"{AT}/{webhook}/edit", FORM | masked),
            (f"{AT}/new", FORM | masked | {"name": "Copy", "from": webhook}),
        ):
            reply = await browser.post(path, form)
            assert reply.status == 400 and "sent only to the receiver" in text(reply)
            assert "0123456789" not in text(reply)
        for asked in ("webhook", "from"):
            p.s.clock.ms += 1000
            reply = await browser.post(f"{AT}/test", FORM | masked | {asked: webhook})
            assert "Left out of this test" in text(reply)
        assert len(p.s.outside.sent) == 2 and "0123456789" not in repr(p.s.outside.sent)
        whole = FORM | masked | {"headerValue": "another value of mine"}
        assert (await browser.post(f"{AT}/{webhook}/edit", whole)).status == 303
        [record] = p.s.webhooks.list(ORG)
        assert record.webhook.headers == (("X-Api-Key", "another value of mine"),)


async def test_a_webhook_that_calls_nobody_has_a_form_and_no_test() -> None:
    async with pages() as p:
        browser = await p.browser()
        webhook, _ = await p.webhook(webHookType="QUEUE_INT", webHookUrl="")
        page = text(await browser.get(f"{AT}/{webhook}"))
        assert "no call is made" in page and "Send a test" not in page
        reply = await browser.post(f"{AT}/{webhook}/test")
        assert "nothing is sent to" in text(reply) and p.s.outside.opened == []
        form = FORM | {"webHookUrl": "", "slaInSeconds": "7"}
        assert (await browser.post(f"{AT}/{webhook}/edit", form)).status == 303
        copy = FORM | {"webHookUrl": "", "name": "Copy", "from": webhook}
        assert (await browser.post(f"{AT}/new", copy)).status == 200
        kinds = [state.webhook.kind for state in p.s.webhooks.list(ORG)]
        assert kinds == ["QUEUE_INT", "QUEUE_INT"]


async def test_a_flow_that_nobody_knows_is_told_on_the_page_and_copied_only_by_a_word() -> None:
    async with pages() as p:
        browser = await p.browser()
        neo = {"label": "Cut", "value": "cutAll", "sendWhole": True}
        webhook, _ = await p.webhook(neoEnrichment=neo)
        assert "which does not exist here" in text(await browser.get(f"{AT}/{webhook}"))
        form = text(await browser.get(f"{AT}/new?from={webhook}"))
        assert 'name="sendWhole"' in form and 'name="flow"' in form
        copy = FORM | {"name": "Copy", "from": webhook, "flow": "asked"}
        refused = await browser.post(f"{AT}/new", copy)
        assert refused.status == 400 and "the whole event would go out" in text(refused)
        made = await browser.post(f"{AT}/new", copy | {"sendWhole": "on"})
        assert made.status == 200 and "which does not exist here" in text(made)
        [_, copied] = p.s.webhooks.list(ORG)
        assert json.loads(bytes(copied.webhook.extra["neoEnrichment"])) == neo


async def test_the_preview_is_the_payload_of_a_real_event() -> None:
    async with pages() as p:
        browser = await p.browser()
        hint = text(await browser.post(f"{AT}/preview", {}, hx_request="true"))
        assert "Choose an event" in hint
        form = {"eventNames": "pointsIssued", "webHookUrl": "not one yet"}
        example = text(await browser.post(f"{AT}/preview", form, hx_request="true"))
        assert "No such event has come yet" in example
        await accept(p.s, id_of(5), org=7, customer="47110815")
        real = text(await browser.post(f"{AT}/preview", form, hx_request="true"))
        assert "47110815" in real and id_of(5) in real and "<html" not in real
        shaped = form | {"rename": "data.customerIdentifiers = who"}
        renamed = unescape(text(await browser.post(f"{AT}/preview", shaped, hx_request="true")))
        assert '"who"' in renamed and '"customerIdentifiers"' not in renamed
        filtered = form | {"filter": '{"path": "data.nothing", "eq": 1}'}
        kept = text(await browser.post(f"{AT}/preview", filtered, hx_request="true"))
        assert "It would not be sent" in kept
        wrong = text(await browser.post(f"{AT}/preview", form | {"filter": "{"}))
        assert "filter must be JSON" in wrong and "<html" in wrong, "a page without scripts"


async def test_one_tick_leaves_personal_data_out() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get(f"{AT}/new"))
        assert 'name="withoutPersonalData"' in page and "Without personal data" in page
        ticked = FORM | {"withoutPersonalData": "on"}
        for form, shown in ((FORM, True), (ticked, False)):
            payload = text(await browser.post(f"{AT}/preview", form, hx_request="true"))
            assert ("asha@example.test" in payload) is shown and "41200777" in payload
        assert (await browser.post(f"{AT}/new", ticked)).status == 200
        (record,) = p.s.webhooks.list(ORG)
        assert record.webhook.without_personal_data and not record.webhook.plain
        at = f"{AT}/{record.webhook.id}"
        assert "<dt>Personal data</dt><dd>left out</dd>" in text(await browser.get(at))
        edit = text(await browser.get(f"{at}/edit"))
        assert re.search(r'name="withoutPersonalData"[^>]* checked', edit)
        assert (await browser.post(f"{at}/edit", FORM | {"version": "1"})).status == 303
        assert not p.s.webhooks.get(ORG, record.webhook.id).webhook.without_personal_data


async def test_the_preview_shows_nothing_of_another_org() -> None:
    async with pages() as p:
        browser = await p.browser()
        theirs = await p.browser(8)
        await accept(p.s, id_of(5), org=8, customer="47110815")
        form = {"eventNames": "pointsIssued"}
        at = AT.replace("/o/7/", "/o/8/")
        assert "47110815" in text(await theirs.post(f"{at}/preview", form)), "they see it"
        assert "47110815" not in text(await browser.post(f"{AT}/preview", form))


async def test_an_inbox_is_made_beside_the_url_and_takes_a_test_before_anything_is_saved() -> None:
    async with pages() as p:
        browser = await p.browser()
        part = text(await browser.post(f"{AT}/inbox", FORM, hx_request="true"))
        found = re.search(r'name="webHookUrl"[^>]* value="([^"]*)"', part)
        assert found is not None and "/inbox/" in found[1]
        (live,) = p.s.inboxes.list(ORG)
        assert p.s.inboxes.url(live) == unescape(found[1])
        form = FORM | {"webHookUrl": unescape(found[1])}
        tested = text(await browser.post(f"{AT}/test", form, hx_request="true"))
        assert "answered 200 OK" in tested and "webhook-signature" in tested
        page = await p.s.inboxes.arrivals(live, None, None, 10)
        assert len(page.arrivals) == 1 and p.s.webhooks.list(ORG) == []
        whole = text(await browser.post(f"{AT}/inbox", FORM))
        assert "<html" in whole and 'value="Acme CRM"' in whole, "without scripts"


async def test_a_type_shows_its_schema_and_example_beside_the_list() -> None:
    async with pages() as p:
        browser = await p.browser()
        part = text(await browser.get(f"{AT}/types/pointsIssued", hx_request="true"))
        assert "totalPointsIssued" in part and "Example" in part and "<html" not in part
        assert "<html" in text(await browser.get(f"{AT}/types/pointsIssued"))
        assert (await browser.get(f"{AT}/types/nothing")).status == 404


def test_a_webhook_comes_through_the_form_unchanged() -> None:
    body = {
        "name": "crm",
        "eventNames": ["pointsIssued"],
        "webHookUrl": "https://crm.example.com/hook",
        "methodType": "PUT",
        "webHookHeaders": {"Authorization": "Bearer 0123456789abcdef", "X-A": "b"},
        "maxAllowedConnections": 7,
        "slaInSeconds": 30,
        "ordering": "strict",
        "rateLimit": 0.5,
        "deadlineInSeconds": 7.5,
        "holdOnFailure": True,
        "keepResponses": True,
        "withoutPersonalData": True,
        "listenToChildEvents": True,
        "tillDetailsEnrichmentEnabled": True,
        "customerIdentifiersToBeEnriched": ["WeChat", "Instore"],
        "enrichmentWhenDown": "wait",
        "retryPolicy": {"delaysInSeconds": [1.5, 60], "windowInHours": 2, "failStatuses": [501]},
        "filter": {"any": [{"path": "data.a", "eq": "é"}, {"path": "data.b", "gt": 1.5}]},
        "fields": {"keep": ["data.a", "data.b"]},
        "rename": {"data.a": "x = y"},
        "signatures": ["v1a"],
    }

    def read(body: object, source: WebhookSettings | None = None) -> ParsedWebhookBody:
        sent = json.loads(json.dumps(body))
        reading = read_webhook(
            sent, Known(event_types=("pointsIssued",), check_url=lambda _: None), source=source
        )
        assert isinstance(reading, ParsedWebhookBody), reading
        return reading

    first = read(body).settings
    shown = webhook_form.of_settings(first, active=True)
    again, wrong = webhook_form.body_of(shown)
    assert wrong == []
    extra = {name: json.loads(bytes(raw)) for name, raw in first.extra.items()}
    second = read(again, first).settings
    kept = {name: json.loads(bytes(raw)) for name, raw in second.extra.items()}
    assert {name: value for name, value in kept.items() if value} == extra
    for field in first.__struct_fields__:
        if field != "extra":
            assert getattr(second, field) == getattr(first, field), field


OWN_FIELDS = {
    "oauth2ClientCredentials": (
        {"tokenUrl": "https://id.example/t", "clientId": "a"},
        "clientSecret",
    ),
    "basic": ({"username": "a"}, "password"),
    "apiKey": ({"header": "X-Key"}, "value"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_secret_of_each_scheme_is_kept_where_its_mask_comes_back(scheme: str) -> None:
    fields, secret_field = OWN_FIELDS[scheme]
    given = {f"authentication.{name}": value for name, value in fields.items()}
    given |= {"authentication": scheme, f"authentication.{secret_field}": "s3cret-0123456789"}
    async with pages() as p:
        browser = await p.browser()
        assert (await browser.post(f"{AT}/new", FORM | given)).status == 200
        (record,) = p.s.webhooks.list(ORG)
        authentication = record.webhook.authentication
        assert isinstance(authentication, SCHEMES[scheme])
        assert "s3cret-0123456789" in str(msgspec.to_builtins(authentication))
        page = text(await browser.get(f"{AT}/{record.webhook.id}/edit"))
        assert "s3cret-0123456789" not in page and "…6789" in page
        again = {"webhook": record.webhook.id, "version": "1", "slaInSeconds": "60"}
        shown = given | again | {f"authentication.{secret_field}": "…6789"}
        saved = await browser.post(f"{AT}/{record.webhook.id}/edit", FORM | shown)
        assert saved.status == 303, text(saved)
        (record,) = p.s.webhooks.list(ORG)
        assert record.webhook.authentication == authentication and record.webhook.sla_s == 60


async def test_a_form_holds_an_authentication_and_shows_no_secret_of_it() -> None:
    secret = "s3cret-0123456789"
    async with pages() as p:
        browser = await p.browser()
        given = {
            "authentication": "oauth2ClientCredentials",
            "authentication.tokenUrl": "https://id.example/token",
            "authentication.clientId": "tidings",
            "authentication.clientSecret": secret,
            "authentication.clientAuthentication": "client_secret_post",
            "authentication.username": "left from another scheme",
        }
        wrong = await browser.post(f"{AT}/new", FORM | given | {"authentication.scope": "a  b"})
        assert "scope must be scopes with one space" in text(wrong)
        made = await browser.post(f"{AT}/new", FORM | given)
        assert made.status == 200, text(made)
        (record,) = p.s.webhooks.list(ORG)
        wanted = OAuth2ClientCredentials(
            "https://id.example/token", "tidings", secret, None, None, "client_secret_post"
        )
        assert record.webhook.authentication == wanted
        page = await browser.get(f"{AT}/{record.webhook.id}/edit")
        assert secret not in text(page) and "…6789" in text(page)
        version = {"webhook": record.webhook.id, "version": "1"}
        shown = given | version | {"authentication.clientSecret": "…6789", "slaInSeconds": "60"}
        saved = await browser.post(f"{AT}/{record.webhook.id}/edit", FORM | shown)
        assert saved.status == 303, text(saved)
        (record,) = p.s.webhooks.list(ORG)
        assert record.webhook.authentication == wanted and record.webhook.sla_s == 60
        none = FORM | version | {"version": "2", "authentication": ""}
        await browser.post(f"{AT}/{record.webhook.id}/edit", none)
        assert p.s.webhooks.list(ORG)[0].webhook.authentication is None


async def test_a_webhook_of_another_type_is_asked_what_that_type_has() -> None:
    async with pages() as p:
        browser = await p.browser()
        page = text(await browser.get(f"{AT}/new"))
        assert "new?type=KAFKA" in page and "new?type=PULL" in page
        page = text(await browser.get(f"{AT}/new?type=KAFKA"))
        assert all("`" not in own.hint for owns in type_form.OWN.values() for own in owns)
        assert 'name="kafka.topic"' in page and 'name="connection"' in page
        assert 'name="webHookUrl"' not in page and 'id="headers"' not in page
        form = FORM | {"webHookType": "KAFKA", "webHookUrl": "", "connection": "main"}
        said = text(await browser.post(f"{AT}/new", form | {"kafka.topic": "a b"}))
        assert "kafka.topic must be" in said and 'value="a b"' in said, "nothing typed is lost"
        assert (await browser.post(f"{AT}/new", form | {"kafka.topic": "crm"})).status == 200
        [record] = p.s.webhooks.list(ORG)
        assert record.webhook.url == "kafka://main/crm"
        at = f"{AT}/{record.webhook.id}"
        assert "kafka://main/crm" in text(await browser.get(at))
        page = text(await browser.get(f"{at}/edit"))
        assert 'value="crm"' in page and '<option value="main" selected>' in page
        changed = form | {"kafka.topic": "crm.loyalty", "version": "1"}
        assert (await browser.post(f"{at}/edit", changed)).status == 303
        [record] = p.s.webhooks.list(ORG)
        assert record.webhook.url == "kafka://main/crm.loyalty"


async def test_a_webhook_that_is_fetched_from_shows_its_readers_and_no_test() -> None:
    async with pages() as p:
        browser = await p.browser()
        form = FORM | {"webHookType": "PULL", "webHookUrl": "", "name": "Reader"}
        assert (await browser.post(f"{AT}/new", form)).status == 200
        [record] = p.s.webhooks.list(ORG)
        page = text(await browser.get(f"{AT}/{record.webhook.id}"))
        assert "0 wait, 0 messages are out" in page and "Send a test" not in page
