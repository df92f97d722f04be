"""The console before two cells, with real processes: one session, and whichever process takes a
page."""

import re
import signal
from urllib.parse import urlencode

import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tidings.app.cells.cell_settings import FIRST_CELL
from tidings.console.place import form_token
from tidings.engine.access.keys import cell_of_session

from ...e2e.harness.fixtures import NewService
from .by_hand import SECOND_CELL, make_two_cells, on_directories
from .hosted import all_owned, is_known_everywhere, line, sent, workers

pytestmark = pytest.mark.systems
FORM = {"content-type": "application/x-www-form-urlencoded"}
SIGN_OUT = "/console/sign-out"


@pytest.fixture
def host(own_service: NewService) -> ServiceProcess:
    """A service of two cells whose processes know the platform's credential."""
    service = own_service()
    make_two_cells(on_directories(service.data))
    service.start()
    until(lambda: all_owned(service), "an owner of each cell")
    until(lambda: is_known_everywhere(service), "the platform's credential at each process")
    return service


def signed_in(api: Api) -> str:
    """The token of a new session of the platform's credential."""
    body = urlencode({"name": KEY, "secret": SECRET}).encode()
    answer = api.call("POST", "/console/sign-in", body, FORM)
    assert answer.status == 303, answer.body
    found = re.search(r"tidings=(tsn_\w+)", str(answer.headers))
    assert found is not None
    return found[1]


def cookies(token: str) -> dict[str, str]:
    return {"cookie": f"tidings={token}; __Host-tidings={token}"}


def status(api: Api, path: str, token: str) -> int:
    return api.call("GET", path, b"", cookies(token)).status


def test_one_session_opens_the_orgs_of_both_cells_at_each_process_until_it_ends(
    host: ServiceProcess,
) -> None:
    orgs: list[int] = []
    for still in workers(host).values():
        with line(host, still) as api:
            made = [sent(api, "POST", "/v1/orgs", {"name": name}).must(201) for name in "abc"]
            orgs += [org["id"] for org in made]
    pages = [f"/console/o/{org}/webhooks" for org in orgs]
    tokens = []
    for still in workers(host).values():
        with line(host, still) as api:
            tokens.append(signed_in(api))
    assert {cell_of_session(token) for token in tokens} == {FIRST_CELL, SECOND_CELL}
    for still in workers(host).values():
        with line(host, still) as api:
            for token in tokens:
                assert [status(api, path, token) for path in pages] == [200] * len(pages)
    workers(host)[SECOND_CELL].send_signal(signal.SIGKILL)

    def seen() -> set[int]:
        """The statuses of all pages, of both sessions; whoever takes the connection."""
        with Api(host.port, seconds=PATIENCE_S) as api:
            return {status(api, path, token) for path in pages for token in tokens}

    def is_back() -> bool:
        found = seen()
        assert found <= {200, 503}, "nobody is signed out"
        return found == {200}

    until(is_back, "the second cell's next owner")
    for token in tokens:
        with Api(host.port, seconds=PATIENCE_S) as api:
            body = urlencode({"csrf": form_token(token, SIGN_OUT)}).encode()
            assert api.call("POST", SIGN_OUT, body, FORM | cookies(token)).status == 303
    for still in workers(host).values():
        with line(host, still) as api:
            for token in tokens:
                assert {status(api, path, token) for path in pages} == {303}
