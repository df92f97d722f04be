"""The manifest for Kubernetes: its probes, ports, names and files are those of the program."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tidings import __version__
from tidings.api.http.metrics_access import MetricsReaders
from tidings.api.start_answers import waiting_app
from tidings.app.keys.master_key import OTHERS_MAY
from tidings.settings.settings import CLIENT_NAMES, ENVIRONMENT, Settings

ROOT = Path(__file__).parents[2]
MANIFEST = (ROOT / "deploy/kubernetes.yaml").read_text("utf-8")
PARTS = {(part["kind"], part["metadata"]["name"]): part for part in yaml.safe_load_all(MANIFEST)}
SET = PARTS["StatefulSet", "tidings"]["spec"]
POD = SET["template"]["spec"]
[CONTAINER] = POD["containers"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def environment() -> dict[str, str]:
    """The variables of the container."""
    return {variable["name"]: variable["value"] for variable in CONTAINER["env"]}


def test_there_are_two_that_may_be_on_no_node_together_and_wait_for_nothing() -> None:
    assert SET["replicas"] == 2 and SET["podManagementPolicy"] == "Parallel"
    assert SET["updateStrategy"] == {"type": "OnDelete"}, "who stands by never becomes ready"
    [rule] = POD["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["labelSelector"] == SET["selector"]
    assert POD["terminationGracePeriodSeconds"] > Settings().drain_s + 10
    assert POD["enableServiceLinks"] is False


def test_the_service_leads_to_pods_that_are_ready_and_the_other_one_to_all() -> None:
    ready, every = PARTS["Service", "tidings"]["spec"], PARTS["Service", "tidings-pods"]["spec"]
    labels = SET["template"]["metadata"]["labels"]
    assert ready["selector"] == every["selector"] == labels == SET["selector"]["matchLabels"]
    assert "publishNotReadyAddresses" not in ready and every["publishNotReadyAddresses"] is True
    assert SET["serviceName"] == "tidings-pods" and every["clusterIP"] == "None"
    [port] = CONTAINER["ports"]
    for service in (ready, every):
        assert [target["targetPort"] for target in service["ports"]] == [port["name"]]
    arguments = CONTAINER["args"]
    assert arguments[0] == "serve"
    assert int(arguments[arguments.index("--port") + 1]) == port["containerPort"]
    assert f"EXPOSE {port['containerPort']}" in DOCKERFILE


@pytest.mark.parametrize(
    ("probe", "path", "standby"),
    [
        ("startupProbe", "/livez", 200),
        ("livenessProbe", "/livez", 200),
        ("readinessProbe", "/readyz", 503),
    ],
)
async def test_a_probe_asks_what_who_stands_by_answers_and_its_port(
    probe: str, path: str, standby: int
) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert asked == {"path": path, "port": CONTAINER["ports"][0]["name"]}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await waiting_app(lambda: "it stands by", MetricsReaders())(scope, receive, send)
    assert sent[0]["status"] == standby


def test_its_names_are_settings_and_its_files_are_those_of_the_secret() -> None:
    variables = environment()
    assert variables.keys() <= {*ENVIRONMENT, *CLIENT_NAMES}
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in CONTAINER["volumeMounts"]}
    secret = mounts["/etc/tidings"]["secret"]
    command = f"kubectl create secret generic {secret['secretName']}"
    [given] = {*re.findall(rf"{command}( .+)", MANIFEST)}
    files = set(re.findall(r"--from-file=(\S+)", given))
    assert {f"/etc/tidings/{name}" for name in files} == {
        variables["TIDINGS_CONFIG"],
        variables["TIDINGS_MASTER_KEY_FILE"],
    }
    assert f"{command}{given}" in (ROOT / "docs/postgresql.md").read_text("utf-8")
    assert not secret["defaultMode"] & OTHERS_MAY, "a key that others may read is refused"
    assert mounts[variables["TIDINGS_DATA"]]["emptyDir"] == {}
    assert "password" not in " ".join(variables.values()).lower()


def test_it_runs_the_image_as_the_user_that_the_image_has() -> None:
    assert CONTAINER["image"].endswith(f"/tidings:{__version__}")
    user = POD["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in DOCKERFILE
    assert user["fsGroup"] == user["runAsGroup"] and user["runAsNonRoot"]
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
