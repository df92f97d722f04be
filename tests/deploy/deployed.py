"""The files of `deploy/` as they are read, and what they have to agree with."""

import re
from pathlib import Path
from typing import Any

import yaml

from tidings.app.service import SERVER_STOP_S
from tidings.engine.engine import STUCK_S
from tidings.settings.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
BALANCER_CONFIG = (ROOT / "deploy/balancer.cfg").read_text("utf-8")
BALANCER_PORTS = [int(port) for port in re.findall(r"(?m)^ +bind :(\d+)$", BALANCER_CONFIG)]
PARTS: dict[tuple[str, str], dict[str, Any]] = {
    (part["kind"], part["metadata"]["name"]): part
    for part in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8"))
}
MIGRATION: dict[str, Any] = yaml.safe_load(
    (ROOT / "deploy/kubernetes-migrate.yaml").read_text("utf-8")
)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))
PROCESSES = len(re.findall(r"(?m)^ +server \w+ \"tidings-\d\.", BALANCER_CONFIG))
STOP_S = SERVER_STOP_S + Settings().drain_s + 2 * STUCK_S
"""How long a stop can take: calls under way, attempts under way, a store that does not answer."""
