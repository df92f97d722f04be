"""`tidings audit verify`: checks the audit log of a data directory, without the service."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tidings.cli.exits import CommandExit, Exit, next_step, refuse, say
from tidings.cli.output import clean, how_many

if TYPE_CHECKING:
    from tidings.core.audit.report import AuditReport

FAULTS_PRINTED = 100


def verify(
    *,
    data: Path | None = None,
    anchor: str = "",
    config: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Verify the audit log of a data directory or a backup: name each entry that was changed, or
    is missing.

    It reads the directory itself, also while the service runs. Without --anchor an end that was
    cut off together with its anchors is not found.

    Parameters
    ----------
    data
        The data directory, or a backup that is a directory. Default: as `tidings serve`.
    anchor
        A line `audit anchor` of the service's log, or the digest in it: everything that was there
        then has to be there.
    config
        A settings file in TOML.
    json
        Print what was found as one line of JSON.
    """
    import msgspec

    from tidings import app
    from tidings.settings.load import SettingsRefused, load

    try:
        directory = load(os.environ, config, {"data": data}).data
    except SettingsRefused as refused:
        return refuse(refused.problems)
    try:
        report = app.verify_audit(directory, anchor)
    except ValueError as error:
        raise CommandExit(str(error), Exit.USAGE) from None
    except app.DataRefused as refused:
        raise CommandExit(str(refused), Exit.REFUSED) from None
    if json:
        print(msgspec.json.encode(report).decode())
    else:
        _print(report)
    if report.fault_count:
        say(f"The audit log has {how_many(report.fault_count, 'fault')}.")
        next_step("tidings backup --to DIRECTORY")
        return Exit.FAILED
    if not anchor:
        say("The log is whole. Whether its end was cut off, --anchor LINE tells.")
    return Exit.OK


def _print(report: "AuditReport") -> None:
    for fault in report.faults[:FAULTS_PRINTED]:
        print(clean(fault.what))
    if report.fault_count > FAULTS_PRINTED:
        print(f"… and {report.fault_count - FAULTS_PRINTED} further faults.")
    for restore in report.restores:
        print(f"Restored at {restore.at} from a backup of {restore.backup_made_at}.")
    counts = [
        how_many(report.chains, "chain"),
        how_many(report.entries, "entry"),
        how_many(report.anchors, "anchor"),
    ]
    print(f"Checked {', '.join(counts)}.")
    if (newest := report.newest_anchor) is not None:
        print(f"Newest anchor: number={newest.number} at={newest.at} digest={newest.digest}")
