"""Services of a figure that are killed and started again, each on a store of its own."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.report import Options
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ServiceProcess


@contextlib.contextmanager
def services(options: Options) -> Iterator[tuple[NewService, Path]]:
    """Services in a folder that lasts as long as the block; what still runs then is killed."""
    made: list[ServiceProcess] = []
    with tempfile.TemporaryDirectory(prefix="tidings-bench-", dir=options.folder) as name:
        folder = Path(name)

        def make(**settings: object) -> ServiceProcess:
            made.append(ServiceProcess(folder / f"store-{len(made)}", **settings))  # type: ignore[arg-type]  # settings of the service
            return made[-1]

        try:
            yield make, folder
        finally:
            for service_process in made:
                service_process.end()
