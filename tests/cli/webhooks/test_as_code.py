"""`tidings webhooks export` and `apply`, against a service."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tidings.cli.calls import ApiClient
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.webhooks import as_code
from tidings.cli.webhooks.defaults import DEFAULTS, settled
from tidings.cli.where import Where, server
from tidings.core.webhooks.authentication import SCHEMES

AUTHORIZATION = "Bearer 0123456789abcdef"
FILE = """\
webhooks:
- name: crm
  eventNames: [pointsIssued, tierUpgraded]
  webHookUrl: https://example.com/crm
  maxAllowedConnections: 5
  rateLimit: 20
- name: survey
  eventNames: [pointsIssued]
  webHookUrl: https://example.com/survey
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "webhooks.yaml"
    made.write_text(FILE)
    return made


def webhooks(org: Api) -> dict[str, dict[str, Any]]:
    found = org.get("/v3/webHooks").must(200)["data"]
    return {row["name"]: row for row in found if row["standing"] != "deleted"}


def test_the_defaults_are_those_of_the_service(org: Api) -> None:
    made = {"name": "plain", "eventNames": ["pointsIssued"], "webHookUrl": "https://example.com/"}
    org.send("POST", "/v3/webHooks", made | {"maxAllowedConnections": 10}).must(200)
    shown = settled(webhooks(org)["plain"])
    said = {"eventNames": made["eventNames"], "webHookUrl": made["webHookUrl"]}
    assert shown == DEFAULTS | said


def test_a_dry_run_shows_the_difference_and_changes_nothing(
    tidings: Command, org: Api, file: Path
) -> None:
    done = tidings("webhooks", "apply", str(file), "--dry-run").must(0)
    assert "+ crm\n" in done.out and '+   eventNames: ["pointsIssued", "tierUpgraded"]' in done.out
    assert "2 would be created" in done.err
    assert done.err.splitlines()[-1] == f"Next: tidings webhooks apply {file}"
    assert webhooks(org) == {}


def test_applied_twice_is_applied_once(tidings: Command, org: Api, file: Path) -> None:
    done = tidings("webhooks", "apply", str(file)).must(0)
    assert "2 created · 0 changed · 0 deleted · 0 as they are." in done.err
    assert "whsec_" not in done.out + done.err
    before = webhooks(org)
    assert before["crm"]["rateLimit"] == 20
    done = tidings("webhooks", "apply", str(file)).must(0)
    assert "0 created · 0 changed · 0 deleted · 2 as they are." in done.err
    assert webhooks(org) == before


def test_a_change_is_one_version_and_takes_away_what_the_file_no_longer_says(
    tidings: Command, org: Api, file: Path
) -> None:
    tidings("webhooks", "apply", str(file)).must(0)
    file.write_text(FILE.replace("  rateLimit: 20\n", "  ordering: key\n"))
    done = tidings("webhooks", "apply", str(file), "--json").must(0)
    assert (done.row["webhook"], done.row["change"]) == ("crm", "change")
    now = webhooks(org)["crm"]
    assert (now["rateLimit"], now["ordering"], now["version"]) == (None, "key", 2)


def test_an_export_can_be_applied_elsewhere_and_holds_no_secret(
    tidings: Command, org: Api, new_org: Any, tmp_path: Path
) -> None:
    made = org.webhook("https://example.com/x", webHookHeaders={"Authorization": AUTHORIZATION})
    file = tmp_path / "out.yaml"
    tidings("webhooks", "export", str(file)).must(0)
    text = file.read_text()
    assert AUTHORIZATION not in text and made["signingSecret"] not in text
    assert "as they are" in tidings("webhooks", "apply", str(file)).must(0).err
    other = new_org()
    done = tidings("webhooks", "apply", str(file), "--org", str(other.org)).must(2)
    assert "It needs the variable CRM_AUTHORIZATION; it is not set." in done.err
    done = tidings(
        "webhooks", "apply", str(file), "--org", str(other.org), CRM_AUTHORIZATION=AUTHORIZATION
    ).must(0)
    assert AUTHORIZATION not in done.out + done.err
    there = webhooks(other)["crm"]
    assert there["webHookHeaders"] == {"Authorization": f"…{AUTHORIZATION[-4:]}"}
    assert settled(there) == settled(webhooks(org)["crm"])


def test_a_value_that_is_given_is_applied_even_where_its_end_is_as_the_stored_ones(
    tidings: Command, org: Api, tmp_path: Path
) -> None:
    """All that reads show is the end: whether it is another value the service knows alone."""
    inbox = org.send("POST", "/v1/inboxes", {}).must(201)
    org.webhook(inbox["url"], webHookHeaders={"X-Key": AUTHORIZATION, "X-Short": "old"})
    file = tmp_path / "out.yaml"
    tidings("webhooks", "export", str(file)).must(0)
    assert "…" not in file.read_text() and "${CRM_X_SHORT}" in file.read_text()
    before = webhooks(org)["crm"]
    same = {"CRM_X_KEY": AUTHORIZATION, "CRM_X_SHORT": "old"}
    other = {"CRM_X_KEY": AUTHORIZATION[::-1][4:] + AUTHORIZATION[-4:], "CRM_X_SHORT": "new"}
    for variables, version, said in (
        ({}, 1, "0 created · 0 changed · 0 deleted · 1 as they are."),
        (same, 1, "0 created · 0 changed · 0 deleted · 1 as they are."),
        (other, 2, "0 created · 1 changed · 0 deleted · 0 as they are."),
        (other, 2, "0 created · 0 changed · 0 deleted · 1 as they are."),
    ):
        dry = tidings("webhooks", "apply", str(file), "--dry-run", **variables).must(0)
        done = tidings("webhooks", "apply", str(file), **variables).must(0)
        told = dry.out + dry.err + done.out + done.err
        assert not any(value in told for value in (*same.values(), *other.values())), told
        assert ("given again" in dry.out) == bool(variables)
        assert said in done.err and "0 would be changed" in dry.err
        now = webhooks(org)["crm"]
        assert now["version"] == version
        assert now["webHookHeaders"] == before["webHookHeaders"]


def test_a_mask_in_a_file_is_never_stored_for_another_value(
    tidings: Command, org: Api, file: Path
) -> None:
    headers = "  webHookHeaders: {Authorization: …cdef}\n"
    file.write_text(FILE + headers)
    done = tidings("webhooks", "apply", str(file)).must(4)
    assert "(masked_value, field webHookHeaders.Authorization)" in done.err
    assert webhooks(org) == {}


def test_a_flow_that_nobody_knows_stops_an_import_until_it_is_asked_for(
    tidings: Command, org: Api, tmp_path: Path
) -> None:
    neo: dict[str, Any] = {"label": "Cut", "value": "cutAll", "possibleValues": []}
    one: dict[str, Any] = {"name": "crm", "active": True, "eventNames": ["pointsIssued"]}
    one |= {"webHookUrl": "https://example.com/", "maxAllowedConnections": 1, "neoEnrichment": neo}
    queue = {"name": "q", "webHookType": "QUEUE_INT", "webHookUrl": ""}
    file = tmp_path / "answer.json"
    file.write_text(json.dumps({"data": [one, one | queue]}))
    done = tidings("webhooks", "apply", "--from-original", str(file)).must(4)
    assert "data[0].neoEnrichment.value (crm): neoEnrichment.value must name one" in done.err
    assert "1 fault; nothing was changed." in done.err and webhooks(org) == {}
    neo["sendWhole"] = True
    file.write_text(json.dumps({"data": [one, one | queue]}))
    done = tidings("webhooks", "apply", "--from-original", str(file)).must(0)
    assert "which does not exist here" in done.err
    assert webhooks(org)["q"]["webHookUrl"] == ""
    assert "1 changed" not in tidings("webhooks", "apply", "--from-original", str(file)).err
    out = tmp_path / "out.yaml"
    tidings("webhooks", "export", str(out)).must(0)
    assert "2 as they are." in tidings("webhooks", "apply", str(out)).must(0).err
    assert "warning" in tidings("webhooks", "show", "crm").must(0).out
    assert "nothing is sent to" in tidings("webhooks", "test", "q").must(4).err


def test_an_export_goes_to_a_pipe_as_yaml_or_json(tidings: Command, org: Api) -> None:
    org.webhook("https://example.com/x")
    as_yaml = yaml.safe_load(tidings("webhooks", "export").must(0).out)
    as_json = json.loads(tidings("webhooks", "export", "--json").must(0).out)
    assert as_yaml == as_json
    assert [row["name"] for row in as_json["webhooks"]] == ["crm"]


def test_what_somebody_else_has_changed_meanwhile_is_not_lost(
    tidings: Command, org: Api, file: Path
) -> None:
    tidings("webhooks", "apply", str(file)).must(0)
    file.write_text(FILE.replace("rateLimit: 20", "rateLimit: 30"))
    terminal = tidings.on_terminal("webhooks", "apply", str(file))
    terminal.shows("Apply it? [y/N]")
    org.change(webhooks(org)["crm"], maxAllowedConnections=7)
    terminal.type("y\n")
    done = terminal.ended().must(4)
    assert (
        "crm must be unchanged since it was read; somebody changed it in the meantime." in done.out
    )
    now = webhooks(org)["crm"]
    assert (now["rateLimit"], now["maxAllowedConnections"]) == (20, 7)


def test_on_a_terminal_no_is_no(tidings: Command, org: Api, file: Path) -> None:
    terminal = tidings.on_terminal("webhooks", "apply", str(file))
    terminal.shows("Apply it? [y/N]")
    terminal.type("\n")
    assert "Nothing was changed." in terminal.ended().must(4).out
    assert webhooks(org) == {}


def test_prune_asks_and_behind_a_pipe_needs_yes(tidings: Command, org: Api, file: Path) -> None:
    org.webhook("https://example.com/old", "old")
    done = tidings("webhooks", "apply", str(file), "--prune").must(2)
    assert "Not a terminal: pass --yes." in done.err
    assert list(webhooks(org)) == ["old"]
    done = tidings("webhooks", "apply", str(file), "--prune", "--yes").must(0)
    assert "2 created · 0 changed · 1 deleted" in done.err
    assert sorted(webhooks(org)) == ["crm", "survey"]


def test_an_answer_of_the_original_is_imported(tidings: Command, org: Api, tmp_path: Path) -> None:
    answer = {
        "data": [
            {
                "webHookId": "62f4a9bb5a0e8a1f0c0f0a11",
                "name": "old crm",
                "active": True,
                "eventNames": ["pointsIssued"],
                "webHookType": "HTTP",
                "webHookUrl": "https://example.com/old",
                "methodType": "POST",
                "webHookHeaders": {"X-Shop": "7"},
                "maxAllowedConnections": 10.99,
                "slaInSeconds": None,
                "noOfRetryAttempts": 0,
                "tillDetailsEnrichmentEnabled": True,
                "neoEnrichment": {"label": None, "value": None, "possibleValues": []},
                "attribution": {"createdOn": "2024-02-11T14:45:00+0530"},
            },
            {"name": "gone", "active": False, "eventNames": [], "webHookUrl": ""},
        ],
        "errors": None,
        "warnings": None,
    }
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(answer))
    done = tidings("webhooks", "apply", "--from-original", str(file)).must(0)
    assert "gone is not active; it was left out." in done.err
    now = webhooks(org)
    assert list(now) == ["old crm"]
    assert now["old crm"]["tillDetailsEnrichmentEnabled"] is True
    assert now["old crm"]["maxAllowedConnections"] == 10
    org.change(now["old crm"], rateLimit=9)
    done = tidings("webhooks", "apply", "--from-original", str(file)).must(0)
    assert "1 as they are." in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "FILE must be YAML or JSON; got "),
        ("webhooks: 1", "FILE must contain a list named webhooks; got none."),
        ("a: &x [1]\nb: *x", "FILE must be YAML or JSON; got a reference (*)"),
        ("!!python/object:os.system {}", "FILE must be YAML or JSON; got could not determine"),
        ("", "FILE must contain a list named webhooks; got none."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_changes_nothing(
    tidings: Command, org: Api, text: str, said: str
) -> None:
    assert tidings("webhooks", "apply", "-", stdin=text).must(2).err.startswith(said)
    assert webhooks(org) == {}


BAD = """\
webhooks:
- name: crm
  eventNames: [pointsIssued]
  webHookUrl: https://example.com/crm
- name: shop
  eventNames: [pointIssued]
  webHookUrl: ftp://example.com
  filter: {path: 1}
- name: survey
  eventNames: [pointsIssued]
  webHookUrl: https://example.com/x
  rateLimt: 5
"""


@pytest.mark.parametrize("flags", [["--dry-run"], []])
def test_all_that_cannot_be_is_told_at_once_and_nothing_is_done(
    tidings: Command, org: Api, file: Path, flags: list[str]
) -> None:
    file.write_text(BAD)
    done = tidings("webhooks", "apply", str(file), *flags).must(2)
    for said in (
        "webhooks[2].rateLimt (survey): A field must be one of a webhook; got rateLimt.",
        "webhooks[1].webHookUrl (shop): ",
        "webhooks[1].eventNames (shop): eventNames must contain names of event types, or prefixes "
        "such as",
        "webhooks[1].filter",
    ):
        assert said in done.err
    assert done.err.splitlines()[-1].startswith("4 faults; nothing was changed.")
    assert webhooks(org) == {}


def test_a_field_that_is_misspelt_inside_another_stops_it_too(
    tidings: Command, org: Api, file: Path
) -> None:
    """The service takes it with a warning, as callers of the original send what they like."""
    file.write_text(FILE.replace("rateLimit: 20", "retryPolicy: {windowInHour: 5}"))
    for flags in (["--dry-run"], []):
        done = tidings("webhooks", "apply", str(file), *flags)
        assert done.code == 4
        assert "webhooks[0].retryPolicy.windowInHour (crm): A field must be" in done.err
        assert done.err.splitlines()[-1].startswith("1 fault; nothing was changed.")
        assert webhooks(org) == {}


def test_what_the_service_refuses_of_a_change_is_found_without_making_it(
    tidings: Command, org: Api, file: Path
) -> None:
    tidings("webhooks", "apply", str(file)).must(0)
    before = webhooks(org)
    wrong = FILE.replace("https://example.com/survey", "ftp://x")
    file.write_text(wrong.replace("rateLimit: 20", "rateLimit: 2"))
    for flags in (["--dry-run"], []):
        done = tidings("webhooks", "apply", str(file), *flags).must(4)
        assert "webhooks[1].webHookUrl (survey): " in done.err
        assert "(url_refused, field webHookUrl)" in done.err
        assert webhooks(org) == before


def test_what_comes_to_the_same_in_the_service_is_no_change(
    tidings: Command, org: Api, file: Path
) -> None:
    file.write_text(
        FILE.replace("crm\n  event", '"crm "\n  event')
        .replace("https://example.com/crm", '"https://example.com/crm "')
        .replace("maxAllowedConnections: 5", 'maxAllowedConnections: "5.5"')
        + "  webHookHeaders: {'': '', X-Shop: '7 '}\n  eventVersions: {pointsIssued: 1}\n"
    )
    done = tidings("webhooks", "apply", str(file)).must(0)
    assert "2 created" in done.err
    before = webhooks(org)
    done = tidings("webhooks", "apply", str(file), "--dry-run").must(0)
    assert "0 would be changed · 0 would be deleted · 2 as they are." in done.err
    tidings("webhooks", "apply", str(file)).must(0)
    assert webhooks(org) == before


def test_the_next_line_of_a_dry_run_keeps_every_flag(
    tidings: Command, org: Api, file: Path
) -> None:
    org.webhook("https://example.com/old", "old")
    asked = ("apply", str(file), "--dry-run", "--prune", "--yes", "--json", "--org", str(org.org))
    done = tidings("webhooks", *asked, TIDINGS_ORG="").must(0)
    again = f"tidings webhooks apply {file} --prune --yes --json --org {org.org}"
    assert done.err.splitlines()[-1] == f"Next: {again}"
    tidings(*again.split()[1:], TIDINGS_ORG="").must(0)
    assert sorted(webhooks(org)) == ["crm", "survey"]


def test_a_warning_is_told_by_the_dry_run_and_once_by_the_real_one(
    tidings: Command, org: Api, file: Path
) -> None:
    file.write_text(FILE.replace("  rateLimit: 20", "  webHookType: QUEUE_INT"))
    for flags in (["--dry-run"], []):
        done = tidings("webhooks", "apply", str(file), *flags).must(0)
        assert done.err.count("crm: webHookType should be HTTP") == 1


def test_what_is_changed_by_others_meanwhile_is_told_with_what_was_done_before(
    tidings: Command, org: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it was tried by then: only what happens after that can stop it half way."""
    tidings("webhooks", "apply", str(file)).must(0)
    file.write_text(FILE.replace("example.com", "example.org"))
    survey = webhooks(org)["survey"]["webHookId"]

    class Overtaken(ApiClient):
        def ask(
            self, method: str, path: str, body: Any = None, *, if_match: str | None = None
        ) -> tuple[int, Any]:
            answer = super().ask(method, path, body, if_match=if_match)
            if method == "PUT" and "dryRun" not in path and survey not in path:
                org.send("PATCH", f"/v3/webHooks/{survey}", {"rateLimit": 7}).must(200)
            return answer

    monkeypatch.setenv("TIDINGS_KEY", tidings.environ["TIDINGS_KEY"])
    where = Where(url=tidings.environ["TIDINGS_URL"], org=org.org)
    monkeypatch.setattr(as_code, "calls", lambda _: Overtaken(server(where), where=where))
    with pytest.raises(CommandExit) as stopped:
        as_code.apply(str(file), where, dry_run=False, prune=False, from_original=False, yes=True)
    assert stopped.value.code is Exit.REFUSED
    assert (
        "survey must be unchanged since it was read; somebody changed it" in stopped.value.problem
    )
    assert stopped.value.problem.endswith(
        "Before that, 0 created · 1 changed · 0 deleted · 0 as they are."
    )
    now = webhooks(org)
    assert now["crm"]["webHookUrl"] == "https://example.org/crm"
    assert (now["survey"]["webHookUrl"], now["survey"]["rateLimit"]) == (
        "https://example.com/survey",
        7.0,
    )


def test_a_credential_that_may_only_read_sees_the_difference_and_why_it_may_not(
    tidings: Command, org: Api, file: Path
) -> None:
    at = ("--org", str(org.org))
    asked = ("credentials", "create", "reader", "--scope", "webhooks:read", "--json", *at)
    made = tidings(*asked).must(0).row
    reader = {"TIDINGS_KEY": f"{made['id']}:{made['secret']}", "TIDINGS_ORG": ""}
    done = tidings("webhooks", "apply", str(file), "--dry-run", **reader).must(4)
    assert "+ crm\n" in done.out and "webhooks:write" in done.err


def test_a_file_holds_variables_for_what_is_secret_of_an_authentication(
    tidings: Command, org: Api, tmp_path: Path
) -> None:
    secret = "s3cret-0123456789"
    proof = {"type": "basic", "username": "tidings", "password": secret}
    org.webhook("https://example.com/crm", authentication=proof)
    file = tmp_path / "out.yaml"
    tidings("webhooks", "export", str(file)).must(0)
    held = yaml.safe_load(file.read_text())["webhooks"][0]["authentication"]
    assert held == proof | {"password": "${CRM_PASSWORD}"}
    assert "authentication  basic\n" in tidings("webhooks", "show", "crm").out
    for variables, version in (
        ({}, 1),
        ({"CRM_PASSWORD": secret}, 1),
        ({"CRM_PASSWORD": "another-0123456789"}, 2),
        ({"CRM_PASSWORD": "quite-another"}, 3),
        ({}, 3),
    ):
        dry = tidings("webhooks", "apply", str(file), "--dry-run", **variables).must(0)
        done = tidings("webhooks", "apply", str(file), **variables).must(0)
        told = dry.out + dry.err + done.out + done.err
        assert secret not in told and "another" not in told
        assert webhooks(org)["crm"]["version"] == version, (variables, told)


PROOFS = {
    "basic": ({"username": "tidings"}, "password"),
    "apiKey": ({"header": "X-Key"}, "value"),
    "oauth2ClientCredentials": (
        {"tokenUrl": "https://id.example/t", "clientId": "tidings"},
        "clientSecret",
    ),
}


def test_a_file_holds_a_variable_for_the_secret_of_each_scheme(
    tidings: Command, org: Api, tmp_path: Path
) -> None:
    secret = "s3cret-0123456789"
    for scheme in SCHEMES:
        fields, hidden = PROOFS[scheme]
        proof = {"type": scheme} | fields | {hidden: secret}
        org.webhook("https://example.com/crm", scheme, authentication=proof)
    file = tmp_path / "out.yaml"
    tidings("webhooks", "export", str(file)).must(0)
    assert secret not in file.read_text()
    held = {
        row["name"]: row["authentication"] for row in yaml.safe_load(file.read_text())["webhooks"]
    }
    names = {
        scheme: held[scheme][PROOFS[scheme][1]].removeprefix("${").removesuffix("}")
        for scheme in SCHEMES
    }
    assert len({*names.values()}) == len(SCHEMES), "each by a variable of its own"
    variables = dict.fromkeys(names.values(), secret)
    tidings("webhooks", "apply", str(file), **variables).must(0)
    assert {row["version"] for row in webhooks(org).values()} == {1}, "nothing has changed"
