"""A view of Flask.

app.add_url_rule("/tidings", view_func=flask_view(router), methods=["POST", "PUT"])
"""

from __future__ import annotations

from collections.abc import Callable

import flask

from tidings_consumer import answers
from tidings_consumer.router import Router


def flask_view(router: Router, name: str = "tidings") -> Callable[[], flask.Response]:
    """Return the view. `name` is its endpoint, and must differ for each router of an app."""

    def view() -> flask.Response:
        request, most = flask.request, router.body_max
        if (request.content_length or 0) > most:
            answer = answers.too_large(most)
        else:
            # One byte more than may be: a body sent in chunks has no length to go by.
            body = request.stream.read(most + 1)
            answer = router.receive(list(request.headers.items()), body)
        made = flask.Response(answer.body, answer.status)
        made.headers.remove("content-type")  # Flask's own, where the answer has none
        made.headers.update(answer.headers)
        return made

    view.__name__ = name
    return view
