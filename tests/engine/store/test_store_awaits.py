"""Each place that asks the store has a case in which the store fails it.

A new `await` of the store makes this test fail until the table names its case.
"""

import ast
from pathlib import Path

import pytest

from tidings.store import port
from tidings.store.hosting.calls import answering, methods
from tidings.store.sql.halves import RowReader

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "tidings"
FACES = ("api", "reads", "console", "cli")  # what they may ask is told apart
STORE = ("store", "demo", "simulator")  # the store itself, and what has none
METHODS = {*methods(port.Store), *methods(port.SpaceStore)}

FAULTS = "engine/store/test_store_faults.py"
AUDIT = "engine/audit/test_upkeep.py"
STARTS = "app/test_start_retry.py::test_a_step_that_is_refused_is_made_again"
# The case, and the modules and methods that it fails.
CASES = {
    f"{FAULTS}::test_who_asks_is_told_and_nothing_is_half_done": """
        access: put_credential
        orgs: put_org
        event_types: put_type delete_type
        versions: put_webhook webhook_version
        transformations: put_transformation transformation_versions
        inboxes: put_inbox drop_inbox use_inbox arrivals arrival
        sources: put_source drop_source dead_letters dead_letter drop_dead_letters
        intake: drop_dead_letters
        dead_letters: put_dead_letters
        users: put_people drop_member
        reference: put_reference delete_reference list_reference count_reference
        runs: put_replay count_replay
        restored_backlog: owed_before unfinished_before
        manual_retries: retry_now
    """,
    "engine/delivery/test_manual_retries.py::"
    "test_one_that_was_cancelled_while_its_attempt_is_under_way_is_not_tried_beside_it": """
        manual_retries: wake
    """,
    "engine/delivery/retries/test_drains.py"
    "::test_a_store_that_refuses_leaves_nothing_half_begun": """
        drains: count_states wake_oldest wake_retries
    """,
    "engine/events/test_families.py"
    "::test_a_family_is_held_before_its_leaving_is_asked_and_until_its_end_is_known": """
        families: move_family family_row commit
    """,
    "engine/sources/test_conflicts.py"
    "::test_while_the_store_does_not_answer_nothing_is_promised": """
        conflicts: event
        dead_letters: drop_conflicts
    """,
    f"{FAULTS}::test_a_change_whose_answer_was_lost_is_in_force_without_its_repetition": """
        changes: load load_types
    """,
    "engine/store/test_crossing_changes.py"
    "::test_a_change_whose_reading_again_fails_is_refused_and_made_later": """
        changes: load_people load_transformations load_sources load_inboxes load_alert_channels
    """,
    "api/v1/test_keyed_calls.py::"
    "test_while_the_store_takes_no_writes_nothing_is_made_and_what_was_made_is_told": """
        keyed_calls: begin_call end_call
    """,
    "engine/actions/test_timing.py::test_what_the_store_does_not_answer_is_asked_again": """
        caps: take_caps
        needs: event deliveries_of wake
        preparation: event
    """,
    "lookups/test_lists_in_force.py::"
    "test_a_store_that_is_down_lets_no_slip_through_and_keeps_the_list_later": """
        kept_lists: kept_list list_piece put_list_piece put_kept_list drop_list_pieces
    """,
    "app/test_former_list_files.py::test_a_start_that_the_store_refuses_is_made_again": """
        kept_lists: forget_lists
    """,
    "engine/actions/test_timing.py::"
    "test_what_may_have_been_done_before_a_crash_is_done_once_where_the_file_says_so": """
        preparation: attempts_of
    """,
    "api/test_access_leaves_entries.py"
    "::test_what_the_store_refused_is_written_by_the_next_round": """
        audit_log: append_audit
    """,
    f"{FAULTS}::test_a_link_is_used_up_only_by_what_it_was_for": """
        links: take_link put_link
        session_table: put_session
    """,
    "console/access/test_portal_links.py::test_a_store_that_does_not_answer_ends_no_link": """
        links: list_links
    """,
    f"{FAULTS}::test_a_session_that_has_ended_does_not_come_back_with_the_next_start": """
        session_table: drop_sessions
    """,
    f"{FAULTS}::test_a_request_of_a_replay_is_refused_whole": """
        requests: first_since listed_events listed_deliveries find
        runs: replay move_replay
    """,
    f"{FAULTS}::test_a_refused_event_is_sent_again_once_whatever_was_refused": """
        readmission: rejection drop_rejection
    """,
    f"{FAULTS}::test_the_upkeep_of_access_outlives_what_the_store_says": """
        upkeep: note_uses drop_expired
    """,
    f"{FAULTS}::test_arrivals_wait_for_the_store_and_are_told_of_once": "inboxes: add_arrivals",
    f"{FAULTS}::test_retention_outlives_what_the_store_says": "retention: retention_state drop",
    f"{FAULTS}::test_pages_that_could_not_be_given_back_are_by_a_later_pass": """
        retention: give_back file_space
    """,
    f"{FAULTS}::test_a_job_ends_as_it_would_have_whatever_was_refused": """
        runs: candidates note_counted tally_replay close_replay unfinished_of
    """,
    f"{FAULTS}::test_jobs_are_taken_up_by_the_start_that_the_store_lets_through": """
        runs: open_replays
    """,
    f"{FAULTS}::test_a_letter_goes_once_whatever_was_refused": """
        emails: emails put_email drop_emails
    """,
    "engine/incidents/test_tracker.py"
    "::test_what_the_store_does_not_answer_or_take_is_for_the_next_review": """
        tracker: put_incidents
        sightings: count_states oldest_due
    """,
    f"{FAULTS}::test_what_lanes_ask_behind_the_calls_is_asked_again": """
        recovery: unfinished
        pages: page
        retry_claims: release
        health_tracker: put_healths
        retirement: retire
    """,
    f"{FAULTS}::test_what_is_parked_is_parked_by_a_later_look": "health_tracker: park_expired",
    f"{FAULTS}::test_an_owner_who_was_told_is_told_again_at_most_by_the_next_start": """
        disabler: drop_disabling
    """,
    "engine/delivery/test_switches_and_the_store.py"
    "::test_a_stop_holds_although_the_store_refuses_and_is_written_when_it_is_asked_again": """
        stops: put_stop drop_stop
    """,
    "engine/shaping/test_cut_sending.py"
    "::test_without_the_accepted_bytes_nothing_leaves_and_it_is_tried_again": """
        attempts: sent_body
    """,
    "engine/shaping/test_reference.py"
    "::test_a_store_that_is_down_is_told_to_all_and_not_remembered": """
        reference: reference
    """,
    STARTS: """
        families: families
        stops: stops
        inboxes: load_inboxes
        channels: load_alert_channels
        sources: load_sources dead_letter_sums load_activity
        engine: recover healths past_attempts
        tracker: incidents open_incidents
        compose: load load_people load_transformations load_types
        directed_store: load
        service: load_types installation
        key_check: kept_keys
    """,
    "app/test_key_check.py::test_a_store_that_is_down_is_asked_again": """
        key_check: key_check audit_heads audit_slice put_key_check
    """,
    "engine/events/test_commit_faults.py"
    "::test_after_a_refusal_the_lanes_look_again_once_and_outcomes_are_written": """
        committer: commit
    """,
    "engine/sources/test_pump.py"
    "::test_a_table_is_taken_over_by_the_operator_alone_and_strangers_are_named": """
        sources: put_table_owner
    """,
    "engine/alerts/test_sender.py::test_what_the_store_could_not_keep_is_kept_by_a_later_round": """
        sender: put_alert_marks drop_alert_marks
    """,
    "engine/alerts/test_sender.py"
    "::test_what_channels_had_heard_is_asked_again_before_anything_is_sent": """
        sender: alert_marks
    """,
    "console/access/test_saved_views.py"
    "::test_a_list_is_shown_without_views_while_the_store_does_not_answer": """
        saved_views: saved_views
    """,
    "console/access/test_saved_views.py"
    "::test_a_view_that_the_store_refuses_is_not_half_saved_and_not_half_deleted": """
        saved_views: put_saved_view drop_saved_view
    """,
    "engine/alerts/test_sender.py"
    "::test_a_change_that_the_store_refuses_leaves_the_channels_as_they_are": """
        channels: put_alert_channel drop_alert_channel
    """,
    "engine/sources/test_lag_watch.py"
    "::test_the_last_hour_outlives_a_restart_and_a_store_that_refuses_it_for_a_while": """
        kept_activity: put_activity
    """,
    f"{AUDIT}::test_an_anchor_that_the_store_refuses_is_made_soon_after": """
        audit_log: put_anchor
    """,
    f"{AUDIT}::test_what_the_store_refuses_to_drop_is_dropped_by_a_later_pass": """
        audit_log: shorten_audit shorten_anchors
        retention: overdue_audit
    """,
    f"{AUDIT}::test_a_restore_is_noted_by_the_start_that_the_store_lets_through": """
        audit_log: note_restore
    """,
    "sources/kafka/test_topic_places.py"
    "::test_a_store_that_refuses_places_holds_the_source_and_nothing_is_passed_over": """
        opening: topic_places
        saved_places: put_topic_places
    """,
    "app/cells/duties/test_owner_duties.py"
    "::test_what_the_store_refuses_for_a_while_is_done_when_it_answers": """
        owner_duties: families number_ranges grant_ranges
        own_openers: load load_people load_inboxes
    """,
    "app/cells/test_moves.py"
    "::test_a_store_that_is_away_for_a_moment_holds_a_move_up_and_loses_nothing": """
        arrivals: begin_range drop_family_rows grant_ranges number_ranges
        arrivals: sum_family_rows write_family_rows
    """,
    "app/cells/duties/test_former_store.py"
    "::test_a_start_whose_store_does_not_answer_asks_it_again": """
        former_store: families load move_family note_epoch number_ranges
    """,
    "app/cells/test_owner_row.py::test_an_epoch_that_the_store_does_not_take_is_noted_later": """
        membership: note_epoch
    """,
    "app/cells/test_orgs_of_files.py"
    "::test_a_start_whose_store_does_not_answer_asks_again_whose_an_org_is": """
        orgs_of_files: families load
    """,
    "app/cells/calls/test_parent_change.py"
    "::test_what_the_store_does_not_answer_is_refused_and_nothing_is_changed": """
        parent_change: family_row
    """,
    "api/v1/test_cells.py::test_a_store_that_does_not_answer_is_refused_and_nothing_is_begun": """
        over_parts: count_family_rows number_ranges
    """,
    "app/cells/calls/test_directed_store.py"
    "::test_what_the_store_has_refused_behind_its_row_can_be_made_again": """
        directed_store: put_org put_credential put_people put_link put_inbox
    """,
    "store/sqlite/test_kill.py::test_a_killed_writer_loses_nothing_acknowledged": """
        service: close
        __init__: close
    """,
}


OF_MAPS = {"host.close", "membership.close"}  # of the map's store: it has a suite of its own


def asked(path: Path) -> set[str]:
    """The operations that a module asks of what it calls its store."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in METHODS
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr)
        in ("store", "_store", "_space")
    }


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((SOURCE / folder).rglob("*.py"))]


def covered() -> set[str]:
    found = set()
    for table in CASES.values():
        for line in filter(None, map(str.strip, table.splitlines())):
            module, methods = line.split(":")
            found |= {f"{module}.{method}" for method in methods.split()}
    return found


def test_each_await_of_the_store_has_its_case() -> None:
    others = {path.name for path in SOURCE.iterdir() if path.is_dir()} - {*FACES, *STORE}
    paths = [*modules(*sorted(others)), *SOURCE.glob("*.py")]
    there = {f"{path.stem}.{name}" for path in paths for name in asked(path)} - OF_MAPS
    assert there - covered() == set(), "name the case that has the store fail it"
    assert covered() - there == set(), "nothing asks for this any more"


def test_faces_ask_the_store_only_to_read() -> None:
    """So a call that the store refuses is half done nowhere but in the engine."""
    reads = answering(RowReader).keys()
    writes = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in modules(*FACES)
        for name in asked(path) - reads
    }
    assert writes == set()


@pytest.mark.parametrize("case", CASES)
def test_each_case_is_there(case: str) -> None:
    path, name = case.split("::")
    assert f"def {name}(" in (ROOT / "tests" / path).read_text()
