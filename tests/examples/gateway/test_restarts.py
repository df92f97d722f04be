"""A platform delivers through nginx to a brand: whatever is killed on the way, nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.nginx import Nginx
from tests.e2e.harness.service import ServiceProcess
from tests.sources.trials.inbound import inbound_trial

pytestmark = pytest.mark.systems

EVENTS, CUSTOMERS = 400, 7


@pytest.fixture
def before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[ServiceProcess], Nginx]]:
    """Puts nginx before a service, with a certificate that the services of this test trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "system.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    with ExitStack() as at_the_end:

        def put(service: ServiceProcess) -> Nginx:
            made = Nginx(tmp_path, service.port, authority=authority)
            at_the_end.callback(made.stop)
            return made.start()

        yield put


def test_nothing_is_lost_or_doubled_when_nginx_and_what_is_behind_it_are_restarted(
    own_service: NewService, before: Callable[[ServiceProcess], Nginx]
) -> None:
    """The brand's service is killed twice, nginx is reloaded, killed and started again, and then
    the platform is killed. Each customer's events are accepted once, in their order."""
    placed: list[Nginx] = []

    def found(brands: ServiceProcess) -> str:
        placed.append(before(brands))
        return f"https://127.0.0.1:{placed[0].port}"

    def disturb() -> None:
        [nginx] = placed
        nginx.reload()
        nginx.kill()
        nginx.start()

    books = inbound_trial(own_service, EVENTS, CUSTOMERS, found=found, disturb=disturb)
    assert books.accepted == books.due
    statuses = {text.split('" ')[1][:3] for text in placed[0].logged()}
    assert "202" in statuses and "502" in statuses, statuses
