"""A walk through the commands where there is nothing, nobody, or no leave: all of them say so, and
what to do."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command, Done
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import bare
from tests.e2e.harness.service import ServiceProcess

LISTS = {
    "webhooks list": "The org has no webhooks.",
    "deliveries list": "The org has no deliveries yet.",
    "deliveries list --on tierUpgraded": "No delivery matches.",
    "events log": "The org has no events yet.",
    "events log --since 1h": "No event matches.",
    "events rejected": "No events were rejected.",
    "inboxes list": "The org has no test inboxes.",
    "alerts list": "The org has no alert channels.",
    "incidents list": "No incident is open.",
    "incidents list --ended": "No incident matches.",
    "replay list": "The org has no replay.",
    "connections list": "The org may use no connections: the operator declares them, see "
    "docs/connections.md.",
    "credentials list": "The org has no credentials.",
    "profiles list": "There is no profile.",
    "reference list stores": "The org has no stores.",
}
MISSING = {
    "webhooks show 000000000000000000000000": "tidings webhooks list",
    "webhooks pause 000000000000000000000000": "tidings webhooks list",
    "deliveries show dlv_0000000000009": "tidings deliveries list",
    "deliveries cancel dlv_0000000000009": "tidings deliveries list",
    "deliveries retry x": "tidings deliveries list",
    "replay show rpl_0000000000009": "tidings replay list",
    "replay pause x": "tidings replay list",
    "inboxes show inb_0000000000009": "tidings inboxes list",
    "inboxes delete x": "tidings inboxes list",
    "incidents show inc_0000000000009": "tidings incidents list",
    "incidents acknowledge x": "tidings incidents list",
    "alerts test alc_0000000000009": "tidings alerts list",
    "alerts delete nobody --yes": "tidings alerts list",
    "credentials show nobody": "tidings credentials list",
    "credentials revoke nobody --yes": "tidings credentials list",
    "events retry rej_0000000000009": "tidings events rejected",
    "connections show x": "tidings connections list",
    "connections check x": "tidings connections list",
    "show dlv_0000000000009": "tidings deliveries list",
}
CALLS = [
    "webhooks list",
    "webhooks create a https://example.com/ --on pointsIssued",
    "deliveries list",
    "events log",
    "inboxes create",
    "alerts list",
    "incidents list",
    "replay list",
    "connections list",
    "credentials list",
    "orgs show",
    "show crm",
    "tail",
    "listen --on pointsIssued",
    "send {events}",
    "simulate --events 3",
    "reference load stores {stores}",
    "reference list stores",
]


def last(done: Done) -> str:
    return done.err.splitlines()[-1]


def filled(command: str, tmp_path: Path) -> list[str]:
    """A command with files that are there."""
    events, stores = tmp_path / "events.json", tmp_path / "stores.csv"
    events.write_bytes(bare(eventId="e-1"))
    stores.write_text("id,name\n5,A\n")
    return command.format(events=events, stores=stores).split()


@pytest.mark.parametrize("command", LISTS)
def test_an_empty_list_says_so_in_a_sentence_and_proposes_something(
    tidings: Command, command: str
) -> None:
    for more in ([], ["--json"]):
        done = tidings(*command.split(), *more).must(0)
        assert done.out == ""
        said, step = done.err.splitlines()
        assert said == LISTS[command] and step.startswith("Next: tidings ")


@pytest.mark.parametrize("command", MISSING)
def test_what_is_not_there_proposes_the_list_of_what_is(tidings: Command, command: str) -> None:
    done = tidings(*command.split()).must(3)
    assert done.out == "" and last(done) == f"Next: {MISSING[command]}"
    assert "GET /v" not in done.err


@pytest.mark.parametrize("command", CALLS)
def test_where_nobody_answers_one_sentence_says_where_and_what_to_do(
    tidings: Command, tmp_path: Path, command: str
) -> None:
    done = tidings(*filled(command, tmp_path), TIDINGS_URL="http://127.0.0.1:9").must(5)
    said = [text for text in done.err.splitlines() if not text.startswith("Seed ")]
    assert len(said) == 1, said
    assert said[0].startswith("http://127.0.0.1:9 must be a running Tidings; got: ")
    assert done.out == ""


@pytest.mark.parametrize("command", CALLS)
def test_a_credential_that_is_not_known_is_told_with_where_it_came_from(
    tidings: Command, tmp_path: Path, command: str
) -> None:
    done = tidings(*filled(command, tmp_path), TIDINGS_KEY="boss:wrong").must(4)
    said = [text for text in done.err.splitlines() if not text.startswith("Seed ")]
    assert said[1:] == ["It came from TIDINGS_KEY.", "Next: tidings doctor"], said
    assert "not known together" in said[0] and "wrong" not in done.err and done.out == ""


@pytest.mark.parametrize("command", CALLS)
def test_a_scope_that_is_missing_is_told_once(
    tidings: Command, tmp_path: Path, command: str
) -> None:
    made = tidings("credentials", "create", "bare", "--scope", "replay:none", "--json").must(0).row
    bare_ = {"TIDINGS_KEY": f"{made['id']}:{made['secret']}", "TIDINGS_ORG": ""}
    done = tidings(*filled(command, tmp_path), **bare_).must(4)
    assert "must have the scope" in done.err and "could not be removed" not in done.err


def test_an_org_that_is_not_there_is_told_in_the_words_of_the_command_line(
    tidings: Command,
) -> None:
    done = tidings("webhooks", "list", "--org", "99999").must(4)
    assert done.err.startswith(
        "The org (--org, TIDINGS_ORG or the profile's) must be an existing org; got"
    )
    done = tidings("doctor", "--org", "99999").must(1)
    assert "must be an existing org; got" in done.out and "is well" not in done.out


def test_doctor_says_that_nobody_answers_and_how_to_start_it(tidings: Command) -> None:
    done = tidings("doctor", "--url", "http://127.0.0.1:9").must(5)
    assert "✗ reached" in done.out and "http://127.0.0.1:9" in done.out
    assert last(done) == "Next: tidings serve"
    row = tidings("doctor", "--url", "http://127.0.0.1:9", "--json").must(5).row
    assert row["well"] is False and row["next"] == "tidings serve"


def test_doctor_says_who_calls_and_for_which_org(tidings: Command, org: Api) -> None:
    assert f"the platform's own credential, for org {org.org}" in tidings("doctor").must(0).out
    made = tidings("credentials", "create", "least", "--scope", "logs:read", "--json").must(0).row
    least = {"TIDINGS_KEY": f"{made['id']}:{made['secret']}", "TIDINGS_ORG": ""}
    shown = tidings("doctor", **least).must(0).out
    assert f"TIDINGS_KEY is least, of org {org.org}; it may logs:read." in shown


def test_the_fix_of_a_wrong_variable_is_not_to_log_in_beside_it(tidings: Command) -> None:
    done = tidings("doctor", TIDINGS_KEY="boss:wrong").must(1)
    assert "Correct TIDINGS_KEY, or unset it" in done.out


def test_a_server_without_tls_is_told_so(tidings: Command) -> None:
    url = tidings.environ["TIDINGS_URL"].replace("http:", "https:")
    done = tidings("webhooks", "list", "--url", url).must(5)
    assert "got: an answer that is no TLS. Write http://" in done.err and "_ssl.c" not in done.err


def test_what_does_not_fit_the_standing_proposes_what_does(tidings: Command, hook: Any) -> None:
    tidings("webhooks", "pause", "crm").must(0)
    done = tidings("webhooks", "enable", "crm").must(4)
    assert last(done) == "Next: tidings webhooks resume crm" and "…/" not in done.err


def test_enabling_proposes_the_replay_of_what_was_missed(
    tidings: Command, org: Api, hook: dict[str, Any]
) -> None:
    tidings("webhooks", "disable", "crm").must(0)
    done = tidings("webhooks", "enable", "crm").must(0)
    step = last(done).removeprefix("Next: ")
    assert re.fullmatch(r"tidings replay --webhook crm --missed-since \S+ --dry-run", step)
    tidings(*step.split()[1:]).must(0)


def test_a_preview_without_events_says_how_to_get_some(tidings: Command, hook: Any) -> None:
    done = tidings("webhooks", "preview", "crm").must(0)
    assert (
        done.err.splitlines()[0]
        == "No event of its types has arrived yet, so there is nothing to preview."
    )
    assert last(done) == "Next: tidings simulate --events 20 --types pointsIssued"


def test_a_failed_test_and_refused_events_propose_where_to_look(
    tidings: Command, failing: Any, tmp_path: Path
) -> None:
    assert last(tidings("webhooks", "test", "shop").must(1)) == "Next: tidings doctor shop"
    file = tmp_path / "wrong.json"
    file.write_bytes(bare("pointIssued", eventId="e-1"))
    assert last(tidings("send", str(file)).must(4)) == "Next: tidings events rejected"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("deliveries list --limit 0", "--limit must be 1 or more; got 0."),
        ("events log --limit -1", "--limit must be 1 or more; got -1."),
        ("inboxes show inb_0000000000009 --limit 0", "--limit must be 1 or more; got 0."),
        ("replay list --limit 201", "--limit must be from 1 to 200; got 201."),
        ("replay --webhook nope --missed-since soon", "--missed-since must be 30m, 2h, 3d ago"),
        ("orgs edit 5", "A change must name a field; got none."),
        ("profiles use nope", "NAME must be one of the profiles (none); got nope."),
        ("send nofile", "FILE must be a readable file, or -; got nofile: No such file or"),
        ("reference load stores no.csv", "FILE must be a readable file; got no.csv: No su"),
        ("serve --data /proc/nowhere", "The data directory /proc/nowhere must be one that can be"),
        ("serve --host nohost.example", "--host must be an address of this machine; got nohost"),
        ("events list --family x", "--family must be one of cards, communication, customer"),
        ("restore --from /nofile --data /nodata", "/nofile must be a backup made by `tidings back"),
        (
            "webhooks create a https://a.example --on x --filter {y",
            "--filter must be JSON; got {y; it breaks off at character 2.",
        ),
    ],
)
def test_what_can_be_seen_without_the_service_is_told_before_it_is_asked(
    tidings: Command, command: str, said: str
) -> None:
    done = tidings(*command.split(), TIDINGS_URL="http://127.0.0.1:9")
    assert done.code in (2, 3, 4) and done.err.startswith(said), done.err
    assert "Errno" not in done.err and "Expecting" not in done.err


def test_reference_data_is_loaded_and_listed(
    tidings: Command, tmp_path: Path, service: ServiceProcess
) -> None:
    done = tidings(*filled("reference load stores {stores}", tmp_path)).must(0)
    assert last(done) == "Next: tidings reference list stores"
    done = tidings("reference", "list", "stores").must(0)
    assert "5" in done.out and '"name":"A"' in done.out and "1 of 1 record" in done.err
    assert tidings("reference", "list", "stores", "--json").must(0).row["id"] == "5"
    assert tidings("reference", "list", "shops").must(2).err.startswith("KIND must be stores,")
