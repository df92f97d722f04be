"""The rows of what was seen while a database was silent."""

from collections import Counter
from collections.abc import Callable

from bench.report import Row
from tests.drills.trials import Drill

ANSWERED_S, PAGE_S, DOCTOR_S = 15.0, 1.0, 30.0
FAILED_OVER = "the standby was promoted"


def rows_of_silences(drill: Drill, row: Callable[..., Row]) -> list[Row]:
    """Make them; none where no database was silent."""
    seen = drill.silences
    if not seen:
        return []
    acknowledged = sum(away.acknowledged for away in seen)
    sent = sum(away.sent for away in seen)
    answers = sum((Counter(away.answers) for away in seen), Counter[int]())
    statuses = ", ".join(f"{status} × {count:,}" for status, count in sorted(answers.items()))
    slowest_s = max(away.slowest_s for away in seen)
    page_s = max(away.page_slowest_s for away in seen)
    wrong = [text for away in seen for text in away.pages_wrong]
    ready_late = sum(away.ready_late for away in seen)
    doctor_s = max(away.doctor.took_s for away in seen)
    told = all(away.doctor.code and "database" in away.doctor.said for away in seen)
    in_lease = sum(away.sent_in_lease for away in seen)
    outcomes = [away.without_outcome for away in seen if away.without_outcome is not None]
    found = [
        row("arrived by the end of the lease, with no outcome", sum(outcomes) if outcomes else "·"),
        row("sent in the lease, of which no outcome can be written", in_lease),
        row("acknowledged without a database", acknowledged, "0", not acknowledged),
        row("sent with no lease", sent, "0", not sent),
        row("calls answered meanwhile", statuses or "none"),
        row("the slowest of them, s", f"{slowest_s:.1f}", "≤ 15", slowest_s <= ANSWERED_S),
        row(
            "pages asked; of them wrong",
            f"{sum(away.pages for away in seen):,}; {', '.join(wrong) or 0}",
            "0",
            not wrong,
        ),
        row("the slowest page, s", f"{page_s:.2f}", "≤ 1", page_s <= PAGE_S),
        row("pages that call it ready with no lease", ready_late, "0", not ready_late),
        row("the doctor ended after, s", f"{doctor_s:.1f}", "≤ 30", doctor_s <= DOCTOR_S),
        row("the doctor named it", "yes" if told else "no", "yes", told),
    ]
    if "Patroni" in drill.name:
        found.append(row(FAILED_OVER, f"{drill.failed_over} times"))
    return found
