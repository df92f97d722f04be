"""A client of the HTTP API: the standard library, one kept-alive connection."""

import base64
import contextlib
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from .until import PATIENCE_S, until

JSON = "application/json"
FINAL = ("delivered", "failed", "parked", "cancelled")


@dataclass
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body, read."""
        return json.loads(self.body)

    def must(self, status: int) -> Any:
        """Its body, read, if it has this status."""
        assert self.status == status, f"{status} was expected, got {self.status}: {self.body!r}"
        return self.json


class Api:
    """Calls as one credential, on behalf of one org. Not to be shared between threads."""

    def __init__(
        self, port: int, login: str | None = None, org: int | None = None, seconds: float = 30
    ) -> None:
        self.port = port
        self._org = org
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        self._headers: dict[str, str] = {}
        self.authorization = ""
        if login is not None:
            self.authorization = "Basic " + base64.b64encode(login.encode()).decode()
            self._headers["authorization"] = self.authorization
        if org is not None:
            self._headers["x-tidings-org"] = str(org)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def org(self) -> int:
        """The org that it acts for."""
        assert self._org is not None, "it acts for no org"
        return self._org

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """One call. OSError or HTTPException where no answer comes."""
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # Who is refused before all of its body is read finds the answer all the same.
                self._line.request(method, path, body, self._headers | (headers or {}))
            answer = self._line.getresponse()
            got = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, got, answer.read())
        except http.client.HTTPException as error:
            self._line.close()
            raise ConnectionError(str(error)) from error
        except OSError:
            self._line.close()
            raise

    def get(self, path: str) -> Reply:
        """GET."""
        return self.call("GET", path)

    def send(self, method: str, path: str, value: Any) -> Reply:
        """A JSON body."""
        return self.call(method, path, json.dumps(value).encode(), {"content-type": JSON})

    def post(self, body: bytes, content_type: str = JSON, **headers: str) -> Reply:
        """Post events."""
        return self.call("POST", "/v1/events", body, {"content-type": content_type, **headers})

    def accept(self, body: bytes, content_type: str = JSON, **headers: str) -> list[dict[str, Any]]:
        """Post events that are taken; the rows of the answer."""
        rows: list[dict[str, Any]] = self.post(body, content_type, **headers).must(202)["events"]
        return rows

    def webhook(self, url: str, name: str = "crm", **fields: Any) -> dict[str, Any]:
        """A new webhook; retries after 1 s unless told otherwise."""
        body = {
            "name": name,
            "active": True,
            "eventNames": ["pointsIssued"],
            "webHookType": "HTTP",
            "webHookUrl": url,
            "methodType": "POST",
            "webHookHeaders": {},
            "maxAllowedConnections": 10,
            "retryPolicy": {"delaysInSeconds": [1]},
        }
        made: dict[str, Any] = self.send("POST", "/v3/webHooks", body | fields).must(200)["data"]
        return made

    def change(self, webhook: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Replace some fields of a webhook."""
        path = f"/v3/webHooks/{webhook['webHookId']}"
        changed: dict[str, Any] = self.send("PUT", path, fields).must(200)["data"]
        return changed

    def delete(self, webhook: dict[str, Any]) -> None:
        """Delete a webhook."""
        self.call("DELETE", f"/v3/webHooks/{webhook['webHookId']}").must(200)

    def event(self, event_id: str) -> dict[str, Any]:
        """What became of an event."""
        found: dict[str, Any] = self.get(f"/v1/events/{event_id}").must(200)
        return found

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """A delivery with its attempts."""
        found: dict[str, Any] = self.get(f"/v1/deliveries/{delivery_id}").must(200)
        return found

    def delivery_of(self, event_id: str, webhook: dict[str, Any] | None = None) -> dict[str, Any]:
        """The delivery of an event to a webhook, or the only one, with its attempts."""
        fates = self.event(event_id)["deliveries"]
        if webhook is not None:
            fates = [fate for fate in fates if fate["webHookId"] == webhook["webHookId"]]
        assert len(fates) == 1, fates
        return self.delivery(fates[0]["id"])

    def settled(
        self,
        event_id: str,
        webhook: dict[str, Any] | None = None,
        states: tuple[str, ...] = FINAL,
        seconds: float = PATIENCE_S,
    ) -> dict[str, Any]:
        """The delivery, once it has come to one of these states."""

        def ask() -> dict[str, Any] | None:
            found = self.delivery_of(event_id, webhook)
            return found if found["state"] in states else None

        found = until(ask, f"{event_id} comes to {'/'.join(states)}", seconds)
        assert found is not None
        return found

    def counts(self) -> dict[str, int]:
        """Deliveries of all orgs by state."""
        found: dict[str, int] = self.get("/v1/deliveries/count").must(200)
        return found

    def drained(self, seconds: float = PATIENCE_S) -> dict[str, int]:
        """The counts, once no delivery is unfinished."""

        def ask() -> dict[str, int] | None:
            found = self.counts()
            return (
                None if any(found[s] for s in ("pending", "held", "waiting", "retrying")) else found
            )

        found = until(ask, "every delivery is final", seconds)
        assert found is not None
        return found

    def stream(self) -> "Stream":
        """The live stream of the org, open."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        line.request("GET", "/v1/stream", headers=self._headers)
        return Stream(line, line.getresponse())


class Stream:
    """Server-sent events, read as they come."""

    def __init__(self, line: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        self._line = line
        self.status = answer.status
        self.content_type = answer.getheader("content-type", "")
        self._answer = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def lines(self) -> Iterator[str]:
        """Lines, without their ends."""
        while line := self._answer.readline():
            yield line.decode().rstrip("\r\n")

    def facts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Kind and data of each event."""
        kind = ""
        for line in self.lines():
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                yield kind, json.loads(line[6:])
