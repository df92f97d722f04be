"""5,000 new organisations over eight cells: how they are spread, and the pages of all of them."""

import http.client
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.cells_product import CELLS_PATH, CellsProduct
from bench.layout import Hook
from bench.ledger import spread
from bench.payload import ORG_FIRST
from bench.product import ORGS_PATH
from bench.report import HELD, MISSED, Options, Row
from bench.run import Bench

FIGURE = "cell-orgs"
ORGS = 5_000
CALLERS = 12
PAGES = 30
SPREAD_MAX = 0.2  # of the mean
PAGE_MS_MAX = 300.0
SIGN_IN = re.compile(r"http://127\.0\.0\.1:\d+(/console/sign-in\?link=\S+)")


class EightCells(CellsProduct):
    """An installation of eight, each with a process."""

    cells = 8


def run(options: Options) -> list[Row]:
    """Measure all of it, on directories."""
    orgs = 200 if options.quick else ORGS
    with Bench(options.folder, options.patience_seconds) as bench:
        product = EightCells(
            bench.folder,
            bench.receiver.port,
            [Hook(0, ORG_FIRST, True)],
            cores=options.service_cores,
        )
        try:
            return [*_made(product, orgs), *_read(product)]
        finally:
            product.stop()


def _made(product: EightCells, orgs: int) -> list[Row]:
    first = ORG_FIRST + 1
    began_s = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as callers:
        for _ in callers.map(product.add_org, range(first, first + orgs)):
            pass
    took_s = time.monotonic() - began_s
    counts = [product.org_count(cell) for cell in product.stores()]
    mean = sum(counts) / len(counts)
    apart = max(abs(count - mean) for count in counts) / mean
    return [
        Row(
            FIGURE,
            f"{orgs} orgs over {len(counts)} cells: furthest from the mean, of it",
            f"{apart:.3f}",
            f"≤ {SPREAD_MAX:g}",
            HELD if apart <= SPREAD_MAX else MISSED,
        ),
        Row(FIGURE, f"orgs made a second, by {CALLERS} callers", f"{orgs / took_s:.0f}"),
    ]


def _read(product: EightCells) -> list[Row]:
    cookie = _signed_in(product)
    of_page = _times_ms(lambda: _page(product, "/console/orgs", cookie))
    of_call = _times_ms(lambda: product.call("GET", f"{ORGS_PATH}?limit=50")[0])
    of_cells = _times_ms(lambda: product.call("GET", CELLS_PATH)[0])
    shown = spread(of_page)
    return [
        Row(
            FIGURE,
            "the console's page of all orgs, ms",
            shown.text(0),
            f"≤ {PAGE_MS_MAX:g}",
            HELD if shown.median <= PAGE_MS_MAX else MISSED,
        ),
        Row(FIGURE, f"GET {ORGS_PATH}?limit=50, ms", spread(of_call).text(0)),
        Row(FIGURE, f"GET {CELLS_PATH}, ms", spread(of_cells).text(0)),
    ]


def _times_ms(ask: Callable[[], int]) -> Sequence[float]:
    found = []
    for _ in range(PAGES):
        began_s = time.monotonic()
        if (status := ask()) != 200:
            raise RuntimeError(f"a page was answered {status}")
        found.append((time.monotonic() - began_s) * 1e3)
    return found


def _signed_in(product: EightCells) -> str:
    """Sign in by the last link that was printed; the cookie."""
    link = SIGN_IN.findall(product.process.output())[-1]
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
    connection.request("GET", link)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return (answer.getheader("set-cookie") or "").partition(";")[0]


def _page(product: EightCells, path: str, cookie: str) -> int:
    """Ask on a connection of its own: whichever process takes it."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
    connection.request("GET", path, headers={"cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status
