"""`/metrics` behind nginx is open to the networks of `metrics_from`, and never by nginx's own
address, which stands among them: whatever a caller writes, and whatever nginx is set to pass on."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.nginx import Nginx
from tests.e2e.harness.service import ServiceProcess, free_port

from .conftest import request as call

pytestmark = pytest.mark.systems

NGINX, PROMETHEUS, STRANGER = "127.0.0.1", "127.0.0.90", "127.0.0.66"
FORWARDED = 'proxy_set_header Forwarded "";'
CHAIN = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
# How nginx passes a call on; and whether Tidings can tell from it who calls.
WAYS: dict[str, tuple[dict[str, str], bool]] = {
    "by the file": ({}, True),
    "Forwarded as it came": ({FORWARDED: ""}, True),
    "X-Real-IP alone": (
        {
            CHAIN: 'proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For "";',
            "proxy_set_header X-Forwarded-Proto $scheme;": "",
            "proxy_set_header X-Forwarded-Host $http_host;": "",
        },
        False,
    ),
}
LIES = [
    [],
    *([("Forwarded", value)] for value in (
        "", "for=127.0.0.1", "for=127.0.0.90", "FOR=127.0.0.1;proto=http", 'for="127.0.0.1:80"',
        'for="[::1]"', 'for="[::ffff:127.0.0.1]"', "for=unknown", "for=_hidden", "garbage", ";;,,",
        'for="', "proto=https", "by=127.0.0.1", "for=127.0.0.1, " * 640 + "for=127.0.0.1",
        "x" * 10_000,
    )),
    *([("X-Forwarded-For", value)] for value in (
        "", "127.0.0.1", "127.0.0.90", "::1", "[::1]:80", "unknown", "\xff", "x" * 10_000,
        "127.0.0.1, " * 930 + "127.0.0.1", ",,,", "127.0.0.90,",
    )),
    [("fOrWaRdEd", "for=127.0.0.1"), ("FORWARDED", "for=127.0.0.90")],
    [("X-Forwarded-For", "127.0.0.1"), ("x-forwarded-FOR", "127.0.0.90")],
    [("Forwarded", "for=127.0.0.90"), ("X-Forwarded-For", "127.0.0.90")],
    [("X-Real-IP", "127.0.0.90"), ("True-Client-IP", "127.0.0.1"), ("Via", "1.1 near")],
]  # fmt: skip
ASKED = call("/metrics", b"", {}, method="GET")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """Figures for Prometheus, and for what asks from the machine of nginx itself."""
    made = ServiceProcess(
        tmp_path_factory.mktemp("behind") / "store",
        dev=False,
        trusted_proxies=NGINX,
        metrics_from=f"{NGINX},{PROMETHEUS}",
    )
    try:
        yield made.start()
    finally:
        made.end()


@pytest.fixture(params=WAYS)
def way(
    request: pytest.FixtureRequest,
    service: ServiceProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Nginx, bool]]:
    """nginx before it, and whether it tells who calls."""
    changes, tells = WAYS[request.param]
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), service.port, changes=changes)
    try:
        yield nginx.start(), tells
    finally:
        nginx.stop()


def test_a_stranger_reads_no_figures_whatever_it_says_of_its_way(way: tuple[Nginx, bool]) -> None:
    nginx, tells = way
    for lie in LIES:
        lines = "".join(f"{name}: {value}\r\n" for name, value in lie).encode("latin-1")
        answer = nginx.raw(ASKED.removesuffix(b"\r\n") + lines + b"\r\n", STRANGER)
        assert answer.status == 401, [(name, value[:40]) for name, value in lie]
        assert b"metrics_closed" in answer.body
    assert nginx.raw(ASKED, NGINX).status == 401, "the address of a proxy, through a proxy"
    assert nginx.raw(ASKED, PROMETHEUS).status == (200 if tells else 401)


def test_straight_to_the_port_the_address_is_the_callers_own(service: ServiceProcess) -> None:
    with Api(service.port) as api:
        assert b"tidings_" in api.get("/metrics").body
        for headers, status in (
            ({"x-forwarded-for": PROMETHEUS}, 200),
            ({"x-forwarded-for": STRANGER}, 401),
            ({"forwarded": ""}, 401),
            ({"via": "1.1 near"}, 401),
        ):
            assert api.call("GET", "/metrics", None, headers).status == status, headers


def test_a_proxy_that_nobody_trusts_opens_nothing_by_its_address(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    port = free_port()
    service = ServiceProcess(
        tmp_path_factory.mktemp("alone") / "store", port=port, dev=False, metrics_from=NGINX
    )
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), port)
    with contextlib.ExitStack() as ends:
        ends.callback(service.end)
        ends.callback(nginx.stop)
        service.start()
        nginx.start()
        assert [nginx.raw(ASKED, text).status for text in (NGINX, STRANGER)] == [401, 401]
        with Api(port) as api:
            assert api.get("/metrics").status == 200
