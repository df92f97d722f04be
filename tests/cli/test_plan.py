"""Webhooks as code: what a file comes to, without a service."""

from typing import Any

import pytest

from tidings.cli.plan import (
    DEFAULTS,
    BadFile,
    diff,
    exported,
    plan,
    read_file,
    read_original,
    variable,
)

URL = "https://crm.example.com/hook"


def there(name: str = "crm", **fields: Any) -> dict[str, Any]:
    """A webhook as GET shows it."""
    known = {"name": name, "webHookId": "1" * 24, "version": 3, "webHookUrl": URL}
    return DEFAULTS | known | {"eventNames": ["pointsIssued"]} | fields


def wanted(name: str = "crm", **fields: Any) -> dict[str, Any]:
    """A webhook of a file."""
    return {"name": name, "webHookUrl": URL, "eventNames": ["pointsIssued"]} | fields


def fields_of(changes: list[Any]) -> list[str]:
    return [field for change in changes for field, _, _ in change.fields]


def test_what_is_exported_comes_to_nothing_when_it_is_applied() -> None:
    webhook = there(
        rateLimit=5.0,
        filter={"field": "data.points", "above": 3},
        webHookHeaders={"Authorization": "Bearer abc", "X-Shop": "7"},
        neoEnrichment={"label": None, "value": None, "possibleValues": [{"label": "a"}]},
    )
    assert plan([exported(webhook)], [webhook], {}) == []


def test_an_export_holds_no_secret_and_nothing_that_is_usual() -> None:
    headers = {"Authorization": "Bearer abc", "x-api-key": "k", "X-Shop": "7"}
    assert exported(there(webHookHeaders=headers)) == {
        "name": "crm",
        "eventNames": ["pointsIssued"],
        "webHookUrl": URL,
        "webHookHeaders": {
            "Authorization": "${CRM_AUTHORIZATION}",
            "x-api-key": "${CRM_X_API_KEY}",
            "X-Shop": "7",
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
    (change,) = plan([wanted()], [there(rateLimit=5.0, ordering="key", slaInSeconds=3)], {})
    assert change.body == {"rateLimit": None, "ordering": "none", "slaInSeconds": None}


def test_order_and_case_that_mean_nothing_change_nothing() -> None:
    present = there(eventNames=["a", "b"], webHookHeaders={"X-Shop": "7"}, slaInSeconds=0)
    file = wanted(eventNames=["b", "a"], webHookHeaders={"x-shop": "7"})
    assert plan([file], [present], {}) == []


def test_a_header_stays_where_its_variable_is_not_set_and_changes_where_it_is() -> None:
    present = there(webHookHeaders={"Authorization": "Bearer old-old-old-old-1111"})
    file = wanted(webHookHeaders={"Authorization": "Bearer ${TOKEN}"})
    assert plan([file], [present], {}) == []
    (change,) = plan([file], [present], {"TOKEN": "new-new-new-new-2222"})
    assert change.body == {"webHookHeaders": {"Authorization": "Bearer new-new-new-new-2222"}}
    shown = "\n".join(text for _, text in diff(change))
    assert "…1111 → …2222" in shown and "old-old" not in shown and "new-new" not in shown


def test_a_new_webhook_needs_its_variables() -> None:
    file = wanted(webHookHeaders={"Authorization": "${CRM_AUTHORIZATION}"})
    with pytest.raises(BadFile, match="needs the variable CRM_AUTHORIZATION; it is not set"):
        plan([file], [], {})


def test_only_prune_deletes_what_the_file_does_not_name() -> None:
    present = [there(), there("old")]
    assert plan([wanted()], present, {}) == []
    (change,) = plan([wanted()], present, {}, prune=True)
    assert (change.name, change.what, change.body) == ("old", "delete", None)


def test_an_import_says_nothing_about_what_the_original_does_not_know() -> None:
    answer = {"data": [wanted(active=True, webHookId="x", attribution={}, noOfRetryAttempts=3)]}
    bodies, left = read_original(answer)
    assert left == []
    assert plan(bodies, [there(rateLimit=5.0)], {}, only=("eventNames", "webHookUrl")) == []


def test_an_import_leaves_out_what_is_not_active_and_says_so() -> None:
    bodies, left = read_original([wanted(), wanted(active=False)])
    assert [one["name"] for one in bodies] == ["crm"]
    assert left == ["crm is not active; it was left out."]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "must hold a list named webhooks"),
        ([], "must hold a list named webhooks"),
        ({"webhooks": {}}, "must hold a list named webhooks"),
        ({"webhooks": [1]}, "Webhook 1 of FILE must have a name"),
        ({"webhooks": [{"name": ""}]}, "Webhook 1 of FILE must have a name"),
        ({"webhooks": [wanted(), wanted()]}, "crm is there twice"),
        ({"webhooks": [wanted(rateLimt=1)]}, "got rateLimt. Check its spelling"),
        ({"webhooks": [wanted(webHookHeaders={"A": 1})]}, "must be names and texts"),
        ({"webhooks": [wanted(webHookHeaders=["A"])]}, "must be names and texts"),
    ],
)
def test_a_file_that_says_no_webhooks_is_refused_with_what_to_write(
    document: Any, said: str
) -> None:
    with pytest.raises(BadFile, match=said):
        read_file(document)
