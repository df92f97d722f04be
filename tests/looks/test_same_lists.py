"""Lists of the same words that several modules have: a member that one gains, all of them have.

The command line loads no module of the service, words of pages stand by the pages, and a reader of
schemas has a table of its own: each of them names all that the list is of.
"""

from collections.abc import Collection
from typing import get_args, get_type_hints

import pytest

from tidings.api.http import front
from tidings.api.v3 import lifecycle
from tidings.catalogue import explain
from tidings.catalogue.schema import TYPES
from tidings.cli import connections as connection_commands
from tidings.cli import deliveries as delivery_commands
from tidings.cli import doctor, output, reference, replay
from tidings.cli.events import field_rows, send
from tidings.cli.webhooks import health as webhook_words
from tidings.console import schema_tree, words
from tidings.console.pages import audit, connections, inboxes
from tidings.console.pages.access import access
from tidings.console.pages.charts import spans
from tidings.console.pages.events import log_filters
from tidings.console.pages.sources import sources
from tidings.console.pages.webhooks import webhooks
from tidings.core.access.scopes import RESOURCES
from tidings.core.actions.file import credentials
from tidings.core.audit.audit_actions import object_kinds
from tidings.core.connections import same_table
from tidings.core.delivery.receivers.judgement import Condition
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import WaitReason
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events import own_schema, own_validator, schema_cost
from tidings.core.events.call_reader import Validation
from tidings.core.orgs import org_settings
from tidings.core.replay import JobState
from tidings.core.shaping import personal_cut
from tidings.core.shaping.filters import operator_list, operators
from tidings.core.shaping.reference_rules import KINDS as RECORDS
from tidings.core.shaping.signatures.scheme import SignatureVerdict
from tidings.core.webhooks import authentication, masks
from tidings.destinations.http import requests
from tidings.engine.events.intake import Acceptance
from tidings.engine.sources.activity import OUTCOMES
from tidings.engine.webhooks import records
from tidings.reads.delivery.runs import STEPS

STATES = [state.word for state in State]
SAME: dict[str, tuple[Collection[object], Collection[object]]] = {
    "states on a terminal": (output.STATES, STATES),
    "reasons to wait on a terminal": (delivery_commands._REASONS, list(WaitReason)),
    "steps of a run on a terminal": (delivery_commands._STEPS, STEPS),
    "how webhooks do on a terminal": (
        webhook_words._WORDS,
        {*Condition, *WebhookStatus} - {"active"},
    ),
    "ends of a replay on a terminal": (replay.FINAL, [state for state in JobState if state.final]),
    "records on a terminal": (reference.KINDS, RECORDS),
    "types of fields on a terminal": (field_rows.WORDS, TYPES),
    "what becomes of an event on a terminal": (
        send.STATUSES,
        {*get_args(get_type_hints(Acceptance)["status"]), "rejected"},
    ),
    "who may use a connection, on a terminal and in the console": (
        connection_commands._OPEN_TO,
        connections._OPEN_TO,
    ),
    "this machine, of doctor": (doctor.HERE_NAMES, front.LOOPBACK),
    "this machine, of tables": (same_table._HERE, {*front.LOOPBACK, ""}),
    "types of fields in words": (explain._WORDS, TYPES),
    "types of fields in the console": (schema_tree._KINDS, TYPES),
    "types of own schemas": (own_schema.TYPES, TYPES),
    "types of checks": (own_validator._WORDS, TYPES),
    "branches of checks": (own_validator._LISTS, own_schema._LISTS),
    "branches of costs": (schema_cost._IN_PLACE, own_schema._LISTS),
    "branches of personal data": (personal_cut._BRANCHES, own_schema._LISTS),
    "verbs of the API": (lifecycle._VERBS, records._VERBS),
    "verbs of the console": (webhooks.VERBS, records._VERBS),
    "what scopes mean": (access.MEANS, RESOURCES),
    "verdicts in the console": (inboxes.VERDICTS, list(SignatureVerdict)),
    "outcomes in the console": (sources.OUTCOME_WORDS, OUTCOMES),
    "objects of the audit log": (
        {*audit._PAGES, *audit._NO_PAGE},
        set(object_kinds()) - {"payload"},
    ),  # each look is at a thing
    "spans of logs and sums": (log_filters.SPANS, spans.SPANS),
    "operators that compare": (operators._COMPARE, operator_list.COMPARISONS),
    "authentication of files": (credentials._SCHEMES, authentication.SCHEMES),
    "labels of authentication": (authentication.LABELS, authentication.SCHEMES),
    "levels of checks": (org_settings._LEVELS, get_args(Validation)),
    "headers that have a default": (masks._DEFAULTS, requests.OWN),
}


@pytest.mark.parametrize("name", SAME)
def test_lists_of_the_same_have_the_same_members(name: str) -> None:
    one, other = ({str(member) for member in members} for members in SAME[name])
    assert one == other


def test_each_state_has_its_glyph_in_the_console() -> None:
    assert {*STATES, *Condition} <= words.GLYPHS.keys()
