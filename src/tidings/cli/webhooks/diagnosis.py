"""What ails a webhook: one cause and one fix, out of what the service says of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tidings.cli.webhook_names import acts, is_pulled
from tidings.cli.webhooks.health import (
    also_wrong,
    asked_again,
    describe_health,
    health_word,
    is_idle,
    is_left_alone,
    leads_nowhere,
    receiver_does,
    when,
)

Facts = Mapping[str, Any]
FAILING = ("retrying", "failed")  # deliveries
WAITING = ("pending", "held")
BACKLOG_MIN = 100
RATE_FIRST = 10  # a second; to begin with where a receiver says that it gets too much
SLOW_MS = 1_000
MEND = "Check the receiver's log at this time."


@dataclass(frozen=True)
class Diagnosis:
    """One cause and one fix. Well: neither has to be done anything about."""

    cause: str
    fix: str
    step: str  # a command to copy
    well: bool = False


@dataclass(frozen=True)
class Findings:
    """The results of all looks at a webhook. None, or empty, where the credential may not see
    it."""

    webhook: Facts
    stopped: str | None = None  # who has stopped sending: "all orgs" or "this org"
    tally: Facts | None = None  # of the last day, by state; and what is left to do now
    newest: Sequence[Facts] = ()  # deliveries, newest first
    worst: Facts | None = None  # the newest that failed or is retrying, with its attempts
    preview: Facts | None = None  # of the newest events
    delivered: Sequence[Facts] = ()  # newest first, where nothing among the newest has ended
    action: Facts | None = None  # what the service says of it, where it is an action


def diagnose(found: Findings) -> Diagnosis:
    """Return the first cause that holds: what stands in the way of everything comes first."""
    diagnosis = _first(found)
    if not acts(found.webhook):
        return diagnosis
    step = f"tidings actions show {found.webhook['name']}"
    if diagnosis.step.startswith("tidings webhooks edit"):
        return replace(diagnosis, fix=f"{diagnosis.fix} The operator's file says it.", step=step)
    if diagnosis.step.startswith("tidings webhooks test"):  # which would do it for somebody
        return replace(diagnosis, step=step)
    return diagnosis


def _acting(found: Findings) -> Diagnosis | None:
    """Diagnose an action, in words of whom it needs; None where nothing ails it."""
    if found.action is None or not found.action["troubles"]:
        return None
    name, waiting = found.webhook["name"], _waiting_runs(found)
    advice = found.action.get("advice")
    wait = f" {_runs_wait(waiting)} for it." if waiting else ""
    fix = advice or _last_failure(found)[1] or "Check the systems that it needs."
    return Diagnosis(
        f"{name}: {' '.join(found.action['troubles'])}{wait}",
        f"{fix} Waiting runs start on their own once they can.",
        f"tidings actions show {name}",
    )


def _first(found: Findings) -> Diagnosis:
    return (
        _diagnose_status(found)
        or _stopped(found)
        or _acting(found)
        or _held_up(found)
        or _unread(found)
        or _left_alone(found)
        or _failing(found)
        or _backlog(found)
        or _missed(found)
        or _silent(found)
        or _late(found)
        or _well(found)
    )


def _diagnose_status(found: Findings) -> Diagnosis | None:
    webhook = found.webhook
    name, id = webhook["name"], webhook["webHookId"]
    match webhook["standing"]:
        case "deleted":
            return Diagnosis(
                f"{name} was deleted: nothing is sent to it.",
                "Create it again under the same name.",
                f"tidings webhooks create {name} {webhook['webHookUrl']} --on "
                + ",".join(webhook["eventNames"][:3]),
            )
        case "disabled":
            why = (webhook.get("disabledReason") or "").rstrip(".")
            parked = _left(found, "parked")
            wait = f"; {parked:,} wait{'s' * (parked == 1)} parked for a replay" if parked else ""
            cause = (
                f"{name} is disabled{f': {why}' if why else ''}{wait}; new deliveries are parked."
            )
            if acts(webhook):
                return _disabled_action(found, cause)
            if _is_gone(webhook):
                return Diagnosis(
                    cause,
                    "Give it the receiver's new URL, enable it, then replay what it missed.",
                    f"tidings webhooks edit {id} --url https://crm.example.com/hook",
                )
            return Diagnosis(
                cause,
                "Fix the receiver, enable the webhook, then replay what it missed.",
                f"tidings webhooks enable {id}",
            )
        case "inactive":
            return Diagnosis(
                f"{name} is inactive: new events do not match it.",
                "Enable it.",
                f"tidings webhooks enable {id}",
            )
        case "paused":
            waiting = _left(found, *WAITING, "waiting", "retrying")
            also = f", {wrong}" if (wrong := also_wrong(webhook)) else ""
            return Diagnosis(
                f"{name} is paused{also}: {_deliveries_wait(waiting)}."
                if waiting
                else f"{name} is paused{also}: its deliveries are queued.",
                "Resume it.",
                f"tidings webhooks resume {id}",
            )
    if leads_nowhere(webhook):
        return Diagnosis(
            f"{name} is of the type {webhook['webHookType']}: no call is made, and nothing is "
            "handed to a queue.",
            "Set webHookType to HTTP with the receiver's URL, or ask the operator for a default "
            "connection.",
            f"tidings webhooks edit {id} --set webHookType=HTTP --url https://crm.example.com/hook",
        )
    return None


def _disabled_action(found: Findings, cause: str) -> Diagnosis:
    """One that its file has, or has not any more."""
    name, action = found.webhook["name"], found.action
    if action is not None and action["definition"] is None:
        return Diagnosis(cause, action["advice"], f"tidings webhooks delete {name}")
    fix = "Fix what it needs, enable the action, then replay what it missed."
    return Diagnosis(cause, fix, f"tidings webhooks enable {found.webhook['webHookId']}")


def _is_gone(webhook: Facts) -> bool:
    """Return whether it was disabled by a 410: enabled as it is, it would be disabled again."""
    from tidings.core.delivery.receivers.health import GONE  # noqa: PLC0415  # help needs it not

    return webhook.get("disabledReason") == GONE


def _stopped(found: Findings) -> Diagnosis | None:
    if found.stopped is None:
        return None
    return Diagnosis(
        f"Sending is stopped for {found.stopped}: events are accepted, and no attempt starts.",
        "Start it again in the console or with the API.",
        "tidings doctor",
    )


def _unread(found: Findings) -> Diagnosis | None:
    """Say what keeps messages that are fetched from being delivered: nobody fetches them, or nobody
    acknowledges them in time."""
    webhook = found.webhook
    if not is_pulled(webhook):
        return None
    name, waiting = webhook["name"], _left(found, *WAITING, "waiting", "retrying")
    step = f"tidings webhooks pull {name}"
    tries = [] if found.worst is None else found.worst["attemptList"]
    ended = [attempt for attempt in tries if attempt["ended"]]
    if ended and ended[-1].get("fault") == "lease":
        late = sum(attempt.get("fault") == "lease" for attempt in ended)
        return Diagnosis(
            f"{name} has a reader that does not acknowledge messages in time: "
            f"{_deliveries_wait(waiting)}; the lease of {found.worst['id'] if found.worst else ''} "
            f"has ended {late} time{'' if late == 1 else 's'}.",
            "Send the cursor of an answer with the next call, before its leases end, or ask for a "
            "longer leaseInSeconds; `warnings` of an answer name what came too late.",
            step,
        )
    fetched = any(delivery["attempts"] for delivery in found.newest)
    if health_word(webhook) != "unread" and (not waiting or fetched):
        return None
    before = " any more" if found.delivered else ""
    return Diagnosis(
        f"{_deliveries_wait(waiting)} for a reader, and no reader fetches from {name}{before}. "
        "What is not fetched within 168 hours is parked.",
        "Start its reader, and check that its calls are answered 200.",
        step,
    )


def _held_up(found: Findings) -> Diagnosis | None:
    """The connection that it goes over has a fault that no message has caused."""
    if health_word(found.webhook) != "held up":
        return None
    name = found.webhook.get("connection") or ""
    waiting = _left(found, *WAITING, "waiting", "retrying")
    wait = f" {_deliveries_wait(waiting)} for it." if waiting else ""
    return Diagnosis(
        f"{found.webhook['name']} is held up by its connection {name}.{wait}",
        "Fix the connection. Tidings sends what is queued once it works.",
        f"tidings connections check {name}",
    )


def _left_alone(found: Findings) -> Diagnosis | None:
    """Its receiver fails so much that its breaker is open: what waits, waits for that alone."""
    webhook = found.webhook
    if not is_left_alone(webhook):
        return None
    health, now = webhook["health"], datetime.now(UTC)
    since = when(health["failingSince"], now)
    waiting = _left(found, *WAITING, "waiting", "retrying")
    wait = f"{_deliveries_wait(waiting)} for it; " if waiting else ""
    cause = (
        f"{webhook['name']} is left alone: its receiver {receiver_does(webhook)}"
        f"{f' since {since}' if since else ''}. {wait}it is {asked_again(health, now)}."
    )
    id = webhook["webHookId"]
    if health["cause"] == "429":
        rate = max(1, (webhook.get("rateLimit") or 2 * RATE_FIRST) / 2)
        fix = "Set rateLimit to what the receiver takes; Tidings then sends what is queued."
        return Diagnosis(cause, fix, f"tidings webhooks edit {id} --set rateLimit={rate:g}")
    return Diagnosis(
        cause,
        f"{_fix(found)} Tidings sends what is queued once it answers.",
        f"tidings webhooks test {id}",
    )


def _last_failure(found: Findings) -> tuple[str, str]:
    """Describe the last attempt of the newest bad delivery, and what to do about it."""
    if found.worst is None:
        return "", ""
    ended = [attempt for attempt in found.worst["attemptList"] if attempt["ended"]]
    advice = ended[-1]["advice"] if ended else found.worst["advice"]
    first, _, rest = advice.partition(". ")
    return first.rstrip("."), rest


def _failing(found: Findings) -> Diagnosis | None:
    """The newest deliveries that have ended, or were tried, did not arrive."""
    worst = found.worst
    if worst is None or health_word(found.webhook) not in ("failing", "degraded"):
        return None
    tried = [delivery for delivery in found.newest if delivery["attempts"]]
    lately = tried[:10]
    failing = ("failed",) if acts(found.webhook) else FAILING
    bad = [delivery for delivery in lately if delivery["state"] in failing]
    first, _ = _last_failure(found)
    if not bad:
        return Diagnosis(
            f"{first}. It {describe_health(found.webhook)}.{_held(found)}",
            _fix(found),
            f"tidings show {worst['id']}",
        )
    share = f"{len(bad)} of the last {len(lately)} deliveries did not arrive."
    if len(bad) == len(lately) == 1:
        share = "The last delivery did not arrive."
    if health_word(found.webhook) == "degraded":
        share = f"It {describe_health(found.webhook)}."
    elif acts(found.webhook):
        share = f"{len(bad)} of the last {len(lately)} runs failed."
    return Diagnosis(
        f"{first}. {share}{_held(found)}",
        _fix(found),
        f"tidings show {worst['id']}",
    )


def _fix(found: Findings) -> str:
    """Say what to do about the last failure. A 401 leaves open what is refused: how to check
    each."""
    advice = _last_failure(found)[1] or MEND
    ended = (
        []
        if found.worst is None
        else [attempt for attempt in found.worst["attemptList"] if attempt["ended"]]
    )
    if not ended or ended[-1].get("status") != 401:
        return advice
    id = found.webhook["webHookId"]
    return (
        f"{advice} Signature: `tidings webhooks show {id}` has the end of the secret that the "
        f"receiver must hold. Credentials: `tidings webhooks test {id}` sends them with a message, "
        "and shows what the receiver says."
    )


def _held(found: Findings) -> str:
    """Say what a failure holds up besides its own delivery."""
    held = _left(found, "held")
    if not held:
        return ""
    who = "1 delivery is" if held == 1 else f"{held:,} deliveries are"
    return f" {who} held behind an earlier one of {'its' if held == 1 else 'their'} key."


def _backlog(found: Findings) -> Diagnosis | None:
    waiting = _left(found, *WAITING)
    if waiting < BACKLOG_MIN:
        return None
    webhook = found.webhook
    id, most = webhook["webHookId"], webhook["maxAllowedConnections"]
    if webhook["ordering"] == "strict":
        return Diagnosis(
            f"{waiting:,} deliveries are queued, and strict ordering sends them one at a time.",
            "Set ordering to key, so that only events of the same customer wait for each other.",
            f"tidings webhooks edit {id} --set ordering=key",
        )
    if (rate := webhook.get("rateLimit")) is not None:
        return Diagnosis(
            f"{waiting:,} deliveries are queued, and rateLimit allows {rate:g} a second.",
            "Raise rateLimit, if the receiver can take more.",
            f"tidings webhooks edit {id} --set rateLimit={2 * rate:g}",
        )
    if (held := _left(found, "held")) > waiting - held:
        first = "failed" if webhook.get("holdOnFailure") else "retrying"
        return Diagnosis(
            f"{held:,} deliveries are held behind an earlier one of their key.",
            "Check the first one: fix why it fails, or cancel it.",
            f"tidings deliveries list --webhook {id} --status {first}",
        )
    ended = (*found.newest, *found.delivered)
    took = [attempt["durationInMs"] for attempt in ended if attempt.get("durationInMs") is not None]
    if took and (mean_ms := sum(took) / len(took)) >= SLOW_MS:
        return Diagnosis(
            f"{waiting:,} deliveries are queued: the receiver takes {mean_ms / 1000:.1f} s to "
            f"answer, so {most} connections carry about {most * 1000 / mean_ms:.2g} a second.",
            "Let the receiver answer at once and do its work afterwards; more connections help "
            "only if it serves them in parallel.",
            f"tidings webhooks test {id}",
        )
    return Diagnosis(
        f"{waiting:,} deliveries are queued for one of the {most} connections.",
        "Raise maxAllowedConnections, or let the receiver answer sooner.",
        f"tidings webhooks edit {id} --connections {min(1000, 2 * most)}",
    )


def _missed(found: Findings) -> Diagnosis | None:
    if not (missed := _count(found, "neverArrived")):
        return None
    return Diagnosis(
        f"It sends now, but {missed:,} events of the last day never arrived: their "
        "deliveries failed or were parked.",
        "Replay what it missed.",
        f"tidings replay --webhook {found.webhook['webHookId']} --missed-since 1d",
    )


def _silent(found: Findings) -> Diagnosis | None:
    """It gets nothing: nobody raises its events, or its filter takes none of them."""
    webhook, preview = found.webhook, found.preview
    if preview is None or (found.newest and not is_idle(webhook)):
        return None
    wanted = ", ".join(webhook["eventNames"][:5])
    rows = preview["events"]
    if not rows and found.newest:
        return None
    if not rows:
        from tidings.cli.events.type_lookup import raising  # noqa: PLC0415  # the catalogue takes its time

        return Diagnosis(
            f"None of its event types ({wanted}) has occurred yet, so there is nothing to send.",
            "Send one, or simulate a loyalty programme.",
            raising(webhook["eventNames"]),
        )
    refused = [row for row in rows if not row["received"]]
    if len(refused) == len(rows):
        from tidings.core.shaping.filters.no_match import describe_no_match  # noqa: PLC0415  # as above

        return Diagnosis(
            describe_no_match(len(rows), refused[0]["why"]),
            "Change the filter, and preview its effect before you rely on it.",
            f"tidings webhooks preview {webhook['webHookId']}",
        )
    if found.newest:
        return None
    return Diagnosis(
        f"The latest events of its types ({wanted}) were accepted before it was created.",
        "Replay them to it, or wait for new ones.",
        f"tidings replay --webhook {webhook['webHookId']} --since 1d --status unmatched",
    )


def _late(found: Findings) -> Diagnosis | None:
    late = (found.tally or {}).get("slaBreaches") or 0
    if not late:
        return None
    mean = (found.tally or {}).get("averageDeliveryTimeInMs")
    took = f"; the mean is {mean:,} ms" if mean else ""
    return Diagnosis(
        f"{late:,} deliveries of the last day took longer than slaInSeconds{took}.",
        "Let the receiver answer sooner, or raise maxAllowedConnections.",
        f"tidings deliveries list --webhook {found.webhook['webHookId']} --since 1d",
    )


def _well(found: Findings) -> Diagnosis:
    delivered = _count(found, "delivered")
    sentences = (
        f"{delivered:,} delivered in the last day{_tries(found)}."
        if delivered
        else "Nothing is blocking it."
    )
    waiting = 0 if found.action is None else found.action["waitingForTheirTime"]
    if acts(found.webhook):
        done = f"{delivered:,} done in the last day." if delivered else "Nothing is blocking it."
        sentences = f"{done} {_runs_wait(waiting)} for {_time(waiting)}." if waiting else done
    groups = sum(
        (delivery.get("warning") or {}).get("code") == "no_customer" for delivery in found.newest
    )
    if groups:
        sentences += (
            f" {groups} of its last {len(found.newest)} belong to groups: what it wants of a "
            "customer is left out of them."
        )
    return Diagnosis(
        f"{found.webhook['name']} is healthy. {sentences}",
        "There is nothing to do.",
        f"tidings webhooks pull {found.webhook['name']}"
        if is_pulled(found.webhook)
        else f"tidings webhooks test {found.webhook['webHookId']}",
        well=True,
    )


def _waiting_runs(found: Findings) -> int:
    """Count the runs that wait for what ails their action, without those that wait until their
    time."""
    action = found.action or {"waiting": 0, "waitingForTheirTime": 0}
    return max(0, int(action["waiting"]) - int(action["waitingForTheirTime"]))


def _time(count: int) -> str:
    return "its time" if count == 1 else "their time"


def _count(found: Findings, *states: str) -> int:
    tally = found.tally or {}
    return sum(int(tally.get(state) or 0) for state in states)


def _left(found: Findings, *states: str) -> int:
    """Count the deliveries that are to be done now in some states, whenever they were accepted."""
    now = (found.tally or {}).get("now") or {}
    return sum(int(now.get(state) or 0) for state in states)


def _runs_wait(count: int) -> str:
    return f"{count:,} run{' waits' if count == 1 else 's wait'}"


def _deliveries_wait(count: int) -> str:
    return f"{count:,} deliver{'y waits' if count == 1 else 'ies wait'}"


def _tries(found: Findings) -> str:
    """Say which share of the attempts failed, where some did."""
    tally = found.tally or {}
    if not tally.get("failedAttempts"):
        return ""
    return f"; {tally['failedAttemptsPercent']:g} % of {tally['attempts']:,} attempts failed"
