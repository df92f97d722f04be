"""Webhooks as code: what a file comes to, without a service."""

from datetime import date
from typing import Any

import pytest

from tidings.cli.webhooks.defaults import DEFAULTS, Body
from tidings.cli.webhooks.document import BadFile, Document, read_file, read_original
from tidings.cli.webhooks.plan import PlannedChange, diff, exported, plan, variable
from tidings.core.webhooks.fields import ORIGINAL

URL = "https://crm.example.com/hook"


def there(name: str = "crm", **fields: Any) -> dict[str, Any]:
    """A webhook as GET shows it."""
    known = {"name": name, "webHookId": "1" * 24, "version": 3, "webHookUrl": URL}
    return DEFAULTS | known | {"eventNames": ["pointsIssued"]} | fields


def wanted(name: str = "crm", **fields: Any) -> dict[str, Any]:
    """A webhook of a file."""
    return {"name": name, "webHookUrl": URL, "eventNames": ["pointsIssued"]} | fields


def changes_of(
    file: list[Body], present: list[Body], environ: Any = (), **more: Any
) -> list[PlannedChange]:
    """The plan of a file that has no fault."""
    document = read_file({"webhooks": file})
    changes, faults = plan(document, present, dict(environ), **more)
    assert document.faults + faults == []
    return changes


def faults_of(document: Document) -> list[str]:
    return [str(fault) for fault in document.faults]


def test_what_is_exported_comes_to_nothing_when_it_is_applied() -> None:
    webhook = there(
        rateLimit=5.0,
        filter={"field": "data.points", "above": 3},
        webHookHeaders={"Authorization": "Bearer abc", "X-Shop": "7"},
        neoEnrichment={"label": None, "value": None, "possibleValues": [{"label": "a"}]},
    )
    assert changes_of([exported(webhook)], [webhook]) == []


def test_an_export_holds_no_secret_and_nothing_that_is_usual() -> None:
    headers = {"Authorization": "Bearer abc", "x-api-key": "k", "X-Shop": "7"}
    assert exported(there(webHookHeaders=headers)) == {
        "name": "crm",
        "eventNames": ["pointsIssued"],
        "webHookUrl": URL,
        "webHookHeaders": {
            "Authorization": "${CRM_AUTHORIZATION}",
            "x-api-key": "${CRM_X_API_KEY}",
            "X-Shop": "${CRM_X_SHOP}",
        },
        "maxAllowedConnections": 10,
    }


@pytest.mark.parametrize(
    ("webhook", "name"),
    [("crm", "${CRM_COOKIE}"), ("7 Läden", "${WEBHOOK_7_L_DEN_COOKIE}")],
)
def test_a_variable_is_one_that_a_shell_can_set(webhook: str, name: str) -> None:
    assert variable(webhook, "Cookie") == name


def test_what_a_file_leaves_out_has_its_default() -> None:
    (change,) = changes_of([wanted()], [there(rateLimit=5.0, ordering="key", slaInSeconds=3)])
    assert change.body == {"rateLimit": None, "ordering": "none", "slaInSeconds": None}


def test_order_and_case_that_mean_nothing_change_nothing() -> None:
    present = there(eventNames=["a", "b"], webHookHeaders={"X-Shop": "7"}, slaInSeconds=0)
    file = wanted(eventNames=["b", "a"], webHookHeaders={"x-shop": "7"})
    assert changes_of([file], [present]) == []


def test_a_header_stays_where_its_variable_is_not_set_and_changes_where_it_is() -> None:
    present = there(webHookHeaders={"Authorization": "Bearer old-old-old-old-1111"})
    file = wanted(webHookHeaders={"Authorization": "Bearer ${TOKEN}"})
    assert changes_of([file], [present]) == []
    (change,) = changes_of([file], [present], {"TOKEN": "new-new-new-new-2222"})
    assert change.body == {"webHookHeaders": {"Authorization": "Bearer new-new-new-new-2222"}}
    shown = "\n".join(text for _, text in diff(change))
    assert "…1111 → …2222" in shown and "old-old" not in shown and "new-new" not in shown


def test_a_new_webhook_needs_its_variables_and_all_that_are_missing_are_told() -> None:
    headers = {"Authorization": "${CRM_AUTHORIZATION}", "X-Key": "${CRM_KEY}"}
    file = [wanted(webHookHeaders=headers), wanted("shop", signingSecret="${SHOP_SECRET}")]
    changes, faults = plan(read_file({"webhooks": file}), [], {"CRM_KEY": "k"})
    assert changes == []
    assert list(map(str, faults)) == [
        "webhooks[0].webHookHeaders.Authorization (crm): It needs the variable CRM_AUTHORIZATION; "
        "it is not set. Set it: CRM_AUTHORIZATION=… tidings webhooks apply FILE",
        "webhooks[1].signingSecret (shop): It needs the variable SHOP_SECRET; it is not set. "
        "Set it: SHOP_SECRET=… tidings webhooks apply FILE",
    ]


def test_a_webhook_that_is_there_keeps_its_secret() -> None:
    assert changes_of([wanted(signingSecret="${CRM_SECRET}")], [there()]) == []


@pytest.mark.parametrize("headers", [{"": ""}, {"": None}, {"": "", "X-Shop": "7"}])
def test_a_header_without_a_name_is_none(headers: dict[str, Any]) -> None:
    present = there(webHookHeaders={name: text for name, text in headers.items() if name})
    assert changes_of([wanted(webHookHeaders=headers)], [present]) == []
    imported = read_original([wanted(webHookHeaders=headers)])
    assert plan(imported, [present], {}, only=ORIGINAL) == ([], []) and imported.left == []


def test_an_import_says_what_header_it_leaves_out() -> None:
    imported = read_original([wanted(webHookHeaders={"": "x", "X-Shop": "7"})])
    assert imported.wanted[0]["webHookHeaders"] == {"X-Shop": "7"}
    assert imported.left == ["A header of crm has no name; it was left out."]


def test_what_the_service_makes_of_a_change_is_what_it_is() -> None:
    spaced = wanted(webHookUrl=f" {URL} ", eventNames=["pointsIssued", "pointsIssued"])
    (change,) = changes_of([spaced], [there()])
    assert change.coming_to(there()) is None
    (change,) = changes_of([wanted(maxAllowedConnections="7.9", rateLimit=3)], [there()])
    now = change.coming_to(there(maxAllowedConnections=7, rateLimit=3.0))
    assert now is not None and now.body == change.body
    assert now.fields == (("maxAllowedConnections", 10, 7), ("rateLimit", None, 3.0))


def test_what_a_new_webhook_comes_to_is_shown_as_the_service_would_keep_it() -> None:
    (change,) = changes_of([wanted(webHookUrl=f" {URL} ", rateLimit=None)], [])
    now = change.coming_to(there(webHookId=""))
    assert now is not None
    assert diff(now) == [
        ("+", "crm"),
        ("+", '  eventNames: ["pointsIssued"]'),
        ("+", f"  webHookUrl: {URL}"),
    ]


@pytest.mark.parametrize("value", [5, "pointsIssued", {"a": 1}, [1, "a"]])
@pytest.mark.parametrize("field", ["eventNames", "retryPolicy", "filter", "slaInSeconds"])
def test_a_value_of_another_kind_is_for_the_service_to_judge(field: str, value: Any) -> None:
    (change,) = changes_of([wanted(**{field: value})], [there()])
    assert change.body == {field: value}


def test_only_prune_deletes_what_the_file_does_not_name() -> None:
    present = [there(), there("old")]
    assert changes_of([wanted()], present) == []
    (change,) = changes_of([wanted()], present, prune=True)
    assert (change.name, change.what, change.body) == ("old", "delete", None)


def test_an_import_says_nothing_about_what_the_original_does_not_know() -> None:
    answer = {"data": [wanted(active=True, webHookId="x", attribution={}, noOfRetryAttempts=3)]}
    read = read_original(answer)
    assert (read.left, read.faults) == ([], [])
    assert plan(read, [there(rateLimit=5.0)], {}, only=ORIGINAL) == ([], [])


def test_an_import_leaves_out_what_is_not_active_and_says_so() -> None:
    read = read_original([wanted(), wanted(active=False)])
    assert [row["name"] for row in read.wanted] == ["crm"]
    assert read.left == ["crm is not active; it was left out."]


@pytest.mark.parametrize("document", [None, [], {"webhooks": {}}])
def test_a_file_without_a_list_is_refused_with_what_to_write(document: Any) -> None:
    with pytest.raises(BadFile, match="must contain a list named webhooks"):
        read_file(document)


@pytest.mark.parametrize(
    ("webhooks", "said"),
    [
        ([1], "webhooks[0]: A webhook must have a name"),
        ([{"name": " "}], "webhooks[0]: A webhook must have a name"),
        (
            [wanted(), wanted("crm ")],
            "webhooks[1].name (crm): A name must be there once; web",
        ),
        ([wanted(rateLimt=1)], "webhooks[0].rateLimt (crm): A field must be one of a webhook; got"),
        ([wanted(webHookHeaders={"A": 1})], "webhooks[0].webHookHeaders.A (crm): Headers must be"),
        ([wanted(webHookHeaders={5: "x"})], "webhooks[0].webHookHeaders.5 (crm): Headers must be"),
        ([wanted(webHookHeaders=["A"])], "webhooks[0].webHookHeaders (crm): Headers must be names"),
        (
            [wanted(filter={"in": [date(2026, 2, 11)]})],
            "webhooks[0].filter.in[0] (crm): A value",
        ),
        (
            [wanted(rateLimit=float("nan"))],
            "webhooks[0].rateLimit (crm): A number must have",
        ),
    ],
)
def test_a_webhook_that_cannot_be_is_told_with_its_place_and_what_to_write(
    webhooks: list[Any], said: str
) -> None:
    document = read_file({"webhooks": webhooks})
    (told,) = faults_of(document)
    assert told.startswith(said)


def test_all_faults_of_a_file_are_told_and_what_has_one_is_not_pruned() -> None:
    document = read_file({"webhooks": [1, wanted(rateLimt=1, slaInSecond=2), wanted("shop")]})
    assert len(faults_of(document)) == 3
    changes, _ = plan(document, [there(), there("shop"), there("old")], {}, prune=True)
    assert [(change.name, change.what) for change in changes] == [("old", "delete")]
