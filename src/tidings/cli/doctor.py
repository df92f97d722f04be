"""`tidings doctor`: names one cause and one fix, of the service or of a webhook."""

import os
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.text import Text

from tidings.cli.calls import ApiClient, calls, part, refusal_text
from tidings.cli.credentials import describe_scopes
from tidings.cli.exits import CommandExit, Exit, next_step
from tidings.cli.output import clean, how_many, print_facts, print_line, print_text
from tidings.cli.webhook_names import acts, find_webhook
from tidings.cli.webhooks.diagnosis import FAILING, Diagnosis, Findings, diagnose
from tidings.cli.webhooks.health import is_idle
from tidings.cli.webhooks.org_check import check_webhooks
from tidings.cli.where import HERE, Where

SKEW_S_MAX = 60.0  # receivers refuse a signature that is 300 s off
OWN_SERVER = ("tidings login", "tidings serve")  # they say themselves which service is meant
CHECKED_MAX = 5  # connections: each takes a while where it does not answer
NAMED_MAX = 20  # sources and connections that are told one by one
PROFILED = ("-fprofile-use", "-fprofile-instr-use")
LINKED = "-flto"
OF_THE_SYSTEM = "/usr"  # Debian and others build with both, and leave the flags out of what is kept
HERE_NAMES = ("127.0.0.1", "::1", "localhost")
LAG_MAX = 10_000  # events that cannot be searched for yet


def doctor(
    webhook: str | None = None, /, *, config: Path | None = None, where: Where = HERE
) -> int:
    """Diagnose the service or a webhook: name the cause and the fix.

    Ends with exit code 0 where all is well, else 1.

    Parameters
    ----------
    webhook
        A webhook's name or id. Default: the service itself.
    config
        The settings file of the service, to look at its database too. Default: TIDINGS_CONFIG.
    """
    api = calls(where)
    if webhook in ("webhook", "webhooks"):
        raise CommandExit(
            f"WEBHOOK must be a name or an id; got {webhook}. Write tidings doctor crm", Exit.USAGE
        )
    code = Exit.FAILED
    if webhook is not None:
        found = diagnose(_look(api, find_webhook(api, webhook)))
    else:
        from tidings.cli.serving.cell_checks import check_cells  # noqa: PLC0415  # not for help

        cells = check_cells(config, partial(DoctorCheck, "cells"))
        checks = [*check_database(config), *cells, *check_service(api)]
        if not where.json:
            _print_checks(checks)
        bad = next((check for check in checks if not check.ok and check.fix), None)
        found = Diagnosis(
            "The service is healthy.", "There is nothing to do.", "tidings tail", well=True
        )
        if bad is not None:
            code, found = bad.code, Diagnosis(bad.said, bad.fix, bad.step)
    if where.json:
        print_line({"well": found.well, "cause": found.cause, "fix": found.fix, "next": found.step})
    else:
        _print(found)
    if found.step.startswith(OWN_SERVER):
        next_step(found.step)
    else:
        api.next_step(found.step)
    return Exit.OK if found.well else code


def _print(found: Diagnosis) -> None:
    if found.well:
        print_text(Text("✓ ", style="green"), found.cause)
        return
    print_facts([("Cause", found.cause), ("Fix", found.fix)])


# -- a webhook -------------------------------------------------------------------------------------


def _look(api: ApiClient, webhook: dict[str, Any]) -> Findings:
    id = webhook["webHookId"]
    page = _may(api, f"/v1/deliveries?webHookId={id}&limit=50") or {"deliveries": []}
    newest = page["deliveries"]
    bad = ("failed",) if acts(webhook) else FAILING  # actions wait by trying again
    worst = next((delivery for delivery in newest if delivery["state"] in bad), None)
    if worst is None and webhook.get("health"):  # what waits may fill the page before it
        failed = _may(api, f"/v1/deliveries?webHookId={id}&states=retrying,failed&limit=1")
        worst = next(iter((failed or {"deliveries": []})["deliveries"]), None)
    delivered: Any = None
    if newest and not any(delivery["attempts"] for delivery in newest):  # what waits fills the page
        delivered = _may(api, f"/v1/deliveries?webHookId={id}&states=delivered&limit=10")
    return Findings(
        webhook=webhook,
        stopped=_stopped(api),
        tally=_may(api, f"/v1/webHooks/{id}/tally"),
        newest=newest,
        worst=None if worst is None else _may(api, f"/v1/deliveries/{worst['id']}"),
        preview=_preview(api, id) if not newest or is_idle(webhook) else None,
        delivered=(delivered or {"deliveries": []})["deliveries"],
        action=_may(api, f"/v1/actions/{part(webhook['name'])}") if acts(webhook) else None,
    )


def _preview(api: ApiClient, id: str) -> Any:
    status, answer = api.ask("POST", "/v1/webHooks/preview", {"webHookId": id, "last": 50})
    return answer if status == 200 else None


def _stopped(api: ApiClient) -> str | None:
    """Return who has stopped sending. None where nobody has, or the credential may not know."""
    answer = _may(api, f"/v1/orgs/{api.org()}/stop")
    if not answer:
        return None
    if answer["everythingStopped"]:
        return "all orgs"
    return "this org" if answer["stopped"] else None


def _may(api: ApiClient, path: str) -> Any:
    """An answer, or None where the credential may not have it."""
    status, answer = api.ask("GET", path)
    return answer if status == 200 else None


# -- the service -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DoctorCheck:
    """One thing that was looked at."""

    name: str
    ok: bool
    said: str
    fix: str = ""  # nothing for what is not a fault
    step: str = "tidings doctor"
    code: Exit = Exit.FAILED


def check_database(config: Path | None) -> list[DoctorCheck]:
    """Check the database of the service, if the settings name one here: also where the service
    does not answer, for it may be why. Raise CommandExit where the settings do not fit."""
    if config is None and not {"TIDINGS_CONFIG", "TIDINGS_DATABASE"} & os.environ.keys():
        return []
    from tidings.app.database_operations import (  # noqa: PLC0415
        DatabaseUnreachable,
        inspect_key,
        inspect_server,
    )
    from tidings.cli.serving.database_commands import load_settings  # noqa: PLC0415
    from tidings.errors import Unusable  # noqa: PLC0415

    settings = load_settings(config, {})
    if settings.database is None:
        return []
    try:
        findings = inspect_server(settings)
        readable = any(finding.name == "schema" and finding.ok for finding in findings)
        key = inspect_key(settings) if readable else None
    except DatabaseUnreachable as down:
        fix = "Start it, or correct `database`; the service goes on by itself once it answers."
        return [DoctorCheck("database", False, clean(str(down)), fix=fix, code=Exit.UNREACHABLE)]
    except Unusable as refused:
        fix = "Do what it says, or correct `database`."
        return [DoctorCheck("database", False, clean(str(refused)), fix=fix)]
    checks = [
        DoctorCheck(finding.name, finding.ok, clean(finding.message), fix=finding.fix)
        for finding in findings
    ]
    if key is not None:
        checks.append(DoctorCheck("key", key.ok, clean(key.message), fix=key.fix))
    return checks


def check_service(api: ApiClient) -> list[DoctorCheck]:
    """Check everything that can be seen from outside. Raise CommandExit where somebody else is
    there."""
    try:
        status, answer = api.ask("GET", "/readyz")
    except CommandExit as stop:
        return [_silent(api.server.url, stop)]
    if not isinstance(answer, dict) or "ready" not in answer:
        raise CommandExit(
            f"{api.server.url} must be a running Tidings; its /readyz answered {status} and "
            "something else. Check the URL.",
            Exit.FAILED,
        )
    ready, clock = _ready(answer), _clock(api.date, time.time())
    checks = [DoctorCheck("reached", True, f"{api.server.url} answers."), ready, clock]
    if ready.ok and not answer["ready"]:  # it stands by, and takes no calls
        return checks
    checks.append(_credential(api))
    if (lag := _lag(api)) is not None:
        checks.append(lag)
    checks += _python(api.server.url, missing_optimizations())
    checks += _connections(api)
    checks += _actions(api)
    checks += _sources(api)
    webhooks = (_may(api, "/v3/webHooks") or {}).get("data") or []
    checks += check_webhooks(webhooks, partial(DoctorCheck, "webhooks"))
    checks += _notices(api, answer.get("notices", ()))
    return checks


def _notices(api: ApiClient, notices: Sequence[str]) -> list[DoctorCheck]:
    """Show the notices of the service. That webhooks fail is a fault for whoever sees all orgs; for
    others their own webhooks are looked at."""
    from tidings.core.delivery.receivers.judgement import OF_ALL_ORGS  # noqa: PLC0415  # not for help

    checks = []
    for notice in notices:
        if not notice.startswith(OF_ALL_ORGS):
            checks.append(DoctorCheck("notice", False, clean(notice)))
        elif (_may(api, "/v1/caller") or {}).get("platform"):
            fix = "Look at what fails, by place and cause."
            step = "tidings failing"
            checks.append(DoctorCheck("notice", False, clean(notice), fix=fix, step=step))
    return checks


def _silent(url: str, stop: CommandExit) -> DoctorCheck:
    """Nobody answers."""
    return DoctorCheck(
        name="reached",
        ok=False,
        said=stop.problem.partition(". ")[0] + ".",
        fix="Start it, or name another by --url or TIDINGS_URL.",
        step="tidings serve",
        code=Exit.UNREACHABLE,
    )


def _ready(answer: dict[str, Any]) -> DoctorCheck:
    if answer["ready"]:
        return DoctorCheck("ready", True, "It accepts, sends and settles.")
    from tidings.core.running.lease import STANDS_BY

    problem = clean(" ".join(answer["problems"][:3]))
    if STANDS_BY in problem:
        message = "It stands by: another process owns the store, and can tell the rest."
        return DoctorCheck("ready", True, message)
    return DoctorCheck(
        "ready",
        False,
        f"It is not ready: {problem}",
        fix="Check its log, its disk and its CPU; it becomes ready on its own once it can.",
    )


def _clock(date: str | None, now_s: float) -> DoctorCheck:
    from email.utils import parsedate_to_datetime

    try:
        skew_s = parsedate_to_datetime(date or "").timestamp() - now_s
    except (ValueError, TypeError):
        return DoctorCheck("clock", True, "It does not report its time.")
    if abs(skew_s) <= SKEW_S_MAX:
        return DoctorCheck("clock", True, f"Its clock and this one are {abs(skew_s):.0f} s apart.")
    which = "ahead of" if skew_s > 0 else "behind"
    return DoctorCheck(
        "clock",
        False,
        f"Its clock is {abs(skew_s):.0f} s {which} this one.",
        fix="Set both by NTP: receivers refuse signatures that are more than 300 s off.",
    )


def _credential(api: ApiClient) -> DoctorCheck:
    """Check whether the credential is known, and whose it is."""
    by = api.server.named_by
    status, answer = api.ask("GET", "/v1/caller")
    if status == 200:
        org = f"org {answer['orgId']}"
        if answer["platform"]:
            return DoctorCheck(
                "credential", True, f"{by} is the platform's own credential, for {org}."
            )
        name, may = clean(answer["name"] or answer["credential"]), describe_scopes(answer["scopes"])
        return DoctorCheck("credential", True, f"{by} is {name}, of {org}; it may {may}.")
    if status == 401:
        fix = "Log in with a valid one; the operator creates it."
        if not api.server.profile:  # a variable is stronger than what a login keeps
            fix = f"Correct {by}, or unset it and log in; the operator creates credentials."
        step = f"tidings login {api.server.profile or 'default'} --url {api.server.url}"
        message = f"The service does not accept the credential from {by}."
        return DoctorCheck("credential", False, message, fix=fix, step=step)
    if status == 403:
        message = refusal_text(status, answer)
        return DoctorCheck(
            "credential", False, message, fix="Name another org, or none.", step="tidings orgs list"
        )
    return DoctorCheck(
        "credential",
        False,
        f"A call with {by} was answered {status}.",
        fix="Try again in a minute; the service's log says more.",
    )


def _python(url: str, missing: list[str]) -> list[DoctorCheck]:
    """Say of a service on this machine what its Python costs: it is installed with this command."""
    if urlsplit(url).hostname not in HERE_NAMES or not missing:
        return []
    message = (
        f"This Python, {sys.base_prefix}, was built without {' and '.join(missing)}: each event "
        "takes up to a tenth more of the processor. See docs/running.md, Which Python."
    )
    return [DoctorCheck("python", False, message)]


def missing_optimizations(
    config: Mapping[str, Any] | None = None, prefix: str = sys.base_prefix
) -> list[str]:
    """Name what this Python was built without, of `PGO` and `LTO`."""
    if prefix == OF_THE_SYSTEM:
        return []
    kept = sysconfig.get_config_vars() if config is None else config
    given = str(kept.get("CONFIG_ARGS") or "")
    compiled, linked = (
        f"{kept.get(name) or ''} {kept.get(f'{name}_NODIST') or ''}"
        for name in ("PY_CFLAGS", "PY_LDFLAGS")
    )
    profiled = "--enable-optimizations" in given or any(flag in compiled for flag in PROFILED)
    together = "--with-lto" in given or LINKED in compiled or LINKED in linked
    found = {"PGO": profiled, "LTO": together}
    return [name for name, built in found.items() if not built]


def _lag(api: ApiClient) -> DoctorCheck | None:
    """For the platform's credential: whether the store keeps up."""
    answer = _may(api, "/v1/deliveries/count")
    if answer is None:
        return None
    if answer["orphans"]:
        return DoctorCheck(
            "store",
            False,
            f"{answer['orphans']:,} deliveries have no sender.",
            fix="Restart the service: it resumes them at its start. Then report it to the "
            "developers.",
        )
    if answer["indexLag"] > LAG_MAX:
        return DoctorCheck(
            "store",
            False,
            f"The search index is {answer['indexLag']:,} events behind.",
            fix="Wait; it does not delay deliveries. If the number grows, the disk is too slow.",
        )
    open_ = sum(answer[state] for state in ("pending", "held", "waiting", "retrying"))
    return DoctorCheck("store", True, f"{open_:,} deliveries are unfinished; the index keeps up.")


def _connections(api: ApiClient) -> list[DoctorCheck]:
    """Check the connections that something of the org goes over, now."""
    answer = _may(api, "/v1/connections") or {"connections": []}
    used = [
        connection["name"]
        for connection in answer["connections"]
        if connection["sources"] or connection["webhooks"]
    ]
    checks = []
    looked = 0
    for name in used[:CHECKED_MAX]:
        status, found = api.ask("POST", f"/v1/connections/{name}/check")
        if status != 200:  # the credential may not ask
            break
        looked += 1
        if not found["works"]:
            step = f"tidings connections check {name}"
            fix = "Fix it, or its table in the file of connections, and check it again."
            checks.append(
                DoctorCheck("connection", False, clean(found["message"]), fix=fix, step=step)
            )
        else:
            checks.append(DoctorCheck("connection", True, f"{name} works."))
    if left := used[looked:]:
        names = ", ".join(clean(name) for name in left[:NAMED_MAX])
        more = f" and {len(left) - NAMED_MAX} more" if len(left) > NAMED_MAX else ""
        message = f"Not checked: {names}{more}. `tidings connections check NAME` checks one."
        checks.append(DoctorCheck("connection", False, message))
    for connection in answer["connections"]:
        checks += [
            DoctorCheck("connection", False, clean(warning))
            for warning in connection.get("warnings", ())
        ]
    return checks


def _sources(api: ApiClient) -> list[DoctorCheck]:
    """Check whether the org's sources bring what they are to bring, and what is odd about them;
    nothing where it has none."""
    found = (_may(api, "/v1/sources") or {"sources": []})["sources"]
    odd = [
        DoctorCheck("sources", False, f"Source {clean(source['name'])}: {clean(warning)}")
        for source in found
        for warning in source.get("warnings", ())
    ][:CHECKED_MAX]
    worst_first = sorted(found, key=lambda source: source["trouble"] is None or source["paused"])
    checks = [check for source in worst_first if (check := _source(source)) is not None]
    in_order = len(found) - len(checks)
    shown = checks[:NAMED_MAX]
    if rest := checks[NAMED_MAX:]:
        message = (
            f"{how_many(len(rest), 'other source')} besides. `tidings sources list` shows them."
        )
        shown.append(DoctorCheck("sources", False, message))
    if in_order:
        shown.append(DoctorCheck("sources", True, f"{how_many(in_order, 'source')} in order."))
    return [*shown, *odd]


def _source(source: dict[str, Any]) -> DoctorCheck | None:
    """Say what ails a source; None where nothing does."""
    name = clean(source["name"])
    trouble = clean(source["trouble"]) if source["trouble"] and not source["paused"] else ""
    conflicts = source.get("idConflicts", 0)
    unreadable = source["asideMessages"] - conflicts
    message = [f"Source {name}: {trouble}"] if trouble else []
    does = ["Do what it says."] if trouble else []
    if unreadable > 0:
        count = how_many(unreadable, "message")
        message.append(f"Source {name} has set aside {count} that could not become events.")
        does.append("Check the reasons, fix its mapping, and retry them.")
    if conflicts:
        field = clean(source["idConflictField"] or "")
        count = how_many(conflicts, "message")
        differs = f"; {field} differs" if field else ""
        message.append(
            f"Source {name} has set aside {count} with the id of another event{differs}."
        )
        does.append(
            "Map mapping.eventId to something that differs between senders, or leave it out, and "
            "retry them."
        )
    if not message:
        return None
    following = f"tidings sources {'show' if trouble else 'dead'} {name}"
    return DoctorCheck("sources", False, " ".join(message), fix=" ".join(does), step=following)


def _actions(api: ApiClient) -> list[DoctorCheck]:
    """Check whether the org's actions do what they are to do, and what is odd in their file;
    nothing where it has none."""
    answer = _may(api, "/v1/actions")
    if not answer or not answer["actions"]:
        return []
    odd = [
        DoctorCheck(
            "actions",
            False,
            f"{clean(warning['file'])}:{warning['line']}: {clean(warning['message'])}",
        )
        for warning in answer["warnings"][:CHECKED_MAX]
    ]
    bad = [action for action in answer["actions"] if action["troubles"]]
    for action in bad[:1]:
        name, trouble = clean(action["name"]), clean(action["troubles"][0])
        more = f" {how_many(len(bad) - 1, 'other action')} besides." if len(bad) > 1 else ""
        message = f"Action {name}: {trouble}{more}"
        fix = clean(
            bad[0].get("advice") or "Do what it says; waiting runs then start on their own."
        )
        step = f"tidings actions show {name}"
        if bad[0]["does"] is None:  # its file does not have it any more
            step = f"tidings webhooks delete {name}"
        return [DoctorCheck("actions", False, message, fix=fix, step=step), *odd]
    return [
        DoctorCheck("actions", True, f"{how_many(len(answer['actions']), 'action')} in order."),
        *odd,
    ]


def _print_checks(checks: list[DoctorCheck]) -> None:
    for check in checks:
        sign, colour = (
            ("✓", "green") if check.ok else ("✗", "red") if check.fix else ("·", "yellow")
        )
        print_text(Text(f"{sign} ", style=colour), f"{check.name:<11} {check.said}")
