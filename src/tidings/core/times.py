"""Times as answers show them: text with milliseconds."""

from datetime import UTC, datetime, tzinfo


def iso(ms: int | None) -> str | None:
    """Milliseconds since the epoch as `2026-02-11T09:15:00.123Z`."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def local_iso(ms: int, zone: tzinfo) -> str:
    """Milliseconds since the epoch in an org's time zone, as `2026-02-11T14:45:00.123+0530`."""
    moment = datetime.fromtimestamp(ms // 1000, zone)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}{moment:%z}"
