"""What happens between an event and the act of an action, for one attempt:

    needs, after ─► look-ups ─► unless ─► quiet hours ─► the act, made ─► cap

All of it is asked again at each attempt, so that who has opted out meanwhile is left alone; but the
act is made once, and further attempts do the same, unless the action says `anew`.
"""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from tidings.core.actions.action import EVENT, Action, ActionLookup, is_once
from tidings.core.actions.context import Unmade, find, text_of
from tidings.core.actions.rendered_act import Made, RunStep, bytes_of
from tidings.core.actions.rendering import made_of, templates_of
from tidings.core.actions.timing import quiet_until_ms, zone_of
from tidings.core.delivery.job import TRIAL, TRIAL_NOW, Job
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason
from tidings.core.exact_json import read_exactly, value_of, write_exactly
from tidings.core.ids import OrgId
from tidings.core.times import zoned
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.actions.caps import Caps
from tidings.engine.actions.needs import Needed, Needs
from tidings.engine.clock import Clock
from tidings.engine.delivery.attempt_results import LOST
from tidings.engine.shaping.faults import ShapeLater, ShapeNeedless, ShapeNotYet, ShapeRefused
from tidings.lookups.port import ListNotTaken, LookupDown, LookupRefused
from tidings.store import port
from tidings.transform.port import Renderer, RenderLater, RenderRefused, TextTemplate

LOOK_AGAIN_S, LOOK_AGAIN_MAX_S = 1.0, 4 * 3600.0  # for what is needed: at first, and at last
LOOK_AGAIN_PART = 0.25  # of the time that it has waited for
FILE_AGAIN_S = 900.0
STORE_AGAIN_S = 5.0
"""The delivery of a test message: it waits for nothing and is counted nowhere."""

_GONE = "The action {name} must be in the file of actions; it is not any more."
_STORE = "The store did not answer, so the action has to wait."
_BECAME = {
    State.FAILED: "failed",
    State.PARKED: "was put off, since it is disabled",
    State.CANCELLED: "was not done",
}


class LookedUp(Protocol):
    """A look-up's result."""

    @property
    def record(self) -> dict[str, Any] | None:
        """Return the record that was found; None if there is none."""

    @property
    def outcome(self) -> str:
        """Say in a few words what came of it."""

    @property
    def took_ms(self) -> float:
        """Return how long it took, in milliseconds."""


class LookupAsker(Protocol):
    """Asks look-ups (engine/actions/lookups.py)."""

    def find(self, lookup: ActionLookup, seen: Mapping[str, Any]) -> Awaitable[LookedUp]:
        """Find the record of a look-up. Raise LookupDown or LookupRefused."""


_TRY_NOW = "nothing was done. Test it with --now (now: true) to do it all the same."


class PreparationStore(port.EventStore, port.DeliveryStore, Protocol):
    """The store, as far as it is asked before an action is done."""


class Preparation:
    """Makes the message of actions. See `Shaping.shape` for what it raises."""

    def __init__(
        self,
        *,
        actions: Mapping[str, Action],
        store: PreparationStore,
        lookups: LookupAsker,
        renderer: Renderer,
        caps: Caps,
        needs: Needs,
        clock: Clock,
        org: OrgId | None = None,
    ) -> None:
        """`org`: whose actions they are; nobody else's webhooks do them, whatever their names."""
        self._org = org
        self._actions = actions
        self._store = store
        self._lookups = lookups
        self._renderer = renderer
        self._caps = caps
        self._needs = needs
        self._clock = clock

    async def make(self, webhook: Webhook, job: Job) -> bytes:
        """Make the bytes of `Made` for one attempt of a delivery. Raise ShapeRefused or ShapeLater,
        both with the look-ups that were made before."""
        action = self._actions.get(webhook.name)
        if action is None or self._org not in (None, webhook.org):
            raise ShapeLater(_GONE.format(name=webhook.name), FILE_AGAIN_S)
        steps: list[RunStep] = []
        unmade: ShapeRefused | ShapeLater
        try:
            return await self._make(action, webhook, job, steps)
        except (ShapeRefused, ShapeLater) as known:
            unmade = known
        except (Unmade, LookupRefused, RenderRefused) as refused:
            unmade = ShapeRefused(refused.reason)
        except LookupDown as down:
            unmade = ShapeLater(down.reason, down.wait_s or 0.0)
        except RenderLater as later:
            unmade = ShapeLater(later.reason, later.delay_s)
        except port.StoreDown:
            unmade = ShapeLater(_STORE, STORE_AGAIN_S)
        unmade.steps = tuple(steps)
        raise unmade from None

    async def _make(
        self, action: Action, webhook: Webhook, job: Job, steps: list[RunStep]
    ) -> bytes:
        """Build the act's message. Each look-up is noted in `steps` as soon as its outcome is
        known."""
        tried = job.delivery in (TRIAL, TRIAL_NOW)
        if not tried and not job.shaped:
            await self._wait(action, webhook, job)
        if not tried and job.attempt > 1 and is_once(action):
            await self._refuse_done(job)
        event = job.body
        if job.shaped:  # its body is what was made
            stored = await self._store.event(job.org, job.event_id)
            if stored is None or not stored.body:
                return job.body
            event = stored.body
        seen: dict[str, Any] = {EVENT: read_exactly(event)}
        for lookup in action.lookups:
            await self._look_up(lookup, seen, steps)
        self._judge(action, seen)
        if job.delivery != TRIAL_NOW:
            self._keep_quiet(action, seen, tried=tried)
        kept = job.shaped and not action.anew
        made = job.body if kept else await self._made(action, job, seen, steps)
        if action.cap is not None and not tried:
            await self._count(action, webhook, job, find(seen, action.cap.subject))
        return made

    async def _refuse_done(self, job: Job) -> None:
        """Raise ShapeRefused if the outcome of an earlier attempt is unknown: it may have been
        carried out."""
        attempts = await self._store.attempts_of(job.delivery)
        if any(_is_lost(attempt) for attempt in attempts if attempt.number < job.attempt):
            raise ShapeRefused(
                "The service ended while the call was on its way: it may have been done, and is "
                "done at most once. See at the receiver whether it was; if not, replay the event."
            )

    async def _wait(self, action: Action, webhook: Webhook, job: Job) -> None:
        """Raise ShapeNotYet until it is time, ShapeNeedless if an action that it needs was not
        done."""
        since_ms: int | None = job.accepted_ms
        if action.needs:
            needed = await self._needs.look(
                job.org, job.event_id, action.needs, job.delivery, webhook.number
            )
            waited_s = (self._clock.now_ms() - job.accepted_ms) / 1000
            since_ms = _done(action.needs, needed, waited_s)
        if job.replay is None and action.after_s and since_ms is not None:
            left_s = action.after_s - (self._clock.now_ms() - since_ms) / 1000
            if left_s > 0:
                reason = _until("It is done", self._clock.now_ms(), left_s)
                raise ShapeNotYet(WaitReason.AFTER, reason, left_s)

    async def _look_up(
        self, lookup: ActionLookup, seen: dict[str, Any], steps: list[RunStep]
    ) -> None:
        try:
            found = await self._lookups.find(lookup, seen)
        except LookupDown as down:
            if lookup.failing == "wait" or isinstance(down, ListNotTaken):
                raise
            seen[lookup.name] = {}
            steps.append(RunStep(lookup.name, f"{down.reason} It went on without."))
            return
        steps.append(RunStep(lookup.name, found.outcome, round(found.took_ms, 3)))
        if found.record is None:
            if lookup.missing == "skip":
                raise ShapeNeedless(
                    f"The look-up {lookup.name} has no record for this event, so there is nothing "
                    "to do."
                )
            if lookup.missing == "fail":
                raise ShapeRefused(
                    f"The look-up {lookup.name} must have a record for this event; it has none. "
                    "Add it, and retry."
                )
        seen[lookup.name] = found.record or {}

    def _judge(self, action: Action, seen: Mapping[str, Any]) -> None:
        if not action.unless:
            return
        plain = value_of(msgspec.Raw(write_exactly(seen)))
        for reason in action.unless:
            if reason.filter.accepts(plain):
                raise ShapeNeedless(reason.because)

    def _keep_quiet(self, action: Action, seen: Mapping[str, Any], *, tried: bool) -> None:
        if (quiet := action.quiet) is None:
            return
        zone = zone_of(find(seen, quiet.zone)) if quiet.zone else None
        zone = zone or zone_of(quiet.usual_zone) or ZoneInfo("UTC")
        now_ms = self._clock.now_ms()
        until_ms = quiet_until_ms(quiet, zone, now_ms)
        if until_ms is not None:
            ends = datetime.fromtimestamp(until_ms / 1000, UTC).astimezone(zone)
            raise ShapeNotYet(
                WaitReason.QUIET,
                f"It is quiet for the customer until {zoned(ends, ends.date())} "
                f"({zone.key}), by quiet of the action; "
                + (_TRY_NOW if tried else "it is done then."),
                (until_ms - now_ms) / 1000,
            )

    async def _made(
        self, action: Action, job: Job, seen: Mapping[str, Any], steps: Sequence[RunStep]
    ) -> bytes:
        language = find(seen, action.language) if action.language else None
        act = action.act_for(language)
        templates = [
            TextTemplate(template.template, template.html, True) for template in templates_of(act)
        ]
        texts: Sequence[str] = ()
        if templates:
            texts = await self._renderer.render_texts(templates, write_exactly(seen), job.org)
        spoken = next((name for name, other in action.acts.items() if other is act), "")
        return bytes_of(Made(made_of(act, texts, seen), spoken, tuple(steps)))

    async def _count(self, action: Action, webhook: Webhook, job: Job, subject: Any) -> None:
        assert action.cap is not None
        if not (counted := text_of(subject)):
            raise ShapeRefused(
                f"The cap of the action must find whom it counts at {action.cap.subject}; there is "
                "no text and no number. Correct its subject, or filter out such events."
            )
        again_ms = await self._caps.take(webhook.number, action.cap, counted, job.delivery)
        if again_ms is not None:
            at = datetime.fromtimestamp(again_ms / 1000, UTC)
            raise ShapeNeedless(
                f"It was done {_times(action.cap.most)} for the same subject within the time of "
                f"its cap; it may be again from {zoned(at)}."
            )


def _is_lost(attempt: port.StoredAttempt) -> bool:
    return attempt.evidence is not None and attempt.evidence.kind == LOST


def _done(needs: str, needed: Needed | None, waited_s: float) -> int | None:
    """Return when what is needed was done. ShapeNotYet until it is; ShapeNeedless where it never
    is."""
    if needed is None:
        raise ShapeNeedless(f"It needs {needs}, which is not done for this event.")
    if not needed.state.final:
        wait_s = min(LOOK_AGAIN_MAX_S, max(LOOK_AGAIN_S, waited_s * LOOK_AGAIN_PART))
        reason = f"It waits for {needs}, which is not done yet."
        raise ShapeNotYet(WaitReason.NEEDS, reason, wait_s, on=needs)
    if needed.state is not State.DELIVERED:
        raise ShapeNeedless(f"It needs {needs}, which {_BECAME[needed.state]}.")
    return needed.done_ms


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _until(what: str, now_ms: int, left_s: float) -> str:
    at = datetime.fromtimestamp(now_ms / 1000 + left_s, UTC)
    return f"{what} at {zoned(at)}."
