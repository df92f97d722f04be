"""Calls of the API as a command makes them: JSON in and out, refusals as exit codes."""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tidings.cli.exits import CommandExit, Exit, exit_of, next_step, say
from tidings.cli.output import clean
from tidings.cli.service import ServiceClient, ServiceUnreachable, decoded
from tidings.cli.where import HERE, ServiceAddress, Where, server

# Where what is not there can be looked for, by what its path holds.
LISTS = (
    ("/credentials", "tidings credentials list"),
    ("/v3/webHooks", "tidings webhooks list"),
    ("/v1/webHooks", "tidings webhooks list"),
    ("/v1/deliveries", "tidings deliveries list"),
    ("/v1/events", "tidings events log"),
    ("/v1/rejections", "tidings events rejected"),
    ("/v1/replays", "tidings replay list"),
    ("/v1/inboxes", "tidings inboxes list"),
    ("/v1/alertChannels", "tidings alerts list"),
    ("/v1/incidents", "tidings incidents list"),
    ("/v1/connections", "tidings connections list"),
    ("/v1/orgs", "tidings orgs show"),
)
CELL_STEPS = {"unknown_cell": "tidings cells list", "unknown_org": "tidings orgs list"}
# The call that lists what there is: a command proposes a command.
_OF_THE_API = re.compile(r" (?:List them with )?GET /v\S+(?: lists \w+\.)?")
ORG_SOURCES = "--org, TIDINGS_ORG or the profile's"
WAITS_MAX, WAIT_S_MAX = 3, 10.0  # where the service asks to call again
PAGE_MAX = 200
ROUNDS_MAX = 200  # pages in a row that may hold nothing
STREAM_QUIET_S = 45.0  # a living stream says something every 15 s


class Moved(CommandExit):
    """Somebody else has changed the thing since it was read."""


class ApiClient:
    """The API of one service. Every refusal is a CommandExit with its exit code."""

    def __init__(self, at: ServiceAddress, seconds_max: float = 30.0, where: Where = HERE) -> None:
        self.server = at
        self._where = where
        self._org = at.org
        try:
            self._service = ServiceClient(at.url, at.key, seconds_max, at.org)
        except ValueError as error:
            raise CommandExit(str(error), Exit.USAGE) from None

    @property
    def etag(self) -> str | None:
        """Of the last answer."""
        return self._service.etag

    @property
    def date(self) -> str | None:
        """Return when the last answer was made, by the service's clock."""
        return self._service.date

    def org(self) -> int:
        """Return the org that is acted for: the one that was named, else the credential's own.
        Raise CommandExit where the service knows neither."""
        if self._org is None:
            self._org = int(self.caller()["orgId"])
        return self._org

    def caller(self) -> dict[str, Any]:
        """Return the credential of these calls, and its org. Raise CommandExit where the service
        knows neither."""
        found: dict[str, Any] = self.get("/v1/caller")
        return found

    def get(self, path: str, **query: Any) -> Any:
        """Return the answer of a GET; parameters that are None are left out. Raise CommandExit for
        any refusal."""
        asked = {name: _word(value) for name, value in query.items() if value is not None}
        return self.send("GET", f"{path}?{urlencode(asked)}" if asked else path)

    def send(self, method: str, path: str, body: Any = None, *, if_match: str | None = None) -> Any:
        """Send a call. Return the JSON of its answer, or `data` of the original's envelope. Raise
        CommandExit for any refusal."""
        status, answer = self.ask(method, path, body, if_match=if_match)
        if status >= 300:
            raise self.refused(path, status, answer)
        if isinstance(answer, dict) and answer.keys() == {"data", "errors", "warnings"}:
            return answer["data"]
        return answer

    def refused(self, path: str, status: int, answer: Any) -> CommandExit:
        """Return the CommandExit that a refused call amounts to, with what can be done about it."""
        if status < 300:  # a proxy, or another program, has answered
            return CommandExit(
                f"{self.server.url} must be a running Tidings; it answered {status} and something "
                "else. Check the URL.",
                Exit.FAILED,
            )
        stop = refused(status, answer)
        if status == 401:
            stop.problem += f"\nIt came from {self.server.named_by}."
            stop.step = "tidings doctor"
        elif stop.code is Exit.NOT_FOUND:
            step = next((step for part, step in LISTS if f"{part}/" in path), "")
            stop.step = CELL_STEPS.get(_code_of(answer), step) if _is_of_cells(path) else step
            stop.problem = _OF_THE_API.sub("", stop.problem)
        if stop.step:
            stop.step += self._where.again(stop.step)
        return stop

    def ask(
        self, method: str, path: str, body: Any = None, *, if_match: str | None = None
    ) -> tuple[int, Any]:
        """Send a call. Return status and whole answer, of refusals too. Raise CommandExit where
        nobody is there."""
        headers = {} if if_match is None else {"if-match": if_match}
        sent = None if body is None else json.dumps(body).encode()
        try:
            status, raw = self._service.call(method, path, sent, headers)
            for _ in range(WAITS_MAX):
                wait_s = self._service.retry_after_s
                if status != 429 or wait_s is None or wait_s > WAIT_S_MAX:
                    break
                say(f"The service asks to retry in {wait_s:g} s; waiting.")
                time.sleep(wait_s)
                status, raw = self._service.call(method, path, sent, headers)
        except ServiceUnreachable as error:
            raise CommandExit(str(error), Exit.UNREACHABLE) from None
        return status, decoded(raw)

    def next_step(self, command: str) -> None:
        """Print the last line of a success, for the same service and org as this command was."""
        next_step(command + self._where.again(command))

    def stream(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the server-sent events of a path, as kind and data, until the service ends them.
        Raise CommandExit where it refuses or breaks off."""
        service = ServiceClient(self.server.url, self.server.key, STREAM_QUIET_S, self.server.org)
        try:
            status, lines = service.stream(path)
            if status != 200:
                raise self.refused(path, status, decoded(b"\n".join(lines)))
            kind = ""
            for line in lines:
                if line.startswith(b"event: "):
                    kind = line[7:].decode("utf-8", "replace")
                elif line.startswith(b"data: "):
                    fact = decoded(line[6:])
                    if isinstance(fact, dict):
                        yield kind, fact
                elif not line:
                    yield "", {}  # a tick: whoever waits may look at the clock
        except ServiceUnreachable as error:
            raise CommandExit(str(error), Exit.UNREACHABLE) from None
        finally:
            service.close()


def calls(where: Where, seconds_max: float = 30.0) -> ApiClient:
    """Return a client for the API of the service that the options name. Raise CommandExit where
    they name none."""
    return ApiClient(server(where), seconds_max, where)


def check_limit(limit: int) -> None:
    """Raise CommandExit where nothing could be listed."""
    if limit < 1:
        raise CommandExit(f"--limit must be 1 or more; got {limit}. Leave it out.", Exit.USAGE)


def rows(
    api: ApiClient, path: str, field: str, limit: int, **query: Any
) -> Iterator[dict[str, Any]]:
    """Yield up to `limit` rows of a log, newest first. Raise CommandExit for a limit that cannot
    be, and for any refusal."""
    check_limit(limit)
    cursor: str | None = None
    left = limit
    for _ in range(ROUNDS_MAX):
        page = api.get(path, **query, limit=min(left, PAGE_MAX), cursor=cursor)
        yield from page[field][:left]
        left -= len(page[field])
        cursor = page["older"]
        if left <= 0 or cursor is None:
            return


def all_cells_answered(missing: Iterable[int], what: str) -> bool:
    """Return whether no cell is missing from a list; name those that are, and `what` of them."""
    if not (named := ", ".join(map(str, sorted(missing)))):
        return True
    say(f"Not listed: {what} of cells that have not answered ({named}). List them again.")
    return False


def part(value: str) -> str:
    """Return a value as one part of a path."""
    return quote(value, safe="")


def refusal_text(status: int, answer: Any) -> str:
    """Return the service's own words for a refused call, or what can be said without them."""
    found: Any = None
    if isinstance(answer, dict):
        errors = answer.get("errors") or [answer.get("error")]
        texts = [error.get("message") for error in errors if isinstance(error, Mapping)]
        found = "\n".join(str(text) for text in texts if text)
    if not found:
        return f"The service must take the call; got {status}."
    # Its options are what the caller knows of it, not its headers.
    return clean(found, lines=True).replace(
        "X-Tidings-Org must name", f"The org ({ORG_SOURCES}) must be"
    )


def refused(status: int, answer: Any) -> CommandExit:
    """Return the CommandExit that a refused call amounts to."""
    text = refusal_text(status, answer)
    if status == 412:
        return Moved(text, Exit.REFUSED)
    return CommandExit(text, Exit.NOT_FOUND if _not_there(status, answer) else exit_of(status))


def _not_there(status: int, answer: Any) -> bool:
    """The original answers 400, in code and status, for a webhook that is not there."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    original = errors[0].get("code") == 400 if errors else False
    return status == 404 or (status == 400 and original)


def _is_of_cells(path: str) -> bool:
    """Return whether a call is about cells, for the platform: it may see all orgs."""
    return path.startswith("/v1/cells/") or path.endswith(("/move", "/undo", "/cell"))


def _code_of(answer: Any) -> str:
    """Return the code of a refusal; empty where there is none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
