"""When an action may be done: quiet hours, by the clock on the customer's wall. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tidings.core.actions.action import Quiet
from tidings.core.orgs.org_rules import is_zone

ZONE_MAX = 64  # characters
DAY_MINUTES = 24 * 60


def zone_of(name: object) -> ZoneInfo | None:
    """Return the time zone of a name such as Asia/Kolkata; None for what names none."""
    if not isinstance(name, str) or len(name) > ZONE_MAX:
        return None
    name = name.strip()
    return ZoneInfo(name) if is_zone(name) else None


def quiet_until_ms(quiet: Quiet, zone: ZoneInfo, now_ms: int) -> int | None:
    """Return when the quiet hours end that it is in; None where it is in none. The customer's day
    has them by the clock on the wall, also where that is put forward or back."""
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    minute = local.hour * 60 + local.minute
    over_midnight = quiet.start > quiet.end
    if over_midnight:
        within = minute >= quiet.start or minute < quiet.end
    else:
        within = quiet.start <= minute < quiet.end
    if not within:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and minute >= quiet.start else 0)
    ends = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=quiet.end)
    # Where the clock is changed the minute may come twice, or never: the later reading is meant.
    ends_s = max(ends.replace(fold=fold).timestamp() for fold in (0, 1))
    return max(round(ends_s * 1000), now_ms + 1)
