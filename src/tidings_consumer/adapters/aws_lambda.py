"""A handler of AWS Lambda behind API Gateway (REST and HTTP APIs) or a function URL.

    handler = lambda_handler(router)

API Gateway must pass the body through: no mapping template, and `*/*` or `application/json` among
the binary media types or not at all; both forms are read.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tidings_consumer import answers
from tidings_consumer.answers import Answer
from tidings_consumer.router import Router

METHODS = ("POST", "PUT")


def lambda_handler(router: Router) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Return the handler for a function. Its store of ids must outlive an instance: not
    `MemoryIds`, which each instance has for itself."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer = _receive(router, event)
        return {
            "statusCode": answer.status,
            "headers": answer.headers,
            "body": answer.body.decode(),
            "isBase64Encoded": False,
        }

    return handler


def _receive(router: Router, event: dict[str, Any]) -> Answer:
    if _method(event) not in METHODS:
        return answers.not_allowed()
    body = event.get("body") or ""
    if len(body) > router.body_max * 4 // 3 + 4:
        return answers.too_large(router.body_max)
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    except ValueError:
        return answers.rejected("the body must be base64 where isBase64Encoded says so")
    return router.receive(_headers(event), raw)


def _method(event: dict[str, Any]) -> str:
    """`httpMethod` in format 1.0, `requestContext.http.method` in 2.0."""
    http = (event.get("requestContext") or {}).get("http") or {}
    return str(event.get("httpMethod") or http.get("method") or "")


def _headers(event: dict[str, Any]) -> list[tuple[str, str]]:
    """All that came: format 1.0 has each value of a header that came twice, 2.0 joins them."""
    several = event.get("multiValueHeaders")
    if several:
        return [(name, value) for name, values in several.items() for value in values]
    return list((event.get("headers") or {}).items())
