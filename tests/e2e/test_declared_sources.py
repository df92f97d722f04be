"""Sources of the operator's file, from start to start, as an operator and a brand see them."""

import json
from pathlib import Path

from tests.cli.command import Command
from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import KEY, ORG, SECRET, free_port
from tests.e2e.harness.until import until

VALUE = "a value that is long"
SHOP = f"""
[shop]
org = {ORG}
verification = {{type = "header", header = "X-Key", value = "${{SHOP_VALUE}}"}}
"""
TOPIC = f"""
[loyalty]
org = {ORG}
type = "kafka"
connection = "main"
kafka = {{topics = ["loyalty.events"]}}
"""


def test_a_file_makes_changes_and_lets_go_of_sources(
    own_service: NewService, tmp_path: Path
) -> None:
    connections, sources = tmp_path / "connections.toml", tmp_path / "sources.toml"
    connections.write_text(f'[main]\ntype = "kafka"\nservers = "127.0.0.1:{free_port()}"\n')
    sources.write_text(SHOP.replace("${SHOP_VALUE}", VALUE) + TOPIC)
    service = own_service(connections=connections, sources=sources).start()
    tidings = Command(
        tmp_path,
        TIDINGS_URL=f"http://127.0.0.1:{service.port}",
        TIDINGS_KEY=f"{KEY}:{SECRET}",
        TIDINGS_ORG=str(ORG),
    )
    with service.api(ORG) as api:
        sent = api.call("POST", f"/in/{ORG}/shop", bare(), {"X-Key": VALUE})
        assert sent.must(202)["accepted"] == 1
        until(lambda: api.get("/v1/sources/loyalty").must(200)["trouble"], "trouble told")
    assert "declared in  " in tidings("sources", "show", "shop").must().out
    refused = tidings("sources", "delete", "shop", "--yes").must(4)
    assert "in the operator's file sources.toml" in refused.err
    late = tidings("sources", "lag", "--fail-above", "0").must(1)
    assert "loyalty: The Kafka cluster of the connection main must answer" in late.err
    assert "trouble" in late.out and "shop" in late.out
    shown = tidings("sources", "show", "loyalty").must()
    assert "main" in shown.out and "must answer" in shown.out
    assert json.loads(tidings("sources", "lag", "shop", "--json").must().out)["lag"] is None
    service.stop()

    sources.write_text(SHOP)  # the secret in the environment, where it is not
    service.launch()
    assert service.wait() == 2
    assert f"{sources}: [shop] verification.value must be set" in service.words()

    sources.write_text(TOPIC)
    service.start()
    with service.api(ORG) as api:
        shop = api.get("/v1/sources/shop").must(200)
        assert (shop["paused"], shop["declaredIn"]) == (True, None)
        assert api.get("/v1/sources/loyalty").must(200)["declaredIn"] == "sources.toml"
    tidings("sources", "delete", "shop", "--yes").must()
