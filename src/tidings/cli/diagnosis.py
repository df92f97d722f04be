"""What ails a webhook: one cause and one fix, out of what the service says of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]
FAILING = ("retrying", "failed")
WAITING = ("pending", "held")
BACKLOG_MIN = 100


@dataclass(frozen=True)
class Diagnosis:
    """One cause and one fix. Well: neither has to be done anything about."""

    cause: str
    fix: str
    step: str  # a command to copy
    well: bool = False


@dataclass(frozen=True)
class Findings:
    """What was looked at. None, or empty, where the credential may not see it."""

    webhook: Facts
    stopped: str | None = None  # who has stopped sending: "all orgs" or "this org"
    tally: Facts | None = None  # of the last day, by state
    newest: Sequence[Facts] = ()  # deliveries, newest first
    worst: Facts | None = None  # the newest that failed or is retrying, with its attempts
    missed: int | None = None  # of the last day: failed or parked, and not replayed
    preview: Facts | None = None  # of the newest events


def diagnose(found: Findings) -> Diagnosis:
    """The first cause that holds: what stands in the way of everything comes first."""
    return (
        _standing(found)
        or _stopped(found)
        or _failing(found)
        or _backlog(found)
        or _missed(found)
        or _silent(found)
        or _late(found)
        or _well(found)
    )


def _standing(found: Findings) -> Diagnosis | None:
    webhook = found.webhook
    name, id = webhook["name"], webhook["webHookId"]
    match webhook["standing"]:
        case "deleted":
            return Diagnosis(
                f"{name} was deleted: nothing is sent to it any more.",
                "Create it again under the same name.",
                f"tidings webhooks create {name} {webhook['webHookUrl']} --on "
                + ",".join(webhook["eventNames"][:3]),
            )
        case "disabled":
            why = (webhook.get("disabledReason") or "").rstrip(".")
            return Diagnosis(
                f"{name} is disabled{f': {why}' if why else ''}; new deliveries are parked.",
                "Mend the receiver, enable the webhook, then replay what it has missed.",
                f"tidings webhooks enable {id}",
            )
        case "inactive":
            return Diagnosis(
                f"{name} is inactive: new events do not match it.",
                "Enable it.",
                f"tidings webhooks enable {id}",
            )
        case "paused":
            waiting = _count(found, *WAITING, "retrying")
            return Diagnosis(
                f"{name} is paused: {waiting:,} of the last day's deliveries wait."
                if waiting
                else f"{name} is paused: its deliveries are made, and wait.",
                "Resume it.",
                f"tidings webhooks resume {id}",
            )
    if webhook.get("webHookType") not in (None, "HTTP"):
        return Diagnosis(
            f"{name} is of the type {webhook['webHookType']}: no call is made, and nothing is "
            "handed to a queue.",
            "Leave it so, or set webHookType to HTTP with the receiver's URL.",
            f"tidings webhooks edit {id} --set webHookType=HTTP --url https://crm.example.com/hook",
        )
    return None


def _stopped(found: Findings) -> Diagnosis | None:
    if found.stopped is None:
        return None
    return Diagnosis(
        f"Sending is stopped for {found.stopped}: events are accepted, and no attempt starts.",
        "Whoever stopped it lets it go on, in the console or by the API.",
        "tidings doctor",
    )


def _failing(found: Findings) -> Diagnosis | None:
    """The newest deliveries that have ended, or were tried, did not arrive."""
    worst = found.worst
    if worst is None:
        return None
    tried = [one for one in found.newest if one["attempts"]]
    lately = tried[:10]
    bad = [one for one in lately if one["state"] in FAILING]
    if not bad:
        return None
    ended = [one for one in worst["attemptList"] if one["ended"]]
    said = ended[-1]["advice"] if ended else worst["advice"]
    first, _, rest = said.partition(". ")
    share = f"{len(bad)} of the last {len(lately)} deliveries did not arrive."
    if len(bad) == len(lately) == 1:
        share = "The last delivery did not arrive."
    return Diagnosis(
        f"{first.rstrip('.')}. {share}",
        rest or "Look into the receiver's log at this time.",
        f"tidings show {worst['id']}",
    )


def _backlog(found: Findings) -> Diagnosis | None:
    waiting = _count(found, *WAITING)
    if waiting < BACKLOG_MIN:
        return None
    webhook = found.webhook
    id, most = webhook["webHookId"], webhook["maxAllowedConnections"]
    if webhook["ordering"] == "strict":
        return Diagnosis(
            f"{waiting:,} deliveries wait, and strict ordering sends them one by one.",
            "Set ordering to key, so that only events of one customer wait for each other.",
            f"tidings webhooks edit {id} --set ordering=key",
        )
    if (rate := webhook.get("rateLimit")) is not None:
        return Diagnosis(
            f"{waiting:,} deliveries wait, and rateLimit lets {rate:g} a second go.",
            "Raise rateLimit, if the receiver can take more.",
            f"tidings webhooks edit {id} --set rateLimit={2 * rate:g}",
        )
    return Diagnosis(
        f"{waiting:,} deliveries wait for one of the {most} connections.",
        "Raise maxAllowedConnections, or let the receiver answer sooner.",
        f"tidings webhooks edit {id} --connections {min(1000, 2 * most)}",
    )


def _missed(found: Findings) -> Diagnosis | None:
    if not found.missed:
        return None
    return Diagnosis(
        f"It sends now, but {found.missed:,} events of the last day never arrived: their "
        "deliveries failed, or were parked.",
        "Replay what it has missed.",
        f"tidings replay --webhook {found.webhook['webHookId']} --missed-since 1d",
    )


def _silent(found: Findings) -> Diagnosis | None:
    """It gets nothing: nobody raises its events, or its filter takes none of them."""
    webhook, preview = found.webhook, found.preview
    if preview is None or found.newest:
        return None
    wanted = ", ".join(webhook["eventNames"][:5])
    rows = preview["events"]
    if not rows:
        from tidings.cli.kinds import raising  # noqa: PLC0415  # the catalogue takes its time

        return Diagnosis(
            f"No event that it wants ({wanted}) has come yet, so there is nothing to send.",
            "Send one, or play a loyalty programme.",
            raising(webhook["eventNames"]),
        )
    refused = [one for one in rows if not one["received"]]
    if len(refused) == len(rows):
        return Diagnosis(
            f"Its filter takes none of the last {len(rows)} events that it wants: "
            f"{refused[0]['why']}",
            "Change the filter, and look at its effect before events depend on it.",
            f"tidings webhooks preview {webhook['webHookId']}",
        )
    return Diagnosis(
        f"The last events that it wants ({wanted}) were accepted before it was made.",
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
        f"{late:,} deliveries of the last day came later than slaInSeconds{took}.",
        "Let the receiver answer sooner, or raise maxAllowedConnections.",
        f"tidings deliveries list --webhook {found.webhook['webHookId']} --since 1d",
    )


def _well(found: Findings) -> Diagnosis:
    delivered = _count(found, "delivered")
    told = (
        f"{delivered:,} delivered in the last day." if delivered else "Nothing stands in its way."
    )
    return Diagnosis(
        f"{found.webhook['name']} is well. {told}",
        "Nothing has to be done.",
        f"tidings webhooks test {found.webhook['webHookId']}",
        well=True,
    )


def _count(found: Findings, *states: str) -> int:
    tally = found.tally or {}
    return sum(int(tally.get(state) or 0) for state in states)
