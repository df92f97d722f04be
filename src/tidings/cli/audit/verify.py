"""`tidings audit verify`: checks the audit log of a store, without the service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tidings.cli.exits import CommandExit, Exit, next_step, say
from tidings.cli.output import clean, how_many

if TYPE_CHECKING:
    from tidings.core.audit.report import AuditReport

FAULTS_PRINTED = 100


def verify(
    *,
    data: Path | None = None,
    cell: int | None = None,
    anchor: str = "",
    config: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Verify the audit log of the store or of a backup: name each entry that was changed, or is
    missing.

    It reads the data directory or the database itself, also while the service runs. Without
    --anchor an end that was cut off together with its anchors is not found. Of several cells it
    checks one log after the other.

    Parameters
    ----------
    data
        A data directory, or a backup that is a directory. Default: the store of `tidings serve`.
    cell
        Of several cells only this one.
    anchor
        A line `audit anchor` of the service's log, or the digest in it: everything that was there
        then has to be there.
    config
        A settings file in TOML.
    json
        Print what was found as one line of JSON, of several cells one each.
    """
    import msgspec

    from tidings.app.cells.commands.cell_audit import verify_cells
    from tidings.cli.serving.database_commands import done, load_store_settings

    settings = load_store_settings(config, data)
    audits = verify_cells(settings, cell, anchor)
    fault_count = 0
    try:
        while (audit := done(lambda: next(audits, None))) is not None:
            fault_count += audit.report.fault_count
            if json:
                of_cell = {} if audit.cell is None else {"cell": audit.cell}
                print(msgspec.json.encode(of_cell | msgspec.to_builtins(audit.report)).decode())
                continue
            if audit.cell is not None:
                print(f"Cell {audit.cell}:")
            _print(audit.report)
    except ValueError as error:
        raise CommandExit(str(error), Exit.USAGE) from None
    if fault_count:
        say(f"The audit log has {how_many(fault_count, 'fault')}.")
        in_database = settings.database is not None
        next_step("tidings store check" if in_database else "tidings backup --to DIRECTORY")
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
