"""What `tidings doctor` says of a service of its own to whoever sees all orgs."""

from pathlib import Path

from tests.cli.command import Command
from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService, own_service
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import until

__all__ = ["own_service"]


def of_platform(service: ServiceProcess, directory: Path) -> Command:
    """Return the command with the platform's credential, for no org."""
    url = f"http://127.0.0.1:{service.port}"
    return Command(directory, TIDINGS_URL=url, TIDINGS_KEY=f"{KEY}:{SECRET}")


def test_a_service_of_which_no_webhook_fails_is_healthy(
    own_service: NewService, tmp_path: Path
) -> None:
    tidings = of_platform(own_service().start(), tmp_path)
    done = tidings("doctor").must(0)
    assert done.out.endswith("✓ The service is healthy.\n")
    assert tidings("doctor", "--json").row["well"] is True


def test_it_is_not_while_a_webhook_of_any_org_fails(
    own_service: NewService, tmp_path: Path, receiver: Receiver
) -> None:
    service = own_service().start()
    with service.api() as platform:
        org = platform.send("POST", "/v1/orgs", {"name": "Another"}).must(201)["id"]
    with service.api(org) as api:
        hook = api.webhook(receiver.url(receiver.path(status=401)))
        api.accept(bare(eventId="e-1"))
        path = f"/v3/webHooks/{hook['webHookId']}"
        until(lambda: api.get(path).must(200)["data"]["health"], "it fails")
    done = of_platform(service, tmp_path)("doctor").must(1)
    assert "✗ notice      Of all orgs, 1 webhook is failing." in done.out
    assert done.err == "Next: tidings failing\n"
