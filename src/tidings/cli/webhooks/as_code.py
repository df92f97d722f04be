"""Webhooks as a file that can be reviewed and repeated: `tidings webhooks export` and `apply`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from rich.text import Text

from tidings.cli.calls import ApiClient, Moved, calls
from tidings.cli.exits import CommandExit, Exit, say
from tidings.cli.output import clean, confirm, console, how_many, print_line, word
from tidings.cli.webhook_names import all_webhooks, is_there
from tidings.cli.webhooks.document import BadFile, Document, FileFault, read_file, read_original
from tidings.cli.webhooks.plan import PlannedChange, diff, exported, plan
from tidings.cli.webhooks.rehearsal import carry_out, rehearse
from tidings.cli.where import Where
from tidings.core.webhooks.fields import ORIGINAL

BYTES_MAX = 4 << 20
HEAD = """\
# The webhooks of {url}{org}, as `tidings webhooks apply` takes them.
# What is left out has its default. ${{NAME}}, a variable, stands for a header's value.
"""
COLOURS = {"+": "green", "-": "red", "~": "yellow"}


def export(file: str, where: Where) -> int:
    """Write the org's webhooks to a file, or to stdout."""
    api = calls(where)
    found = sorted(filter(is_there, all_webhooks(api)), key=lambda one: str(one["name"]))
    bodies = [exported(webhook) for webhook in found]
    if where.json:
        text = json.dumps({"webhooks": bodies}, ensure_ascii=False, indent=2) + "\n"
    else:
        org = "" if api.server.org is None else f", org {api.server.org}"
        text = HEAD.format(url=api.server.url, org=org) + yaml.safe_dump(
            {"webhooks": bodies}, allow_unicode=True, sort_keys=False, width=96
        )
    again = f"apply {word(file)} --dry-run"
    if file == "-":
        sys.stdout.write(text)
        again = "export webhooks.yaml"
    else:
        try:
            Path(file).write_text(text, "utf-8")
        except OSError as error:
            raise CommandExit(
                f"FILE must be writable; got {file}: {error.strerror}. Name another, or "
                "- for stdout.",
                Exit.USAGE,
            ) from None
    say(how_many(len(bodies), "webhook"))
    api.next_step(f"tidings webhooks {again}")
    return Exit.OK


def apply(
    file: str,
    where: Where,
    *,
    dry_run: bool,
    prune: bool,
    from_original: bool,
    yes: bool,
) -> int:
    """Make the org's webhooks as a file says; with `dry_run` only show what would change.

    In both cases the service tries every change first, so that nothing is left half done.
    """
    document = _document(file, from_original)
    api = calls(where)
    present = list(filter(is_there, all_webhooks(api)))
    only = ORIGINAL if from_original else None
    planned, missing = plan(document, present, os.environ, prune=prune, only=only)
    for text in document.left:
        say(clean(text))
    try:
        changes, refused = rehearse(api, planned)
    except CommandExit:
        _show(planned, where.json, dry_run)
        raise
    _show(changes, where.json, dry_run)
    _must_be_without_faults(document.faults + missing, refused)
    if unsure := [change.name for change in changes if change.given]:
        say(
            f"Of {clean(', '.join(unsure))} secrets end like the stored ones: whether they differ "
            "is known only once they are applied."
        )
    if dry_run or not changes:
        would = [change for change in changes if not change.unsure]
        say(_sum(would, _others(document, would), "would be " if dry_run else ""))
        flags = [("--from-original", from_original), ("--prune", prune), ("--yes", yes)]
        options = "".join(f" {flag}" for flag, given in [*flags, ("--json", where.json)] if given)
        api.next_step(
            f"tidings webhooks apply {word(file)}{options}"
            if dry_run and changes
            else "tidings webhooks list"
        )
        return Exit.OK
    if prune and any(change.what == "delete" for change in changes):
        confirm(yes, "Delete the webhooks that the file does not name, and change the rest?")
    elif sys.stdin.isatty() and sys.stderr.isatty():
        confirm(yes, "Apply it?")
    done = _carry_out(api, changes, where.json)
    say(_sum(done, _others(document, done), ""))
    if any(
        change.what == "create" and "signingSecret" not in (change.body or {}) for change in done
    ):
        say("Signing secrets were generated; `tidings webhooks rotate NAME` shows a new one.")
    api.next_step("tidings webhooks list")
    return Exit.OK


def _document(file: str, from_original: bool) -> Document:
    content = _read(file)
    try:
        return read_original(content) if from_original else read_file(content)
    except BadFile as wrong:
        raise CommandExit(clean(str(wrong)), Exit.USAGE) from None


def _must_be_without_faults(wrong: list[FileFault], refused: list[FileFault]) -> None:
    """Stop with all of them: those that are the file's own make it wrong usage."""
    if not (faults := wrong + refused):
        return
    sentences = [clean(str(fault)) for fault in faults]
    sentences.append(
        f"{how_many(len(faults), 'fault')}; nothing was changed. Fix FILE, and try again."
    )
    raise CommandExit("\n".join(sentences), Exit.USAGE if wrong else Exit.REFUSED)


def _read(file: str) -> Any:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(BYTES_MAX + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(BYTES_MAX + 1)
    except OSError as error:
        why = error.strerror
        raise CommandExit(
            f"FILE must be a readable file; got {file}: {why}. Check its name and permissions.",
            Exit.USAGE,
        ) from None
    if len(content) > BYTES_MAX:
        raise CommandExit(
            f"FILE must be at most {BYTES_MAX:,} bytes; got more. Split it: webhooks that a file "
            "does not name stay.",
            Exit.USAGE,
        )
    try:
        return yaml.load(content, Loader=_Plain)  # noqa: S506  # a SafeLoader without anchors
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        at = getattr(error, "problem_mark", None)
        line = f", line {at.line + 1}" if at is not None else ""
        why = getattr(error, "problem", None) or "something else"
        raise CommandExit(
            f"FILE must be YAML or JSON; got {clean(why)}{line}. `tidings webhooks export` shows "
            "the form.",
            Exit.USAGE,
        ) from None


class _Plain(yaml.SafeLoader):
    """YAML without references: a small file must not unfold to a large one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "a reference (*), which is not supported: write it out", None
            )
        return super().compose_node(parent, index)


def _show(changes: list[PlannedChange], as_json: bool, dry_run: bool) -> None:
    """The plan: data in a dry run, else talk. With --json the outcome is told, not the plan."""
    if as_json:
        if dry_run:
            for change in changes:
                print_line({"webhook": change.name, "change": change.what, "diff": _joined(change)})
        return
    out = console(stderr=not dry_run)
    for change in changes:
        for sign, text in diff(change):
            line = Text(f"{sign} ", style=COLOURS[sign])
            line.append(clean(text))
            out.print(line, soft_wrap=not out.is_terminal)


def _joined(change: PlannedChange) -> list[str]:
    return [f"{sign} {text}" for sign, text in diff(change)]


def _carry_out(api: ApiClient, changes: list[PlannedChange], as_json: bool) -> list[PlannedChange]:
    done: list[PlannedChange] = []
    for change in changes:
        try:
            now = carry_out(api, change)
        except CommandExit as stop:
            message = stop.problem if isinstance(stop, Moved) else f"{change.name}: {stop.problem}"
            if done:
                message += f" Before that, {_sum(done, 0, '')}"
            raise CommandExit(message, stop.code, stop.step) from None
        if (
            change.unsure
            and change.present is not None
            and now["version"] == change.present["version"]
        ):
            continue  # they were the stored values
        done.append(change)
        if as_json:
            now.pop("signingSecret", None)
            print_line({"webhook": change.name, "change": change.what, "now": now})
    return done


def _others(document: Document, changes: list[PlannedChange]) -> int:
    """Count the webhooks of the file that are as they are."""
    return len(document.wanted) - sum(1 for change in changes if change.what != "delete")


def _sum(changes: list[PlannedChange], same: int, would: str) -> str:
    count = [change.what for change in changes].count
    counts = [
        f"{count('create')} {would}created",
        f"{count('change')} {would}changed",
        f"{count('delete')} {would}deleted",
    ]
    return " · ".join([*counts, f"{same} as they are"]) + "."
