"""Every time that the schema keeps is known here: whether something ends or is due by it, and which
case shows that this outlives a restart. A new column of this kind has to say so too."""

import re

from tests.engine import test_ends_after_restarts as ends
from tests.engine.actions import test_timing as timing
from tests.engine.audit import test_upkeep as upkeep
from tests.engine.delivery import test_due_after_restarts as due
from tests.engine.delivery import test_health_after_restarts as shares
from tests.engine.notices import test_steps_after_restarts as steps
from tidings.store.sqlite.halves import WritingHalf

TIME = re.compile(r"(^|_)(ms|at|until|expires|ends|due)$")
RECORD = "only tells when something was; what is dropped by it is retention's case"
NUMBER = "a number, and no time"

KNOWN = {
    # what ends or is due by it
    "credential.expires_ms": ends.credential_with_an_expiry,
    "credential.previous_until_ms": ends.old_secret_of_a_credential,
    "link.expires_ms": (
        ends.sign_in_link,
        ends.portal_link,
        ends.invitation,
        ends.reset_of_a_password,
        ends.test_a_link_that_was_used_opens_nothing_after_a_restart,
    ),
    "session.created_ms": (ends.session_that_is_used, ends.session_of_a_portal),
    "session.seen_ms": ends.idle_session,
    "webhook.created_ms": ends.idempotency_key,
    "audit.at_ms": upkeep.test_entries_and_anchors_are_kept_for_their_days_and_a_day,
    "audit_anchor.at_ms": upkeep.test_entries_and_anchors_are_kept_for_their_days_and_a_day,
    "keyed_call.at_ms": ends.key_of_a_call,
    "cap_use.at_ms": ends.cap_of_an_action,
    "cap_use.until_ms": ends.cap_of_an_action,
    "inbox.used_ms": ends.inbox_that_was_looked_into,
    "delivery.due_ms": (
        due.test_a_retry_comes_when_it_is_due,
        due.test_what_waits_behind_another_one_goes_once_that_one_has_ended,
        timing.test_a_wait_outlives_restarts_and_is_no_longer_for_them,
    ),
    "event.at_ms": (
        due.test_the_last_attempt_is_at_the_end_of_168_hours_of_whoever_is_there,
        due.test_retention_drops_in_time_in_a_service_that_is_restarted_every_hour,
        due.test_an_event_is_a_duplicate_until_retention_has_dropped_it,
    ),
    "letter.due_ms": (
        due.test_a_letter_is_tried_again_when_it_is_due,
        due.test_restarts_begin_no_new_hour_for_letters_about_ended_deliveries,
    ),
    "webhook_health.until_ms": (
        due.test_an_open_breaker_asks_when_its_pause_is_over,
        due.test_a_receiver_that_said_when_to_come_back_is_left_alone_until_then,
    ),
    "webhook_health.failing_since_ms": (
        due.test_its_owner_hears_after_a_quarter_of_an_hour_of_failing
    ),
    "webhook_health.failing_ms": (
        due.test_its_owner_hears_after_a_quarter_of_an_hour_of_failing,
        steps.test_each_step_is_told_once_and_in_time,
        steps.test_a_service_that_is_down_while_a_step_passes_tells_it_after_as_long_a_way,
        steps.test_what_is_said_of_the_end_is_when_it_comes,
    ),
    "webhook_health.partly_since_ms": (
        shares.test_one_that_fails_in_part_is_so_since_the_same_time_after_a_restart
    ),
    "stop.since_ms": due.test_a_hold_has_no_end_of_its_own_and_a_restart_is_none,
    # the same as another one
    "delivery_replay.at_ms": "a window that begins with the replay: as event.at_ms",
    "rejection.at_ms": "dropped by retention: as event.at_ms",
    "attempt.started_ms": "its answer is dropped by retention: as event.at_ms",
    "leap.by_ms": "how far the clock has leapt; tests/store/sqlite/test_leaps.py",
    # no end
    "keeping.at": NUMBER,
    "alert_channel.changed_ms": RECORD,
    "alert_channel.created_ms": RECORD,
    "arrival.at_ms": RECORD,
    "aside.at_ms": "it stays until it is redriven or deleted",
    "attempt.duration_ms": RECORD,
    "credential.created_ms": RECORD,
    "credential.revoked_ms": "it ends then and there, for good",
    "credential.used_ms": RECORD,
    "delivery.done_ms": RECORD,
    "delivery.duration_ms": RECORD,
    "event_type.created_ms": RECORD,
    "event_type.updated_ms": RECORD,
    "inbox.created_ms": RECORD,
    "incident.acknowledged_ms": RECORD,
    "incident.cause_changed_ms": RECORD,
    "incident.ended_ms": RECORD,
    "incident.grew_ms": RECORD,
    "incident.opened_ms": RECORD,
    "incident.since_ms": RECORD,
    "member.accepted_ms": RECORD,
    "member.created_ms": RECORD,
    "member.disabled_ms": "it ends then and there",
    "org.created_ms": RECORD,
    "person.created_ms": RECORD,
    "replay.created_ms": RECORD,
    "replay.ended_ms": RECORD,
    "replay.started_ms": RECORD,
    "saved_view.created_ms": RECORD,
    "source.changed_ms": RECORD,
    "source_activity.last_ms": RECORD,
    "source.created_ms": RECORD,
    "transformation.created_ms": RECORD,
    "waiting.since_ms": RECORD,
    "webhook_version.updated_ms": RECORD,
}

# What ends by a time that is kept inside of a column, or in a token that we have signed.
INSIDE = {
    "old signing secrets (webhook_version.config)": (
        ends.test_old_signing_secrets_end_by_themselves_in_the_process_that_took_them_over
    ),
    "tokens of OAuth clients (signed)": ends.token_of_an_oauth_client,
    "links that ask for consent (signed)": ends.link_that_asks_whether_letters_may_come,
}


def test_every_time_of_the_schema_says_whether_something_ends_by_it() -> None:
    half = WritingHalf(":memory:", lambda: 1_800_000_000_000)
    run = half.connection.execute
    tables = [name for (name,) in run("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {
        f"{table}.{row[1]}"
        for table in tables
        for row in run(f"PRAGMA table_info({table})")
        if TIME.search(str(row[1]))
    }
    half.close(True)
    assert found == KNOWN.keys()


def test_what_ends_has_a_case_that_is_run() -> None:
    for name, shown in (KNOWN | INSIDE).items():
        for case in shown if isinstance(shown, tuple) else (shown,):
            run = isinstance(case, str) or case.__name__.startswith("test_") or case in ends.CASES
            assert run, name
