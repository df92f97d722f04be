"""A token endpoint for tests: a real server that gives tokens, or does as it is told."""

import base64
import json
import threading
from typing import Any, Self
from urllib.parse import parse_qs

from tests.destinations.http.exchanges import Answering, Exchange, HttpReceiver

CLIENT, SECRET = "tidings-client", "client-secret-0123456789"


class TokenServer:
    """Gives `token-1`, `token-2` … to who knows the client's secret."""

    def __init__(self, expires_in: Any = 3600) -> None:
        self.expires_in = expires_in
        self.given = 0
        self.does: Answering | None = None  # instead
        self.forms: list[dict[str, str]] = []
        self.asked = threading.Semaphore(0)
        self._http = HttpReceiver(self._answer)

    @property
    def url(self) -> str:
        return self._http.url("/token")

    @property
    def questions(self) -> int:
        """How often it was asked."""
        return len(self._http.seen)

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(self, *failed: object) -> None:
        self._http.__exit__(*failed)

    def _answer(self, exchange: Exchange) -> Any:
        form = {name: row[0] for name, row in parse_qs(exchange.body.decode()).items()}
        self.forms.append(form)
        self.asked.release()
        if self.does is not None:
            return self.does(exchange)
        if not self._knows(exchange, form):
            exchange.status = 401
            exchange.says(b'{"error":"invalid_client"}')
            return None
        self.given += 1
        said = {"access_token": f"token-{self.given}-0123456789", "token_type": "Bearer"}
        exchange.says(json.dumps(said | {"expires_in": self.expires_in}).encode())
        return None

    def _knows(self, exchange: Exchange, form: dict[str, str]) -> bool:
        if form.get("grant_type") != "client_credentials":
            return False
        if "client_id" in form:
            return (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        return exchange.headers.get("authorization") == f"Basic {pair}"
