"""Applications of each framework that receive at `/tidings`, behind real servers on real ports."""

import base64
import socket
import threading
import time
import wsgiref.simple_server
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import django
import flask
import litestar
import uvicorn
import werkzeug.serving
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route

from tidings_consumer import Router
from tidings_consumer.adapters.asgi import AsgiApp
from tidings_consumer.adapters.aws_lambda import lambda_handler
from tidings_consumer.adapters.django import django_async_view, django_view
from tidings_consumer.adapters.flask import flask_view

PATH = "/tidings"
START_S = 120.0

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY="of the tests",  # noqa: S106
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        LOGGING_CONFIG=None,
    )
    django.setup()

urlpatterns: list[Any] = []


@contextmanager
def asgi(app: Any) -> Iterator[int]:
    """The port of an ASGI application under uvicorn."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="auto")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        give_up = time.monotonic() + START_S
        while not server.started:
            assert time.monotonic() < give_up and thread.is_alive()
            time.sleep(0.005)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def serving(server: Any) -> Iterator[int]:
    """The port of a server of the standard library's kind."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def alone(router: Router) -> Iterator[int]:
    """The ASGI application by itself, with its lifespan."""
    with asgi(AsgiApp(router)) as port:
        yield port


@contextmanager
def starlette(router: Router) -> Iterator[int]:
    """As a route."""
    with asgi(Starlette(routes=[Route(PATH, AsgiApp(router))])) as port:
        yield port


@contextmanager
def fastapi(router: Router) -> Iterator[int]:
    """As a route."""
    app = FastAPI()
    app.router.routes.append(Route(PATH, AsgiApp(router)))
    with asgi(app) as port:
        yield port


@contextmanager
def litestar_app(router: Router) -> Iterator[int]:
    """As an ASGI handler."""
    receiving = AsgiApp(router)

    @litestar.asgi(PATH, copy_scope=True)
    async def tidings(
        scope: litestar.types.Scope, receive: litestar.types.Receive, send: litestar.types.Send
    ) -> None:
        await receiving(scope, receive, send)  # type: ignore[arg-type]

    with asgi(litestar.Litestar([tidings])) as port:
        yield port


@contextmanager
def flask_app(router: Router) -> Iterator[int]:
    """As a view."""
    app = flask.Flask(__name__)
    app.add_url_rule(PATH, view_func=flask_view(router), methods=["POST", "PUT"])
    server = werkzeug.serving.make_server(
        "127.0.0.1", 0, app, threaded=True, request_handler=_QuietFlask
    )
    with serving(server) as port:
        yield port


class _QuietFlask(werkzeug.serving.WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def django_wsgi(router: Router) -> Iterator[int]:
    """As a view, under WSGI."""
    urlpatterns[:] = [path(PATH[1:], django_view(router))]
    django.urls.clear_url_caches()
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet)
    with serving(server) as port:
        yield port


@contextmanager
def django_asgi(router: Router) -> Iterator[int]:
    """As an asynchronous view, under ASGI."""
    view: Any = django_async_view(router)  # the stubs know synchronous ones alone
    urlpatterns[:] = [path(PATH[1:], view)]
    django.urls.clear_url_caches()
    with asgi(ASGIHandler()) as port:
        yield port


def _gateway(router: Router, made: Callable[[Any, bytes], dict[str, Any]]) -> Any:
    """An HTTP server that calls the handler of a function as API Gateway does."""
    handler = lambda_handler(router)

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = handler(made(self, body), None)
            sent = answer["body"].encode()
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Gateway)


@contextmanager
def lambda_rest(router: Router) -> Iterator[int]:
    """Behind a REST API: format 1.0, the body as text."""

    def made(request: Any, body: bytes) -> dict[str, Any]:
        pairs = list(request.headers.items())
        several: dict[str, list[str]] = {}
        for name, value in pairs:
            several.setdefault(name, []).append(value)
        return {
            "httpMethod": request.command,
            "path": request.path,
            "headers": dict(pairs),
            "multiValueHeaders": several,
            "body": body.decode(),
            "isBase64Encoded": False,
        }

    with serving(_gateway(router, made)) as port:
        yield port


@contextmanager
def lambda_http(router: Router) -> Iterator[int]:
    """Behind an HTTP API or a function URL: format 2.0, the body in base64."""

    def made(request: Any, body: bytes) -> dict[str, Any]:
        joined: dict[str, str] = {}
        for name, value in request.headers.items():
            lower = name.lower()
            joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
        return {
            "version": "2.0",
            "headers": joined,
            "requestContext": {"http": {"method": request.command, "path": request.path}},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }

    with serving(_gateway(router, made)) as port:
        yield port


APPLICATIONS = {
    "ASGI alone": alone,
    "Starlette": starlette,
    "FastAPI": fastapi,
    "Litestar": litestar_app,
    "Flask": flask_app,
    "Django": django_wsgi,
    "Django, asynchronous": django_asgi,
    "AWS Lambda, REST API": lambda_rest,
    "AWS Lambda, HTTP API": lambda_http,
}
