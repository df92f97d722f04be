"""The rows of a webhook's timeline: in order, none ahead, and never more than fit."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.receivers.timeline import (
    BACK_MS,
    TimelineKind,
    TimelineRow,
    TroubleFacts,
    WebhookChange,
    build_timeline,
)

NOW_MS = 1_000_000_000_000
times = st.integers(NOW_MS - 3 * BACK_MS, NOW_MS + BACK_MS)
maybe = st.none() | times
changes = st.lists(
    st.builds(
        WebhookChange,
        at_ms=times,
        text=st.just("changed the webhook"),
        by=st.just("me"),
        status=st.sampled_from(["", "disabled", "active", "paused"]),
        entry=st.integers(1, 500),
    ),
    max_size=80,
    unique_by=lambda change: change.entry,
)
facts = st.builds(
    TroubleFacts,
    first_failure_ms=maybe,
    cause=st.sampled_from(["", "503", "refused"]),
    left_alone_ms=maybe,
    notified_ms=maybe,
    disabled_ms=maybe,
    recovered_ms=maybe,
    cause_changed_ms=maybe,
    acknowledged_ms=maybe,
    changes=changes,
)


@given(facts, st.integers(1, 60))
def test_rows_are_in_order_bounded_and_of_the_past(known: TroubleFacts, rows_max: int) -> None:
    rows = build_timeline(known, NOW_MS, rows_max)
    assert len(rows) <= rows_max
    assert [row.at_ms for row in rows] == sorted(row.at_ms for row in rows)
    assert all(row.at_ms <= NOW_MS for row in rows)


@given(facts)
def test_whatever_is_known_and_past_has_its_row(known: TroubleFacts) -> None:
    rows = build_timeline(known, NOW_MS, 1_000)
    dated = {
        TimelineKind.FIRST_FAILURE: known.first_failure_ms,
        TimelineKind.LEFT_ALONE: known.left_alone_ms,
        TimelineKind.NOTIFIED: known.notified_ms,
        TimelineKind.RECOVERED: known.recovered_ms,
        TimelineKind.CHANGED_CAUSE: known.cause_changed_ms,
        TimelineKind.ACKNOWLEDGED: known.acknowledged_ms,
    }
    for kind, at_ms in dated.items():
        found = [row.at_ms for row in rows if row.kind is kind]
        assert found == ([] if at_ms is None or at_ms > NOW_MS else [at_ms])
    since_ms = 0 if known.first_failure_ms is None else known.first_failure_ms - BACK_MS
    by = sorted(row.entry for row in rows if row.by)
    due = [change for change in known.changes if since_ms <= change.at_ms <= NOW_MS]
    assert by == sorted(change.entry for change in due)


@given(facts, st.integers(1, 60))
def test_of_too_much_the_beginning_and_the_newest_stay(known: TroubleFacts, rows_max: int) -> None:
    whole, cut = build_timeline(known, NOW_MS, 1_000), build_timeline(known, NOW_MS, rows_max)
    assert [row for row in whole if row in cut] == list(cut)
    if len(whole) <= rows_max:
        assert cut == whole
        return
    began = [row for row in whole if row.kind is TimelineKind.FIRST_FAILURE]
    assert len(cut) == rows_max and all(row in cut for row in began)
    if rows_max > 1 or not began:
        newest = next(row for row in reversed(whole) if row not in began)
        assert newest in cut


def test_an_incident_reads_from_its_first_failure_to_its_end() -> None:
    known = TroubleFacts(
        first_failure_ms=100,
        cause="503",
        left_alone_ms=110,
        notified_ms=200,
        recovered_ms=500,
        changes=[
            WebhookChange(50, "changed the webhook", "asha", entry=1),
            WebhookChange(300, "disabled the webhook", "Tidings", "disabled", entry=2),
            WebhookChange(400, "enabled the webhook", "asha", "active", entry=3),
        ],
    )
    assert build_timeline(known, 1_000) == [
        TimelineRow(50, TimelineKind.CHANGED, "changed the webhook", "asha", 1),
        TimelineRow(
            100, TimelineKind.FIRST_FAILURE, "The first attempt failed: the receiver answers 503"
        ),
        TimelineRow(110, TimelineKind.LEFT_ALONE, "The breaker opened: only probes are sent"),
        TimelineRow(200, TimelineKind.NOTIFIED, "Its owner was notified"),
        TimelineRow(300, TimelineKind.DISABLED, "disabled the webhook", "Tidings", 2),
        TimelineRow(400, TimelineKind.ENABLED, "enabled the webhook", "asha", 3),
        TimelineRow(500, TimelineKind.RECOVERED, "An attempt succeeded; the breaker closed"),
    ]


def test_a_changed_cause_and_an_acknowledgement_stand_where_they_happened() -> None:
    known = TroubleFacts(
        first_failure_ms=100,
        cause="503",
        cause_changes=1,
        cause_changed_ms=200,
        changed_cause="503",
        previous_cause="refused",
        acknowledged_ms=300,
        acknowledged_by="asha",
        note="their deploy",
    )
    first, *later = build_timeline(known, 1_000)
    assert first.text == "The first attempt failed: the receiver refuses connections"
    assert later == [
        TimelineRow(200, TimelineKind.CHANGED_CAUSE, "The cause changed: the receiver answers 503"),
        TimelineRow(
            300, TimelineKind.ACKNOWLEDGED, "acknowledged the incident: their deploy", "asha"
        ),
    ]
    replace = msgspec.structs.replace
    [first, *_] = build_timeline(replace(known, cause_changes=2), 1_000)
    assert first.text == "The first attempt failed"  # the first of three causes is not known
    *_, last = build_timeline(replace(known, note=""), 1_000)
    assert last.text == "acknowledged the incident"
