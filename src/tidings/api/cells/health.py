"""How the cells of this machine are: their problems, and their figures.

The processes of a machine share its public port, so whoever asks reaches any one of them. It is
ready where it is itself; what is wrong with another is noted.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from tidings.api.cells.question import CellQuestion, ask_every_cell
from tidings.api.context import Services
from tidings.api.http.ready_gauge import show_metrics
from tidings.core.cells.families import CellId
from tidings.core.running.metric_list import METRICS

UP = "tidings_cell_up"
_HEAD = re.compile(r"# (?:HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) ")
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_OF_CELL = re.compile(r'(?:^|,)cell="')
_ABOUT_UP = f"# HELP {UP} {METRICS['cell_up'].help}\n# TYPE {UP} gauge"


class HealthAsked(msgspec.Struct, frozen=True):
    """Ask how a cell is."""


class CellHealth(msgspec.Struct, frozen=True):
    """Hold why a cell is not ready, and what else an operator should know."""

    problems: list[str]
    notices: list[str]


class CellFigures(msgspec.Struct, frozen=True):
    """Hold the figures of a cell, as Prometheus reads them."""

    page: str


async def _look(services: Services, asked: HealthAsked) -> CellHealth:
    health = services.web.health
    return CellHealth(health.problems(), health.notices())


async def _read(services: Services, asked: HealthAsked) -> CellFigures:
    return CellFigures(generate_latest(services.web.metrics).decode())


HEALTH = CellQuestion(
    name="health", asks=HealthAsked, finds=CellHealth, answer=_look, answer_s=0.5, is_near=True
)
FIGURES = CellQuestion(
    name="figures", asks=HealthAsked, finds=CellFigures, answer=_read, is_near=True
)


async def report_health(services: Services) -> CellHealth:
    """Report how this process is, and, among the notices, what is wrong with the other cells of
    this machine."""
    own = await _look(services, HealthAsked())
    others = services.web.others
    if others is None:
        return own
    found = await others.ask(
        HEALTH.name, msgspec.json.encode(HealthAsked()), CellHealth, HEALTH.answer_s, True
    )
    notices = [
        f"Cell {cell}: {problem}"
        for cell, health in sorted(found.by_cell.items())
        for problem in health.problems
    ]
    notices += [
        f"Cell {cell} has not answered. `tidings cells show {cell}` says what is wrong with it."
        for cell in found.missing
    ]
    return CellHealth(own.problems, own.notices + notices)


async def show_figures(services: Services) -> Response:
    """Answer the figures of the cells of this machine; where there are several, each with its cell
    as a label."""
    if services.web.others is None:
        return show_metrics(services.web.metrics)
    found = await ask_every_cell(services, FIGURES, HealthAsked())
    pages = {cell: figures.page for cell, figures in found.by_cell.items()}
    return Response(merge_figures(pages, found.missing), media_type=CONTENT_TYPE_LATEST)


def merge_figures(pages: Mapping[CellId, str], missing: Iterable[CellId]) -> str:
    """Build one page of the pages of cells. A line that is no figure is left out."""
    heads: dict[str, dict[str, None]] = {}  # as the first that has them; in their order
    samples: dict[str, list[str]] = {}
    for cell, page in sorted(pages.items()):
        of_whom, known = "", frozenset(heads)
        for line in page.splitlines():
            head = _HEAD.match(line)
            if head is not None:
                of_whom = head[1]
                lines = heads.setdefault(of_whom, {})
                if of_whom not in known:
                    lines[line] = None
                continue
            sample = _SAMPLE.fullmatch(line)
            if sample is not None and of_whom:
                labels = sample[2] or ""
                if not _OF_CELL.search(labels):  # else its process says so itself
                    labels = f'cell="{cell}"' + (f",{labels}" if labels else "")
                samples.setdefault(of_whom, []).append(f"{sample[1]}{{{labels}}} {sample[3]}")
    found = [line for name, lines in heads.items() for line in (*lines, *samples.get(name, ()))]
    up = [(cell, 1) for cell in pages] + [(cell, 0) for cell in missing]
    found += [_ABOUT_UP, *(f'{UP}{{cell="{cell}"}} {is_up}' for cell, is_up in sorted(up))]
    return "\n".join(found) + "\n"
