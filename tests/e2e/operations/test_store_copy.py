"""`tidings store copy` of what a service has left: another service goes on with it, and the first
does not."""

import base64
import secrets
from pathlib import Path

from standardwebhooks import Webhook

from tests.e2e.operations.commands import tidings
from tests.store.postgres.databases import migrated

from ..harness.events import event, new_id
from ..harness.fixtures import NewService
from ..harness.receiver import Receiver
from ..harness.service import ORG

PAGE = (Path(__file__).parents[3] / "docs/postgresql.md").read_text("utf-8")


def last_lines(text: str) -> str:
    """What a command says at its end; before that, how far it is."""
    return "\n".join(text.splitlines()[-2:])


def next_customer() -> int:
    """A customer whom no other test knows."""
    return secrets.randbelow(1 << 40)


def test_a_service_goes_on_from_a_database_with_another_key(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    service = own_service().start()
    done, waits = receiver.path(), receiver.path(status=503)
    first, second, found = new_id(), new_id(), next_customer()
    with service.api(ORG) as api:
        hook = api.webhook(receiver.url(done))
        paused = api.webhook(
            receiver.url(waits), name="till", retryPolicy={"delaysInSeconds": [3600]}
        )
        api.accept(event(first, ORG, customer=found))
        api.settled(first, hook, states=("delivered",))
        api.settled(first, paused, states=("retrying",))
    assert service.stop() == 0

    settings, uri = tmp_path / "tidings.toml", migrated()
    key = tmp_path / "master.key"
    key.touch(0o600)
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    settings.write_text(f'database = "{uri}"\nmaster_key_file = "{key}"\n')
    copied = tidings("store", "copy", "--from", service.data, "--to", settings)
    assert copied.returncode == 0, copied.stderr
    shown = last_lines(copied.stderr).replace(str(service.data), "/var/lib/tidings")
    assert shown.replace(str(settings), "tidings.toml") in PAGE
    refused = tidings("serve", "--data", service.data)
    assert refused.returncode == 4
    assert f"take-back --from {service.data} --to {settings}` gives this one back" in refused.stderr

    again = own_service(data=tmp_path / "again", database=uri, master_key_file=key).start()
    with again.api(ORG) as api:
        assert api.event(first)["deliveries"]
        listed = api.get(f"/v1/events?q={found}").must(200)
        assert [row["eventId"] for row in listed["events"]] == [first]
        receiver.plan(waits, status=200)
        [delivery] = [row for row in api.event(first)["deliveries"] if row["state"] == "retrying"]
        api.call("POST", f"/v1/deliveries/{delivery['id']}/retry").must(202)
        api.settled(first, paused, states=("delivered",))
        arrival = receiver.wait(waits, 2)[-1]
        Webhook(paused["signingSecret"]).verify(arrival.body, arrival.headers)
        api.accept(event(second, ORG))
        api.settled(second, hook, states=("delivered",))
        assert len(receiver.arrivals(done)) == 2
    assert again.stop() == 0
    assert tidings("store", "take-back", "--from", service.data, "--to", settings).returncode == 4

    back = tmp_path / "back"
    assert tidings("store", "copy", "--from", settings, "--to", back).returncode == 0
    verified = tidings("audit", "verify", "--data", back)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert (back / "key").read_bytes() != (service.data / "key").read_bytes()


def test_a_copy_that_never_started_gives_its_source_back(
    own_service: NewService, tmp_path: Path
) -> None:
    service = own_service().start()
    assert service.stop() == 0
    copy = tmp_path / "copy"
    options = ("--from", service.data, "--to", copy)
    assert tidings("store", "copy", *options).returncode == 0
    back = tidings("store", "take-back", *options)
    assert back.returncode == 0, back.stderr
    shown = last_lines(back.stderr).replace(str(service.data), "/var/lib/tidings")
    assert shown.replace(str(copy), "tidings.toml") in PAGE
    refused = tidings("serve", "--data", copy)
    assert refused.returncode == 4 and "serves itself" in refused.stderr
    service.start()
    assert service.stop() == 0
