"""Times as text: as answers show them, with milliseconds, and as commands print them for people."""

from datetime import UTC, date, datetime, timedelta, tzinfo

BEGIN_MS = -62_135_596_800_000  # the year 1
END_MS = 253_402_300_800_000
"""The year 10000, for which RFC 3339 has no digits: what comes from outside lies before it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE_MS = 86_400_000  # no zone is further away


def iso(ms: int | None) -> str | None:
    """Write milliseconds since the epoch as `2026-02-11T09:15:00.123Z`; None stays None. What lies
    outside of the years 1 to 9999 is shown as their first or last moment, so that a page can always
    be shown."""
    if ms is None:
        return None
    return exact(ms)


def exact(ms: int) -> str:
    """Write a time as `iso` does, of one that is known: digits and these signs alone."""
    moment = _moment(min(max(ms, BEGIN_MS), END_MS - 1))
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"


def local_iso(ms: int, zone: tzinfo) -> str:
    """Write milliseconds since the epoch in an org's time zone, as
    `2026-02-11T14:45:00.123+0530`."""
    moment = _moment(min(max(ms, BEGIN_MS + _ZONE_MS), END_MS - 1 - _ZONE_MS)).astimezone(zone)
    return f"{moment.isoformat(timespec='milliseconds')[:23]}{moment:%z}"


def zoned(moment: datetime, today: date | None = None) -> str:
    """Write a time to the second with its zone as a number, in one word that options and filters
    read again: `2026-02-11T14:45:00+05:30`, or `09:15:00Z` where its date is `today`."""
    text = moment.isoformat(timespec="seconds")
    zone = text[19:] if moment.utcoffset() else "Z"
    return (text[11:19] if moment.date() == today else text[:19]) + zone


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
