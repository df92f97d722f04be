"""Webhooks that lead to the service itself: to where messages are taken, and nowhere else."""

import json
from pathlib import Path

from tests.cli.command import Command
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, ORG, SECRET, free_port

OTHERS = ["/console", "/v1/webHooks/preview", "/v3/webHooks", "/metrics", "//v1/events", "/v1/x/.."]


def test_a_webhook_leads_to_paths_that_take_messages_alone(
    own_service: NewService, tmp_path: Path
) -> None:
    """Refused when it is made or changed; one that was stored is warned of, and still sent to."""
    service, later = own_service(), free_port()
    service.start()
    with service.api(ORG) as org:
        here = f"http://127.0.0.1:{service.port}"
        kept = org.webhook(f"http://127.0.0.1:{later}/v3/webHooks", "kept")
        path = f"/v3/webHooks/{org.webhook(f'{here}/v1/events')['webHookId']}"
        for url in [f"{here}/in/{ORG}/orders", f"http://localhost:{service.port}/v1/events"]:
            org.send("PATCH", path, {"webHookUrl": url}).must(200)
        for other in OTHERS:
            body = {"webHookUrl": here + other}
            refused = org.send("PATCH", path, body)
            assert refused.status == 400 and b"url_refused" in refused.body, other
        inbox = org.send("POST", "/v1/inboxes", {}).must(201)
        org.send("PATCH", path, {"webHookUrl": inbox["url"]}).must(200)
        assert org.get(path).must(200)["data"]["warning"] is None
    assert service.stop() == 0
    service.port = later
    service.start()
    with service.api(ORG) as org:
        path = f"/v3/webHooks/{kept['webHookId']}"
        warning = org.get(path).must(200)["data"]["warning"]
        assert warning["code"] == "own_path" and "/v3/webHooks" in warning["message"]
        tidings = Command(
            tmp_path,
            TIDINGS_URL=f"http://127.0.0.1:{later}",
            TIDINGS_KEY=f"{KEY}:{SECRET}",
            TIDINGS_ORG=str(ORG),
        )
        told = tidings("doctor", "--json").must(1).row
        assert told["cause"].startswith("Webhook kept: ") and "/v3/webHooks" in told["cause"]
        assert told["next"] == f"tidings webhooks show {kept['webHookId']}" and not told["well"]
        refused = org.send("PATCH", path, {"name": "kept-on"})
        assert refused.status == 400 and b"url_refused" in refused.body
        org.send("PATCH", path, {"webHookUrl": "http://127.0.0.1:29999/x"}).must(200)
        assert "kept" not in json.dumps(tidings("doctor", "--json").row)
