"""The calls of one action: to one origin, each with a URL of its own."""

from collections.abc import Awaitable, Callable

import msgspec

from tidings.core.actions.action import Action, HttpCall
from tidings.core.actions.context import Unmade
from tidings.core.actions.placeholders import fill
from tidings.core.actions.rendered_act import MadeCall, made_in
from tidings.core.actions.secrets import secrets_of, whole
from tidings.core.delivery.exchange import (
    AttemptResult,
    Ending,
    FaultKind,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.webhooks.masks import SHOWN_FROM
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.action.requests import constants_of, headers_of, key_of
from tidings.destinations.action.verdicts import judge_call
from tidings.destinations.http.authentication.authenticator import Authenticator, Header
from tidings.destinations.http.proven import send_proven
from tidings.destinations.port import Headers, Message
from tidings.egress.port import Leaves, PathOutlet, ReceiverAddress
from tidings.errors import Invalid

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")


class CallChannel:
    """See `Channel`."""

    def __init__(
        self,
        webhook: Webhook,
        action: Action,
        origin: ReceiverAddress,
        outlet: PathOutlet,
        proof: Authenticator | None,
        target_of: Callable[[str], ReceiverAddress],
        now_s: Callable[[], float],
    ) -> None:
        """`proof` of the credential, which others may show too; it is closed by who made it."""
        self._action = action
        self._origin = origin
        self._outlet = outlet
        self._proof = proof
        self._target_of = target_of
        self._now_s = now_s
        self._take(webhook)

    async def send(self, message: Message) -> AttemptResult | None:
        made = made_in(message.body)
        if made is None or not isinstance(made.act, MadeCall):
            return _unsent(FaultKind.TRANSFORM, _OTHER)
        call = self._action.act_for(made.language)
        assert isinstance(call, HttpCall)
        try:
            target = self._target_of(_url_of(call, made.act))
        except (Invalid, Unmade):
            return _unsent(FaultKind.TRANSFORM, _NO_URL)
        if msgspec.structs.replace(target, path="") != self._origin:
            return _unsent(FaultKind.TRANSFORM, _ELSEWHERE)
        body = whole(call, made.act)
        if made.act.method not in METHODS or body is None:
            return _unsent(FaultKind.TRANSFORM, _OTHER)
        attempt = _ActionAttempt(
            message, self._webhook, call, made.act, body, target.path, self._retry
        )
        if self._proof is None:
            ending = await attempt.run(self._outlet, [], message.deadline_s)
            return None if ending is None else attempt.judged(ending, [], self._now_s)
        return await self._send_proven(attempt, self._proof)

    async def _send_proven(
        self, attempt: "_ActionAttempt", proof: Authenticator
    ) -> AttemptResult | None:
        def send(header: Header, left_s: float) -> Awaitable[Ending | None]:
            return attempt.run(self._outlet, [header], left_s)

        def judged(ending: Ending, header: Header) -> AttemptResult:
            return attempt.judged(ending, [header, *proof.secrets()], self._now_s)

        return await send_proven(proof, attempt.deadline_s, send, judged)

    def follow(self, webhook: Webhook) -> bool:
        if _opened_for(webhook) != _opened_for(self._webhook):
            return False
        self._take(webhook)
        return True

    async def close(self) -> None:
        await self._outlet.close()

    def _take(self, webhook: Webhook) -> None:
        """Send by this version from now on."""
        retry, action = webhook.retry, self._action
        self._webhook = webhook
        self._retry = msgspec.structs.replace(
            retry,
            retry_also=retry.retry_also | action.again,
            fail_also=retry.fail_also | action.never,
        )


class _ActionAttempt:
    """One message on its way."""

    def __init__(
        self,
        message: Message,
        webhook: Webhook,
        call: HttpCall,
        made: MadeCall,
        body: str,
        path: str,
        retry: RetryPolicy,
    ) -> None:
        self.deadline_s = message.deadline_s
        self._message = message
        self._webhook = webhook
        self._call = call
        self._made = made
        self._body = body.encode()
        self._path = path
        self._retry = retry

    def run(self, outlet: PathOutlet, proof: Headers, left_s: float) -> Awaitable[Ending | None]:
        """Send it within so many seconds."""
        leaves = self._leaving(proof)
        return outlet.send(self._made.method, leaves, self._body, left_s, self._path)

    def judged(self, ending: Ending, proof: Headers, now_s: Callable[[], float]) -> AttemptResult:
        """Judge what became of it; nothing of `proof` is kept."""
        in_body = [("", secret) for secret in secrets_of(self._call).values()]
        known = [*constants_of(self._call), *in_body, *proof]
        if self._call.url_secret and len(self._path) >= SHOWN_FROM:
            known.append(("", self._path))
        keeps = self._webhook.keep_answers
        return judge_call(ending, self._call, self._retry, known, now_s, keep_answer=keeps)

    def _leaving(self, proof: Headers) -> Leaves:
        def leaves() -> Headers | None:
            left = self._message.headers_if_current([])
            if left is None:
                return None
            key = key_of(self._webhook, left)
            return headers_of(self._call, self._made, key, proof, left)

        return leaves


def _url_of(call: HttpCall, made: MadeCall) -> str:
    """Build the URL that it goes to. Unmade, where the action has a URL with other holes by now."""
    return fill(call.url, dict(made.values)) if call.url_secret else made.url


def keeps_answers(action: Action, webhook: Webhook) -> bool:
    """Return whether the body of a 2xx is read."""
    judges = any(
        isinstance(act, HttpCall) and act.taken is not None for act in action.acts.values()
    )
    return judges or webhook.keep_answers


def _opened_for(webhook: Webhook) -> tuple[object, ...]:
    return webhook.kind, webhook.name, webhook.connections_max, webhook.keep_answers


def _unsent(kind: FaultKind, words: str) -> AttemptResult:
    return of_fault(TransportFault(kind, False, words, duration_ms=0.0))


_OTHER = (
    "The message must be a call; it was made when the action did something else. Replay the event."
)
_NO_URL = (
    "The URL of the call must be one that may be called; with its values it is not. Correct url "
    "and values of the action, and replay the event."
)
_ELSEWHERE = (
    "The call must go to the host that the action names; it was made when that was another one. "
    "Replay the event."
)
