"""How long what is kept: by kind of data and by org, as few groups that are dropped together.

    rejection   refused events                                        7 days
    response    headers and bodies of receivers' answers              7 days after the attempt
    payload     bodies of events, and what was made of them          30 days after the accept
    metadata    that there was an event, its deliveries, attempts    90 days after the accept
                and incidents of webhooks                            90 days after their end

Days can be set for each org (core/orgs/org_settings.py). What is unfinished is kept whole, whatever
its age: that is the store's to see, row by row. Pure; the time is passed in.

Add a field here; the rest follows.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated

import msgspec

from tidings.core.declaration import Field
from tidings.core.field_types import ParsedField
from tidings.core.form import Form, whole_of
from tidings.core.ids import OrgId

DAY_MS = 86_400_000
HOUR_S = 3600.0
REJECTION_DAYS = 7


PAYLOAD_DAYS_MIN = 9  # longer than a delivery may be retried, with a day to spare
DAYS_MAX = 3650


def _days(least: int) -> ParsedField:
    """Build the kind of a whole number of days, from `least`."""

    def take(value: object) -> int | None:
        days = whole_of(value)
        return days if days is not None and least <= days <= DAYS_MAX else None

    return ParsedField(
        take,
        f"a whole number of days from {least} to {DAYS_MAX}",
        "bad_retention",
        advice="Leave it out to change nothing.",
        schema={"type": "integer", "minimum": least, "maximum": DAYS_MAX},
        null=False,
    )


class RetentionDays(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The days for which an org's data is kept."""

    payload_days: Annotated[
        int,
        Field(
            "payloadDays",
            _days(PAYLOAD_DAYS_MIN),
            "Bodies, and what can be sent again.",
            label="Days that bodies are kept",
            hint=f"And can be sent again. {PAYLOAD_DAYS_MIN} or more.",
        ),
    ] = 30
    response_days: Annotated[
        int,
        Field(
            "responseDays", _days(1), "Answers of receivers.", label="Days that answers are kept"
        ),
    ] = 7
    metadata_days: Annotated[
        int,
        Field(
            "metadataDays",
            _days(1),
            "Deliveries and attempts; at least the other two.",
            label="Days that deliveries are kept",
            hint="At least as long as bodies and answers.",
        ),
    ] = 90


def check_days(form: Form, days: RetentionDays) -> None:
    """Refuse days after which something is kept that cannot be found."""
    if days.metadata_days < max(days.payload_days, days.response_days):
        form.refuse(
            "bad_retention",
            "metadataDays",
            "retention.metadataDays must be at least payloadDays and responseDays, so that stored "
            f"payloads can be found; got {days.metadata_days}. Raise it, or lower the others.",
        )


DEFAULT = RetentionDays()
SLICE_MS = 5.0  # what one slice may take of the writer's time …
SHARE = 0.2  # … and how much of that time all slices together, while there is something to drop
ROWS_FIRST, ROWS_MIN, ROWS_MAX = 100, 10, 400

SPARE_BYTES = 64 << 20  # free pages of a database up to here are left to be used again
GIVE_BACK_PAGES = 64


class RowKind(IntEnum):
    """The kinds of rows that retention drops. The numbers are what the stores keep; they never
    change their meaning."""

    PAYLOAD = 1
    RESPONSE = 2
    METADATA = 3
    REJECTION = 4

    @property
    def word(self) -> str:
        """Return its name in metrics."""
        return self.name.lower()


class RetentionGroup(msgspec.Struct, frozen=True):
    """The orgs that keep one kind of data for the same number of days."""

    kind: RowKind
    days: int
    orgs: tuple[OrgId, ...]  # in order
    others: bool  # `orgs` are not the members but the exceptions: everybody else is


def groups(retentions: Mapping[OrgId, RetentionDays]) -> list[RetentionGroup]:
    """List all groups, in the order in which they are dropped. Orgs not named keep the defaults.

    Orgs on the default are never listed, so that a new org changes no group: a store that finds a
    group changed has to look through everything again.
    """
    found = []
    for kind, field in (
        (RowKind.RESPONSE, "response_days"),
        (RowKind.PAYLOAD, "payload_days"),
        (RowKind.METADATA, "metadata_days"),
    ):
        default: int = getattr(DEFAULT, field)
        by_days: dict[int, list[OrgId]] = {}
        for org in sorted(retentions):
            if (days := getattr(retentions[org], field)) != default:
                by_days.setdefault(days, []).append(org)
        exceptions = tuple(sorted(org for orgs in by_days.values() for org in orgs))
        found.append(RetentionGroup(kind, default, exceptions, others=True))
        found += [
            RetentionGroup(kind, days, tuple(by_days[days]), others=False)
            for days in sorted(by_days)
        ]
    return [RetentionGroup(RowKind.REJECTION, REJECTION_DAYS, (), others=True), *found]


def before_ms(group: RetentionGroup, now_ms: int) -> int:
    """Compute the time before which rows are dropped."""
    return now_ms - group.days * DAY_MS


def careful_now(last_ms: int, now_ms: int, passed_s: float) -> int:
    """Return the time to drop by, in milliseconds since the epoch.

    It is the clock's, but ahead of the last one (`last_ms`, 0 for none) by no more than a day for
    each hour that has really passed since (`passed_s`, by a clock that cannot be set). A clock that
    jumps a year ahead then costs a day's worth of old data an hour, not all of it at once, and
    there is time to see it. After a real standstill of a month it takes a day and a half.
    """
    if not last_ms:
        return now_ms
    return min(now_ms, last_ms + round(passed_s / HOUR_S * DAY_MS))


class RetentionPace:
    """Bounds how many rows the next slice of one kind may drop, and how long to wait before it."""

    def __init__(self) -> None:
        self.rows = ROWS_FIRST
        self.wait_s = 0.0
        self._rows_min, self._rows_max = ROWS_MIN, ROWS_MAX

    def allow(self, rows_max: int, rows_min: int = ROWS_MIN) -> None:
        """Set how many rows a slice may drop at most, however quickly, and at least, however
        slowly: most of a short slice over a network is its round trips, however few rows it has."""
        self._rows_min, self._rows_max = rows_min, rows_max
        self.rows = max(self.rows, rows_min)

    def slice_took(self, ms: float) -> None:
        """Set the size of the next slice by how long the last one kept the writer busy: aim at
        `SLICE_MS`, within bounds.

        It grows by half at most, so that one lucky slice does not make the next one too long.
        """
        wanted = self.rows * SLICE_MS / max(ms, 0.1)
        self.rows = max(self._rows_min, min(round(wanted), self.rows * 3 // 2, self._rows_max))
        self.wait_s = ms / 1000 * (1 / SHARE - 1)


def to_give_back(free_pages: int, pages: int, page_bytes: int) -> bool:
    """Return whether the database should return pages to its file system.

    Under steady load what is freed is used again. Only where more than half of the file is free,
    because there is much less to keep than there once was, is it made shorter.
    """
    return free_pages * 2 > pages and free_pages * page_bytes > SPARE_BYTES
