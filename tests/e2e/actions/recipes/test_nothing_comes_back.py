"""The platform knows its customers by numbers alone. Whatever becomes of its events at the brand's,
and however that fails, nothing of the brand's contact list comes back to the platform."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.e2e.actions.recipes.mail_server import MailServer
from tests.e2e.actions.recipes.recipe import NOON, Recipe, answers, runs, zone_at
from tests.e2e.actions.recipes.search import (
    Search,
    answers_of,
    contact_values,
    pages_of,
)
from tests.e2e.actions.recipes.two import TYPES, Two, example
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG as PLATFORM_ORG
from tests.e2e.harness.service import environment
from tests.e2e.harness.store.kept import kept_in
from tests.e2e.harness.until import until
from tests.stand_ins.parties.twilio import ACCOUNT, TOKEN, Twilio

pytestmark = pytest.mark.systems
MEERA, JONAS, LAYLA, CARLOS = 41200777, 41200888, 41201111, 41201222
NAMES = {MEERA: "Meenakshi Nairavathy", JONAS: "Johannes Weberling", CARLOS: "Carlotta Ruizmartin"}
"""Of the list: no part of a name is so short that chance can write it into an id or a signature."""
RETRY: dict[str, Any] = {"retryPolicy": {"delaysInSeconds": [1]}}


def test_nothing_of_the_contact_list_comes_back_to_the_platform(
    own_service: NewService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe("messages", tmp_path / "recipe")
    recipe.tell(
        lambda id: {"name": NAMES.get(int(id), recipe.people[id]["name"])}, zone=zone_at(NOON)
    )
    recipe.add("sms-twilio.toml")
    people = (*map(int, recipe.people), 41209999)
    with MailServer(tmp_path / "mail") as mail, Twilio() as twilio:
        monkeypatch.setenv("TWILIO_ACCOUNT", ACCOUNT)
        monkeypatch.setenv("TWILIO_TOKEN", TOKEN)
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        monkeypatch.setenv("TWILIO_URL", twilio.url(path))
        two = Two(own_service, recipe, monkeypatch, mail, **RETRY)
        try:
            everything_goes_wrong(two, mail, twilio, people)
        finally:
            two.brand.stop()
        look_through(two, tmp_path)


def everything_goes_wrong(
    two: Two, mail: MailServer, twilio: Twilio, people: tuple[int, ...]
) -> None:
    """Every type for everybody; and then each part of the brand's side fails while events come."""
    two.tell(*(example(name, who) for name in TYPES for who in people))
    count = len(TYPES) * len(people)
    two.arrived(count)
    mail.wait(len(TYPES) * 4)
    until(lambda: len(twilio.messages()) >= len(TYPES) * 3, "messages by SMS")

    mail.refuses("550 5.1.1 <{address}>: Meenakshi Nairavathy is not known here any more")
    twilio.fails(1, status=500)
    two.tell(example("pointsIssued", MEERA))
    two.arrived(count := count + 1)
    with two.at_brand() as brand:
        until(
            lambda: any("Nairavathy" in answers(run) for run in runs(brand)), "the server's words"
        )
    mail.refuses("451 4.3.0 {address}: Meenakshi Nairavathy has to wait")
    two.tell(example("transactionAdded", MEERA))
    two.arrived(count := count + 1)

    good = two.recipe.contacts.read_bytes()
    two.recipe.contacts.write_bytes(
        good + b'41200888,"jonas.weber@mail.example,Johannes Weberling\n'
    )
    with two.at_brand() as brand:
        until(lambda: "cannot be used" in two.brand.words(), "the file that is broken")
        two.tell(example("pointsIssued", JONAS))
    two.arrived(count := count + 1)
    two.recipe.contacts.write_bytes(good)

    with two.at_brand() as brand:  # paused, what comes is answered 503
        brand.call("POST", "/v1/sources/platform/pause").must(200)
        two.tell(example("tierUpgraded", LAYLA))
        tried(two, "503")
        brand.call("POST", "/v1/sources/platform/resume").must(200)
    two.arrived(count := count + 1)

    two.brand.kill_all()
    two.tell(example("tierDowngraded", LAYLA))
    tried(two, "0", "None")
    two.brand.start()
    two.arrived(count := count + 1)

    with two.at_platform() as platform:  # a source that is not there, and a secret that is another
        platform.change(two.webhook, webHookUrl=two.url + "-of-nobody")
        two.tell(example("customerAdded", JONAS))
        tried(two, "404", "401")
        platform.change(two.webhook, webHookUrl=two.url)
    two.arrived(count + 1)


def tried(two: Two, *statuses: str) -> None:
    """Until an attempt of the platform's was answered so; 0 and None: not at all."""
    with two.at_platform() as platform:

        def found() -> bool:
            rows = platform.get("/v1/deliveries?limit=1").must(200)["deliveries"]
            attempts = platform.delivery(rows[0]["id"])["attemptList"]
            return any(str(attempt["status"]) in statuses for attempt in attempts)

        until(found, f"an attempt that is answered {' or '.join(statuses)}")


def look_through(two: Two, tmp_path: Path) -> None:
    """All that either of the two has; only the brand's may have contacts."""
    values = contact_values(two.recipe.people.values())
    assert {
        "meera.nair@mail.example",
        "919812300777",
        "Johannes",
        "Johannes Weberling",
        "ليلى حداد",
    } <= values
    search = Search(values)
    known = {value for _, value in search.hits(kept_in(two.brand.data))}
    assert {"meera.nair@mail.example", "ليلى حداد"} <= known, "the search finds what is there"

    backup = tmp_path / "backup"
    command = [forked.SCRIPT, "backup", "--data", str(two.platform.data), "--to", str(backup)]
    subprocess.run(command, env=environment(), check=True, capture_output=True)
    places = [*kept_in(two.platform.data), *kept_in(backup)]
    assert any(name.endswith("-wal") for name, _ in places), "the journal is looked at too"
    with two.at_platform() as api:
        places += answers_of(api)
    places += pages_of(two.platform, PLATFORM_ORG)
    two.platform.stop()
    places += [*kept_in(two.platform.data), ("its log", two.platform.log.read_bytes())]
    assert len(places) > 150
    everything = b"\n".join(content for _, content in places)
    assert b"41200777" in everything and b"contact-free" not in everything
    assert search.hits(places) == []
