"""The operator's sources, read from their file at the start.

    [orders]
    org = 2001
    type = "kafka"
    connection = "main"
    kafka = {topics = ["loyalty.events"]}

    [orders.mapping]
    eventName = {path = "type", names = {POINTS_ADDED = "pointsIssued"}}
    data = {path = "payload"}

A table has the fields of a source as the API takes them. Its name is the source's, unless `name`
says another. `mapping` and `messageId` may be texts of JSON too, which has a null.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidings.app.operator_files.operator_file import OperatorFile
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.sources.source import body_of_table
from tidings.engine.sources.declared import DeclaredSource, declare
from tidings.engine.sources.sources import Sources
from tidings.errors import RequestRefused


async def is_nowhere(org: OrgId) -> bool:
    """Return that no other cell has an org: there is one cell."""
    return False


async def declare_sources(
    path: Path | None,
    sources: Sources,
    is_org: Callable[[OrgId], bool],
    environment: Mapping[str, str] = os.environ,
    *,
    besides: Sequence[DeclaredSource] = (),
    is_elsewhere: Callable[[OrgId], Awaitable[bool]] = is_nowhere,
) -> None:
    """Let sources be as the file says, and as other files say `besides`; without any, none is
    declared. Those of an org that `is_elsewhere` are another process's. FileRefused, StoreDown."""
    declared = [*besides]
    if path is None:
        return await declare(sources, declared)
    file = OperatorFile(path, "sources", environment)
    for table, fields in file.tables().items():
        org = fields.get("org") if isinstance(fields, dict) else None
        if type(org) is int and not is_org(OrgId(org)) and await is_elsewhere(OrgId(org)):
            continue
        source = _declared(file, table, fields, sources, is_org)
        key = source.org, source.source.name
        if any(key == (former.org, former.source.name) for former in declared):
            raise file.refused(table, "must have a name of its own in the org", source.source.name)
        declared.append(source)
    await declare(sources, declared)


def _declared(
    file: OperatorFile,
    table: str,
    fields: object,
    sources: Sources,
    is_org: Callable[[OrgId], bool],
) -> DeclaredSource:
    if not isinstance(fields, dict):
        raise file.refused(table, "must be a table with the fields of a source", fields)
    body: dict[str, Any] = {"name": table} | fields
    org = body.pop("org", None)
    if type(org) is not int or not is_org(OrgId(org)):
        raise file.refused(table, "org must be the id of an org that is there", org)
    body, wrong = body_of_table(body)
    for field, why in wrong.items():
        must = f"{field} must be a table, or JSON text ({why})"
        raise file.refused(table, must, body[field])
    body = msgspec.json.decode(msgspec.json.encode(body))  # TOML has dates, which JSON has not
    try:
        # What a file says was in force before there was a bound: the service starts with it.
        source = sources.checked(
            AuthenticatedCaller(OrgId(org), platform=True), body, bounded=False
        )
    except RequestRefused as refused:
        raise file.wrong(table, [refusal.message for refusal in refused.refusals]) from None
    return DeclaredSource(OrgId(org), source, file.path.name, declares_pause="paused" in body)
