"""schemathesis against the description, in process, with all of its checks and both credentials.

Derandomised: the same calls each time, whatever else changes in the code. Each example is called
through the gate, in the loop in which the service runs. `TIDINGS_SCHEMATHESIS` is the number of
examples of each kind and call.
"""

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.api.control_client import basic
from tests.depth import DEEP, depth, share
from tests.loops.threads import LoopThread
from tests.openapi.admitted import ADMITTED, admitted
from tests.openapi.calls import body_of, headers_of
from tests.openapi.entries import SCOPES
from tests.openapi.world import Things, World, world
from tidings.api.route import OPEN, PLATFORM
from tidings.core.access.scopes import RESOURCES

TOKENS_ON = 12  # each twelfth call is made with a token too; all of them in the deep run
EXAMPLES = depth(1, 6, "TIDINGS_SCHEMATHESIS")
BOSS = basic("boss", "s3cret")
load_all_checks()

# What takes things away comes last, so that the others find them; what is open comes first, as an
# inbox answers any status that it was told.
ORDER = sorted(
    SCOPES, key=lambda call: (SCOPES[call] != OPEN, call.startswith("DELETE "), "link" in call)
)
CALLED = [
    (call, kind)
    for call in ORDER
    for kind in ("basic", "bearer")
    if kind == "basic" or call in share(ORDER, 0, TOKENS_ON)
]
WRONGLY = share(ORDER, 1, 2)  # which are made with what is wrong; all of them in the deep run
ANYTHING = ("POST /in/{source_org}/{source_name}",)  # whose body cannot be wrong
CHOSEN = CHECKS.get_all()
[ACCEPTS] = [row for row in CHOSEN if row.__name__ == "positive_data_acceptance"]
[REFUSES] = [row for row in CHOSEN if row.__name__ == "negative_data_rejection"]
CLOUD = ("ce-specversion", "ce-id", "ce-source", "ce-type")
REFUSES_TOO = ("408", "412", "413")  # beside the statuses that schemathesis takes for refusals


class Host:
    """The service in a thread with a loop of its own, called from any other loop."""

    def __init__(self) -> None:
        self._thread = LoopThread()
        self._opened = world()
        self.world: World = self.do(self._opened.__aenter__())
        self.things: Things = self.do(self.world.org(2001, "acme"))
        self.world.s.feed.close()  # streams end at once
        self.world.s.inboxes.feed.close()

    def do(self, coroutine: Any) -> Any:
        """Run in the service's loop, to the end."""
        return self._thread.run(coroutine)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """ASGI: gather the body, call in the service's loop, hand the answer back."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        coroutine = self._answer(dict(scope), body)
        future = asyncio.run_coroutine_threadsafe(coroutine, self._thread.loop)
        for message in await asyncio.wrap_future(future):
            await send(message)

    async def _answer(self, scope: dict[str, Any], body: bytes) -> list[Any]:
        sent: list[Any] = []
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(asked, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            sent.append(message)

        await self.world.app(scope, receive, send)
        return sent

    def close(self) -> None:
        """Stop the service and its thread."""
        self.do(self._opened.__aexit__(None, None, None))
        self._thread.close()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.close()


@pytest.fixture(scope="module")
def schema(host: Host) -> Any:
    made = schemathesis.openapi.from_asgi("/openapi.json", host)
    made.config.generation.with_security_parameters = False  # the credential is a real one
    refusal = made.config.checks.negative_data_rejection
    refusal.expected_statuses = [*refusal.expected_statuses, *REFUSES_TOO]
    return made


@pytest.fixture(scope="module")
def tokens(host: Host) -> dict[str, str]:
    """An access token of the org, and one of the platform, by the Basic credential beside it."""
    found = {}
    for org, auth in ((2001, host.things.auth), (1, BOSS)):
        body = {"kind": "oauth", "name": "walker", "scopes": dict.fromkeys(RESOURCES, "write")}
        made = host.do(host.world.call("POST", f"/v1/orgs/{org}/credentials", body, auth)).json
        asked = {"key": made["id"], "secret": made["secret"]}
        told = host.do(host.world.call("POST", "/v3/oauth/token/generate", asked)).json
        found[auth] = f"Bearer {told['data']['accessToken']}"
    return found


def _headers(host: Host, tokens: dict[str, str], call: str, kind: str) -> dict[str, str]:
    if SCOPES[call] == OPEN:
        return headers_of(call)
    auth = BOSS if SCOPES[call].startswith(PLATFORM) else host.things.auth
    return {"Authorization": auth if kind == "basic" else tokens[auth]}


def _settings(examples: int) -> Any:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize(("call", "kind"), CALLED)
def test_every_call_keeps_to_its_description(
    host: Host, schema: Any, tokens: dict[str, str], call: str, kind: str
) -> None:
    method, _, path = call.partition(" ")
    operation = schema[path][method]
    ids = host.things.path_parameters(call)
    host.world.s.clock.ms += 5_000  # the quota of calls fills up again
    host.world.s.parts.delivery.pulls.end_waits()  # readers wait for longer than this client
    headers = _headers(host, tokens, call, kind)
    # Made up, they are 403 and 412 and hide all else; their own tests are elsewhere.
    fixed = {"X-Tidings-Org": str(host.things.org), "If-Match": "*"} if headers else None

    def check(case: Any) -> None:
        # All of them or none, and none where the body says what they would.
        structured = str(case.media_type).startswith("application/cloudevents")
        if structured or any(name not in case.headers for name in CLOUD):
            case.headers = {
                name: header for name, header in case.headers.items() if name[:3] != "ce-"
            }
        response = case.call(headers=headers)
        media = response.headers.get("content-type", [""])[0]
        told = response.json() if media == "application/json" else None
        meta = case.meta
        passed_over = None
        if meta is None or meta.generation.mode is GenerationMode.POSITIVE:
            if admitted(call, response.status_code, told):
                passed_over = ACCEPTS
        elif case.media_type == "text/csv":  # what breaks `type: string` is text on the wire
            passed_over = REFUSES
        checks = [row for row in CHOSEN if row is not passed_over]
        case.validate_response(response, checks=checks)

    body = body_of(call, host.things)
    if body is not None and not isinstance(body, bytes):
        made = operation.Case(path_parameters=ids, body=body, media_type="application/json")
        made.call_and_validate(headers=headers, checks=CHOSEN)
    bare = SCOPES[call] == OPEN and (not operation.body or call in ANYTHING)
    known_refusals = kind == "bearer" and not DEEP  # what is wrong is refused alike for both kinds
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and (bare or known_refusals or call not in WRONGLY):
            continue
        for known in [ids] if mode is GenerationMode.NEGATIVE or not ids else [{}, ids]:
            strategy = operation.as_strategy(mode, path_parameters=known or None, headers=fixed)
            # A token is told from a Basic credential before anything else is looked at.
            examples = EXAMPLES if kind == "basic" else 1
            _settings(examples)(given(case=strategy)(check))()


def test_what_is_admitted_is_named_call_by_call() -> None:
    for code, (reason, calls) in ADMITTED.items():
        assert reason and calls and set(calls) <= SCOPES.keys(), code
