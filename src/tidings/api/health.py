"""Is it alive, is it ready, and its numbers. They name no org and no event; whether the service is
well is open to all."""

from starlette.responses import Response

from tidings.api.answers import answer
from tidings.api.context import Services
from tidings.api.http.ready_gauge import show_metrics
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
        problems = web.health.problems()
        ready = not problems
        report = {"ready": ready, "problems": problems, "notices": web.health.notices()}
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
        network of `metrics_from`."""
        return show_metrics(web.metrics)

    return route.made
