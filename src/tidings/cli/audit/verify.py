"""`tidings audit verify`: checks the audit log of a store, without the service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import clean, how_many

if TYPE_CHECKING:
    from tidings.core.audit.report import AuditReport
    from tidings.settings.settings import Settings

FAULTS_PRINTED = 100


def verify(
    *,
    data: Path | None = None,
    anchor: str = "",
    config: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Verify the audit log of the store or of a backup: name each entry that was changed, or is
    missing.

    It reads the data directory or the database itself, also while the service runs. Without
    --anchor an end that was cut off together with its anchors is not found.

    Parameters
    ----------
    data
        A data directory, or a backup that is a directory. Default: the store of `tidings serve`.
    anchor
        A line `audit anchor` of the service's log, or the digest in it: everything that was there
        then has to be there.
    config
        A settings file in TOML.
    json
        Print what was found as one line of JSON.
    """
    import msgspec

    from tidings.cli.serving.database_commands import done, load_store_settings

    settings = load_store_settings(config, data)
    try:
        report = done(lambda: _verified(settings, anchor))
    except ValueError as error:
        raise CommandExit(str(error), Exit.USAGE) from None
    if json:
        print(msgspec.json.encode(report).decode())
    else:
        _print(report)
    if report.fault_count:
        say(f"The audit log has {how_many(report.fault_count, 'fault')}.")
        in_database = settings.database is not None
        next_step("tidings store check" if in_database else "tidings backup --to DIRECTORY")
        return Exit.FAILED
    if not anchor:
        say("The log is whole. Whether its end was cut off, --anchor LINE tells.")
    return Exit.OK


def _verified(settings: "Settings", anchor: str) -> "AuditReport":
    """Check the log wherever it is."""
    if settings.database is not None:
        from tidings.app.database_operations import verify_audit

        return verify_audit(settings, anchor)
    from tidings import app

    return app.verify_audit(settings.data, anchor)


def _print(report: "AuditReport") -> None:
    for fault in report.faults[:FAULTS_PRINTED]:
        print(clean(fault.what))
    if report.fault_count > FAULTS_PRINTED:
        print(f"… and {report.fault_count - FAULTS_PRINTED} further faults.")
    for restore in report.restores:
        print(f"Restored at {restore.at} from a backup of {restore.backup_made_at}.")
    for departure in report.departures:
        print(f"Moved to cell {departure.cell}: {how_many(departure.chains, 'chain')}.")
    if report.moving:
        print(f"Not checked, while families move: {how_many(report.moving, 'chain')}.")
    counts = [
        how_many(report.chains, "chain"),
        how_many(report.entries, "entry"),
        how_many(report.anchors, "anchor"),
    ]
    print(f"Checked {', '.join(counts)}.")
    if (newest := report.newest_anchor) is not None:
        print(f"Newest anchor: number={newest.number} at={newest.at} digest={newest.digest}")
