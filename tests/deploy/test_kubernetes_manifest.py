"""The manifests for Kubernetes: their probes, ports, names and files are those of the program."""

import re
from typing import Any

from tests.deploy.deployed import (
    BALANCER_PORTS,
    DOCKERFILE,
    MIGRATION,
    PARTS,
    PROCESSES,
    ROOT,
    STOP_S,
)
from tidings import __version__
from tidings.app.keys.master_key import OTHERS_MAY
from tidings.settings.client_names import CLIENT_NAMES
from tidings.settings.settings import ENVIRONMENT

MANIFEST = (ROOT / "deploy/kubernetes.yaml").read_text("utf-8")
MIGRATE = (ROOT / "deploy/kubernetes-migrate.yaml").read_text("utf-8")
PAGE = (ROOT / "docs/postgresql.md").read_text("utf-8")
SET = PARTS["StatefulSet", "tidings"]["spec"]
POD = SET["template"]["spec"]
[CONTAINER] = POD["containers"]
BALANCERS = PARTS["Deployment", "tidings-balancer"]["spec"]
BALANCER_POD = BALANCERS["template"]["spec"]
[BALANCER] = BALANCER_POD["containers"]
JOB_POD = MIGRATION["spec"]["template"]["spec"]
[JOB_CONTAINER] = JOB_POD["containers"]


def environment(container: dict[str, Any]) -> dict[str, str]:
    """The variables of a container."""
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def mounted(pod: dict[str, Any], container: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The volumes of a container by their paths."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    return {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}


def test_there_are_two_that_may_be_on_no_node_together_and_start_together() -> None:
    assert SET["replicas"] == PROCESSES and SET["podManagementPolicy"] == "Parallel"
    [rule] = POD["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["labelSelector"] == SET["selector"]
    assert POD["enableServiceLinks"] is False


def test_an_update_and_a_drained_node_take_one_at_a_time() -> None:
    assert SET["updateStrategy"] == {"type": "RollingUpdate"} and SET["minReadySeconds"] > 0
    for name, pods in (("tidings", SET), ("tidings-balancer", BALANCERS)):
        budget = PARTS["PodDisruptionBudget", name]["spec"]
        assert budget["selector"] == pods["selector"] and pods["replicas"] == 2
        assert budget["maxUnavailable"] == 1, "with 0 no node could be drained"
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert BALANCERS["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_who_is_told_to_stop_has_the_time_that_a_stop_can_take() -> None:
    assert POD["terminationGracePeriodSeconds"] > STOP_S
    assert "lifecycle" not in CONTAINER, "a pause would gain nothing: HAProxy asks who the owner is"
    [command, pause] = BALANCER["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep" and int(pause) > BALANCER["readinessProbe"]["periodSeconds"]
    [hard_stop] = re.findall(
        r"hard-stop-after (\d+)s", (ROOT / "deploy/balancer.cfg").read_text("utf-8")
    )
    assert BALANCER_POD["terminationGracePeriodSeconds"] > int(pause) + int(hard_stop)


def test_the_service_leads_to_the_balancers_and_the_other_one_to_all_processes() -> None:
    callers, every = PARTS["Service", "tidings"]["spec"], PARTS["Service", "tidings-pods"]["spec"]
    labels = SET["template"]["metadata"]["labels"]
    assert every["selector"] == labels == SET["selector"]["matchLabels"]
    balancers = BALANCERS["template"]["metadata"]["labels"]
    assert callers["selector"] == balancers == BALANCERS["selector"]["matchLabels"] != labels
    assert every["publishNotReadyAddresses"] is True, "who stands by has a name as well"
    assert SET["serviceName"] == "tidings-pods" and every["clusterIP"] == "None"
    assert environment(BALANCER)["PEERS"].split(".")[0] == SET["serviceName"]
    for service, container in ((callers, BALANCER), (every, CONTAINER)):
        port = container["ports"][0]
        assert [target["targetPort"] for target in service["ports"]] == [port["name"]]
    arguments = CONTAINER["args"]
    port = CONTAINER["ports"][0]
    assert arguments[0] == "serve"
    assert int(arguments[arguments.index("--port") + 1]) == port["containerPort"]
    assert f"EXPOSE {port['containerPort']}" in DOCKERFILE
    assert [port["containerPort"] for port in BALANCER["ports"]] == BALANCER_PORTS
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert BALANCER[probe]["httpGet"] == {"path": "/livez", "port": "alive"}


def test_its_names_are_settings_and_its_files_are_those_of_the_secret() -> None:
    variables = environment(CONTAINER)
    assert variables.keys() <= {*ENVIRONMENT, *CLIENT_NAMES}
    [address] = [variable for variable in CONTAINER["env"] if "valueFrom" in variable]
    assert address["name"] == "TIDINGS_DOOR_HOST", "each pod is reached at its own address"
    assert address["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
    mounts = mounted(POD, CONTAINER)
    secret = mounts["/etc/tidings"]["secret"]
    command = f"kubectl create secret generic {secret['secretName']}"
    [given] = {*re.findall(rf"{command}( .+)", MANIFEST)}
    files = set(re.findall(r"--from-file=(\S+)", given))
    assert {f"/etc/tidings/{name}" for name in files} == {
        variables["TIDINGS_CONFIG"],
        variables["TIDINGS_MASTER_KEY_FILE"],
    }
    assert f"{command}{given}" in PAGE
    assert not secret["defaultMode"] & OTHERS_MAY, "a key that others may read is refused"
    assert mounts[variables["TIDINGS_DATA"]]["emptyDir"] == {}
    assert "password" not in " ".join(variables.values()).lower()


def test_the_migration_has_the_role_and_the_image_of_its_own_and_no_key() -> None:
    variables = environment(JOB_CONTAINER)
    secret = mounted(JOB_POD, JOB_CONTAINER)["/etc/tidings"]["secret"]
    [given] = {*re.findall(r"kubectl create secret generic .+", MIGRATE)}
    assert given.split()[4] == secret["secretName"] != POD["volumes"][0]["secret"]["secretName"]
    assert "--from-file=tidings.toml=" in given and given in PAGE
    assert variables == {"TIDINGS_CONFIG": environment(CONTAINER)["TIDINGS_CONFIG"]}
    assert not secret["defaultMode"] & OTHERS_MAY
    assert JOB_CONTAINER["args"] == ["migrate", "--serve-role", "tidings"]
    assert JOB_CONTAINER["image"] == CONTAINER["image"]
    assert "generateName" in MIGRATION["metadata"], "a job cannot be changed, so each is a new one"


def test_the_balancer_runs_the_file_of_the_repository() -> None:
    config = mounted(BALANCER_POD, BALANCER)["/usr/local/etc/haproxy"]["configMap"]["name"]
    command = f"kubectl create configmap {config} --from-file=haproxy.cfg=deploy/balancer.cfg"
    assert command in MANIFEST and command in PAGE


def test_it_runs_the_image_as_the_user_that_the_image_has() -> None:
    assert CONTAINER["image"].endswith(f"/tidings:{__version__}")
    for pod in (POD, JOB_POD):
        user = pod["securityContext"]
        assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in DOCKERFILE
        assert user["fsGroup"] == user["runAsGroup"]


def test_nobody_is_root_or_writes_where_the_program_is() -> None:
    for pod in (POD, JOB_POD, BALANCER_POD):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            rules = container["securityContext"]
            assert rules["readOnlyRootFilesystem"] and not rules["allowPrivilegeEscalation"]
            assert rules["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"].keys() == {"requests", "limits"}
