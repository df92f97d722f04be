"""Is it alive, is it ready, and its numbers. They name no org and no event; whether the service is
well is open to all."""

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.cells.health import report_health, show_figures
from tidings.api.context import Services
from tidings.api.route import OPEN, PLATFORM, AnswerForm, ok
from tidings.api.router import EntryRoute, Routes
from tidings.core.cells.call_subject import Over

_READY = {"ready": "yes", "problems": ["text"], "notices": ["text"]}


def health_routes(services: Services) -> list[EntryRoute]:
    """Build the routes `/livez`, `/readyz` and `/metrics` over the services."""
    route = Routes(services, tag="health", refuses={})
    web = services.web

    @route(
        "GET",
        "/livez",
        over=Over.PROCESS,
        id="checkAlive",
        scope=OPEN,
        summary="Whether the process answers",
        answers=ok("It answers", {"live": "yes"}),
    )
    async def livez() -> Response:
        return answer({"live": True})

    @route(
        "GET",
        "/readyz",
        over=Over.PROCESS,
        id="checkReady",
        scope=OPEN,
        summary="Whether it can accept, send and settle",
        answers=[
            AnswerForm(200, "It is ready", _READY),
            AnswerForm(503, "It is not, and why", _READY),
        ],
    )
    async def readyz() -> Response:
        """Of the process that answers. Where others on this machine own other cells, what is wrong
        with those stands among the notices."""
        health = await report_health(services)
        ready = not health.problems
        report = {"ready": ready, "problems": health.problems, "notices": health.notices}
        return answer(report, 200 if ready else 503)

    @route(
        "GET",
        "/metrics",
        over=Over.PROCESS,
        id="getMetrics",
        scope=PLATFORM + "admin:read",
        summary="Figures for Prometheus",
        answers=[AnswerForm(200, "The figures", "text", media="text/plain")],
        admission=lambda *call: web.metrics_readers.check(*call),
    )
    async def figures() -> Response:
        """Also with the bearer token of the setting `metrics_token`, or without anything from a
        network of `metrics_from`. Where the processes of this machine own several cells, it has
        the figures of each with the label `cell`, and `tidings_cell_up`: 0 for one that has not
        answered."""
        return await show_figures(services)

    return route.made
