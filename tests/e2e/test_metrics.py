"""Every figure of /metrics is in the operator's table, and the other way round."""

import re
from pathlib import Path

from .api import Api
from .fixtures import NewService

PAGE = Path(__file__).parents[2] / "docs/running.md"
NOT_AT_FIRST = re.compile(  # without a platform's API, and before retention has looked
    "tidings_platform_|tidings_retention_(kept_back|oldest_|free_bytes|database_bytes)"
)


def test_the_table_of_metrics_names_each_and_no_other(api: Api) -> None:
    said = api.get("/metrics").body.decode()
    types = re.findall(r"^# TYPE (tidings_\w+) (counter|gauge)$", said, re.MULTILINE)
    told = {name if kind == "gauge" else _total(name) for name, kind in types}
    told -= {name for name in told if name.endswith("_created")}
    table = PAGE.read_text("utf-8").partition("### Metrics")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(tidings_\w+)`", table))
    assert told <= named, "in the table"
    assert [name for name in sorted(named - told) if not NOT_AT_FIRST.match(name)] == []


def _total(counter: str) -> str:
    return counter if counter.endswith("_total") else f"{counter}_total"


def test_in_production_they_are_closed_unless_set(own_service: NewService) -> None:
    token = "prometheus-0123456789"
    bearer = {"authorization": f"Bearer {token}"}
    closed = own_service(dev=False).start()
    tokened = own_service(dev=True, metrics_token=token).start()
    for service, with_token in ((closed, 401), (tokened, 200)):
        with Api(service.port) as nobody, service.api() as boss:
            assert nobody.get("/metrics").status == 401
            assert nobody.call("GET", "/metrics", None, bearer).status == with_token
            assert b"tidings_in_flight" in boss.get("/metrics").body
            assert nobody.get("/livez").status == nobody.get("/readyz").status == 200
