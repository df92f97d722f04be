"""The page and the configurations that nobody runs here say what has to be true of them."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tidings.core.delivery.statuses import SLOW_DOWN, status_meaning
from tidings.core.webhooks.fields import DEADLINE_MAX_S
from tidings.server.bounds import Bounds

FOLDER = Path(__file__).parents[3] / "examples/gateway"
BUNDLE = FOLDER / "apigee/apiproxy"


def test_the_table_of_answers_says_what_a_sender_does() -> None:
    page = (FOLDER / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d{3}) \| .+ \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)
    assert len(rows) == 16
    for status, said in rows:
        means = status_meaning(int(status))
        words = {"delivered": "delivered", "failed": "failed", "retry": "tried again"}[means]
        assert said == words + (", slower" if int(status) in SLOW_DOWN else ""), status


def test_kong_tries_nothing_again_waits_long_enough_and_writes_no_body() -> None:
    said = yaml.safe_load((FOLDER / "kong.yaml").read_text("utf-8"))
    [service] = said["services"]
    assert service["retries"] == 0 and service["read_timeout"] / 1000 > DEADLINE_MAX_S
    [route] = service["routes"]
    assert route["protocols"] == ["https"] and route["paths"] == ["/in/"]
    assert route["preserve_host"] and route["request_buffering"] and not route["strip_path"]
    [plugin] = route["plugins"]
    assert plugin["name"] == "request-transformer"
    assert plugin["config"] == {"remove": {"headers": ["Forwarded"]}}


def test_apigee_streams_waits_long_enough_and_has_the_policies_that_it_names() -> None:
    proxy = ElementTree.parse(BUNDLE / "proxies/default.xml")
    target = ElementTree.parse(BUNDLE / "targets/default.xml")
    for tree in (proxy, target):
        of = {element.get("name"): element.text for element in tree.iter("Property")}
        assert of["request.streaming.enabled"] == of["response.streaming.enabled"] == "true"
    assert int(of["io.timeout.millis"] or 0) / 1000 > DEADLINE_MAX_S
    assert int(of["keepalive.timeout.millis"] or 0) / 1000 < Bounds().idle_s
    assert target.find(".//LoadBalancer") is None
    base = proxy.findtext(".//BasePath")
    assert (target.findtext(".//URL") or "").endswith(f"{base}") and base == "/in"
    steps = {element.text for tree in (proxy, target) for element in tree.findall(".//Step/Name")}
    listed = {
        element.text for element in ElementTree.parse(BUNDLE / "tidings.xml").findall(".//Policy")
    }
    files = {path.stem: path for path in (BUNDLE / "policies").iterdir()}
    assert steps == listed == files.keys()
    for name, path in files.items():
        policy = ElementTree.parse(path).getroot()
        assert policy.get("name") == name and policy.find(".//Payload") is None


@pytest.mark.parametrize(("name", "waits_ms"), [("http-api", 30_000), ("rest-api", 29_000)])
def test_a_template_of_aws_holds_together_and_maps_nothing_of_a_body(
    name: str, waits_ms: int
) -> None:
    said = yaml.safe_load((FOLDER / f"aws/{name}.yaml").read_text("utf-8"))
    resources = said["Resources"]
    assert set(references(said)) <= resources.keys() | said["Parameters"].keys()
    api = resources["Api"]["Properties"]
    assert api["DisableExecuteApiEndpoint"] is True
    if name == "http-api":
        integration = resources["ToTidings"]["Properties"]
        assert integration["IntegrationType"] == "HTTP_PROXY"
        assert "RequestParameters" not in integration
        assert resources["Sources"]["Properties"]["RouteKey"] == "POST /in/{org}/{name}"
    else:
        assert api["BinaryMediaTypes"] == ["*/*"]
        integration = resources["Post"]["Properties"]["Integration"]
        assert integration["Type"] == "HTTP_PROXY"
        assert not integration.keys() & {"RequestTemplates", "ContentHandling"}
        assert integration["PassthroughBehavior"] == "WHEN_NO_MATCH"
    assert integration["TimeoutInMillis"] == waits_ms


def references(part: object) -> list[str]:
    """What a template refers to, wherever it stands."""
    if isinstance(part, list):
        return [name for row in part for name in references(row)]
    if not isinstance(part, dict):
        return []
    own = [part["Ref"]] if "Ref" in part else []
    own += part.get("Fn::GetAtt", [])[:1]
    return own + [name for row in part.values() for name in references(row)]
