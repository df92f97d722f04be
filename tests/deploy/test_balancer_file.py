"""The balancer of containers asks and refuses as the one of machines does."""

import re

from tests.deploy.deployed import BALANCER_CONFIG, PROCESSES, ROOT

MACHINES = (ROOT / "deploy/haproxy.cfg").read_text("utf-8")
SAME = ("option", "http-check", "http-error", "timeout", "mode", "maxconn")


def rules(text: str) -> set[str]:
    """Collect the lines that both have to share, without their remarks."""
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return {line for line in lines if line.split(" ")[0] in SAME}


def test_it_asks_and_refuses_as_the_one_of_machines_does() -> None:
    own = {"timeout resolve 1s", "timeout retry 1s", "option dontlog-normal"}
    assert rules(BALANCER_CONFIG) == rules(MACHINES) | own
    [there] = re.findall(r"default-server (.+)", MACHINES)
    [here] = re.findall(r"default-server (.+)", BALANCER_CONFIG)
    assert here == f"{there} resolvers names init-addr none"


def test_it_knows_each_process_and_finds_it_anew() -> None:
    assert PROCESSES == 2
    assert "parse-resolv-conf" in BALANCER_CONFIG and BALANCER_CONFIG.count("${PEERS}:8080") == 2
