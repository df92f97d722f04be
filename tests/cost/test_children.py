"""What a forked service starts is a process of its own, as if the system had started it."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cost.children import FORKED
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until

ENVIRONMENT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServiceProcess]]:
    """One that is forked with all it starts, and one that the system starts."""
    place = tmp_path_factory.mktemp("children")
    made = [ServiceProcess(place / "forked"), ServiceProcess(place / "fresh", wrap=("env",))]
    try:
        yield [service.start() for service in made]
    finally:
        for service in made:
            service.end()


def children(service: ServiceProcess) -> dict[str, psutil.Process]:
    """Return its processes, by what each is started as."""
    with service.api(2001) as api:
        api.send(
            "POST", "/v1/transformations", {"name": f"t{os.urandom(4).hex()}", "template": "{}"}
        )

    def there() -> dict[str, psutil.Process] | None:
        found = psutil.Process(service.pid).children(recursive=True)
        named = {
            " ".join([text for text in child.cmdline() if text][1:4]): child for child in found
        }
        return named if len(named) == 3 else None

    return until(there, "three processes") or {}


def open_files(process: psutil.Process) -> list[str]:
    """Return what it has open, without numbers that differ from one start to the next."""
    place = Path(f"/proc/{process.pid}/fd")
    return sorted(
        os.readlink(file).partition(":[")[0].rpartition("/")[2] for file in place.iterdir()
    )


def test_they_are_the_same_processes_with_the_same_files(services: list[ServiceProcess]) -> None:
    forked, fresh = map(children, services)
    roles = [f"-m {FORKED[0]} write", f"-m {FORKED[0]} read"]
    assert forked.keys() - set(roles) == {name for name in forked if FORKED[1] in name}
    assert {*roles} < forked.keys() and {*roles} < fresh.keys()
    for role in roles:
        assert open_files(forked[role]) == [
            name.replace("fresh", "forked") for name in open_files(fresh[role])
        ]
        assert forked[role].nice() == fresh[role].nice()
        assert forked[role].parent() == psutil.Process(services[0].pid)


def test_each_ends_with_the_service_and_leaves_what_it_ends_with(
    services: list[ServiceProcess],
) -> None:
    for service in services:
        left = children(service).values()
        assert service.stop() == 0
        assert psutil.wait_procs(left, 20)[1] == []
        assert not service.errors()
