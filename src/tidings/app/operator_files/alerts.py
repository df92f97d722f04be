"""The operator's alert channels, read from their file at the start: they hear of all orgs.

[on-call]
type = "pagerduty"
routingKey = "${PAGERDUTY_KEY}"
delaySeconds = 300
"""

import os
from collections.abc import Mapping
from pathlib import Path

from tidings.app.operator_files.operator_file import OperatorFile
from tidings.core.alerts.channel import CHANNELS_MAX, AlertChannel, read_channel
from tidings.core.connections.connection import NAME


def load_alerts(
    path: Path | None, environment: Mapping[str, str] = os.environ
) -> Mapping[str, AlertChannel]:
    """Read the channels that the operator's file declares, by name; none without a file. Raise
    FileRefused where one is wrong, or there are too many."""
    if path is None:
        return {}
    file = OperatorFile(path, "alert channels", environment)
    document = file.tables()
    if len(document) > CHANNELS_MAX:
        name = [*document][CHANNELS_MAX]
        raise file.refused(name, f"must be one of at most {CHANNELS_MAX} channels", "one more")
    declared: dict[str, AlertChannel] = {}
    for name, fields in document.items():
        if not NAME.fullmatch(name) or not isinstance(fields, dict):
            raise file.refused(
                name, "must be a table whose name is 1 to 63 of a-z, 0-9 and -", name
            )
        made = read_channel({"name": name} | fields)
        if not isinstance(made, AlertChannel):
            raise file.wrong(name, [refusal.message for refusal in made])
        declared[name] = made
    return declared
