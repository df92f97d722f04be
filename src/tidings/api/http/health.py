"""Is it alive, is it ready, and its numbers. They name no org and no event; whether the service is
well is open to all."""

from collections.abc import Callable
from typing import Protocol

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer


class ReadinessProbe(Protocol):
    """Answers whether the service can do its work."""

    def problems(self) -> list[str]:
        """List, in sentences, why the service is not ready; empty when it is."""

    def notices(self) -> list[str]:
        """List what else an operator should know; none of it makes the service unready."""


def health_routes(
    health: ReadinessProbe,
    metrics: CollectorRegistry,
    check_reader: Callable[[Request], None],
) -> APIRouter:
    """`/livez`, `/readyz` and `/metrics`. `check_reader` refuses who may not read the figures."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", summary="Whether the process answers")
    async def livez() -> Response:
        return answer({"live": True})

    @router.get("/readyz", summary="Whether it can accept, send and settle")
    async def readyz() -> Response:
        problems = health.problems()
        ready = not problems
        report = {"ready": ready, "problems": problems, "notices": health.notices()}
        return answer(report, 200 if ready else 503)

    @router.get("/metrics", summary="Figures for Prometheus")
    async def figures(request: Request) -> Response:
        """Also with the bearer token of the setting `metrics_token`, or without anything from a
        network of `metrics_from`."""
        check_reader(request)
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return router
