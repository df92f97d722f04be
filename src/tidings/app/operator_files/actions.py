"""The operator's actions, read from their file at the start: docs/actions-file.md.

What the file is judged by is in `core/actions/`; here it is read, with the files that it names.
"""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from threading import Event

from tidings.app.operator_files.connections import judge_connection
from tidings.app.operator_files.operator_file import FileRefused, FilesIn
from tidings.catalogue.event_type import EventType
from tidings.connections.port import ConnectionType
from tidings.core.actions.action import CsvLookup
from tidings.core.actions.file.document import FILE_BYTES_MAX
from tidings.core.actions.file.faults import ActionsFileFault
from tidings.core.actions.file.reading import ActionsFile, read_actions
from tidings.core.actions.file.table import Given
from tidings.core.actions.list_changes import ReadColumns, objection_to
from tidings.core.connections.connection import Connection
from tidings.core.connections.references import FileUnread
from tidings.destinations.http.authentication.service_account import rsa_key
from tidings.egress.address import TargetRefused, parse_target
from tidings.lookups.accepted_lists import accept, is_accepted
from tidings.lookups.csv import state_of
from tidings.lookups.csv_table import CsvTable, FileUnfit, read_file
from tidings.transform.sandbox import Sandbox, Unrenderable


class ActionsRefused(FileRefused):
    """The file of actions cannot be used: all that is wrong with it, a line each."""

    def __init__(self, faults: list[ActionsFileFault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def load_actions(
    path: Path,
    kinds: Mapping[str, EventType],
    types: Mapping[str, ConnectionType],
    connections: Mapping[str, Connection] | None = None,
    environment: Mapping[str, str] = os.environ,
    *,
    admits_unknown: bool = False,
) -> ActionsFile:
    """Load what the file of actions declares. `kinds`: the event types that its org takes; `types`:
    of connections, by name; `connections`: those that are declared elsewhere. ActionsRefused,
    FileRefused."""
    read = FilesIn(path.parent)
    try:
        document = read(path.name, FILE_BYTES_MAX)
    except FileUnread as error:
        raise FileRefused(
            f"The file of actions {path} must be a text of at most {FILE_BYTES_MAX} bytes; got "
            f"{error.got}. Name another, or mend it."
        ) from None
    given = Given(
        folder=str(path.parent.absolute()),
        environment=environment,
        read=read,
        kinds=kinds,
        connections=connections or {},
        check_connection=lambda name, fields: judge_connection(name, fields, types),
        check_template=template_check(),
        check_url=check_url,
        is_key=lambda text: rsa_key(text) is not None,
        admits_unknown=admits_unknown,
    )
    made = read_actions(document, str(path), given)
    if isinstance(made, list):
        raise ActionsRefused(made)
    return made


def searched_files(
    made: ActionsFile, accepted: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """List what is wrong with the files that look-ups search, and what is odd in them, in sentences
    that name the look-up. The states of those `accepted` are noted as meant. It may take seconds.
    OSError where they cannot be."""
    wrong, odd = [], []
    for lookup in made.lookups.values():
        where = lookup.where
        if not isinstance(where, CsvLookup):
            continue
        place = f"[lookups.{lookup.name}] {where.file}:"
        try:
            path = Path(where.file)
            table = CsvTable(read_file(path), where.key, Event())
        except FileUnfit as error:
            at = f"{error.line}:{error.column}: " if error.line else " "
            wrong.append(f"{place}{at}{error}")
            continue
        except OSError as error:
            must = f"It must be a readable file; got none ({error.strerror})."
            wrong.append(f"{place} {must} Correct csv.")
            continue
        if lookup.name in accepted:
            accept(path, table.digest())
        columns = made.columns.get(lookup.name, ReadColumns())
        state = state_of(table, columns, Event())
        why = objection_to(state, None, columns)
        if why is not None and not is_accepted(path, table.digest()):
            wrong.append(
                f"{place} {why} The service does not take it before you accept it: correct the "
                f"file; or, if it is meant, add --accept {lookup.name}."
            )
        if table.repeated:
            odd.append(
                f"{place}{table.repeated_line}:1: each {where.key} should stand on one line; "
                f"{table.repeated:,} come before another line with the same, and count no more. "
                "Leave them out."
            )
    return wrong, odd


def template_check() -> Callable[[str], frozenset[str] | str]:
    """Make the `TemplateCheck` that reads a template for its names, and runs nothing."""
    sandbox = Sandbox()  # nothing is run: a template is read, and its names are listed

    def check(template: str) -> frozenset[str] | str:
        try:
            return sandbox.names(template)
        except Unrenderable as error:
            return str(error)

    return check


def check_url(url: str) -> str | None:
    """Say why a URL cannot be called, or return None; its address is judged when it is called."""
    try:
        parse_target(url, allow_http=True)
    except TargetRefused as refused:
        return refused.message
    return None
