"""`neoEnrichment` of a body."""

from typing import Any

import msgspec
import pytest

from tidings.core.form import Form
from tidings.core.shaping.neo_rules import neo_value, read_neo, unknown_flow
from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook

OLD = msgspec.Raw(b'{"value":"old"}')


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({}, {"value": "old"}),
        ({"neoEnrichment": None}, None),
        ({"neoEnrichment": {}}, None),
        ({"neoEnrichment": {"label": None, "value": None, "possibleValues": []}}, None),
        ({"neoEnrichment": {"label": "L", "value": "v"}}, {"label": "L", "value": "v"}),
        (
            {"neoEnrichment": {"value": "v", "possibleValues": [{"label": "x", "value": "y"}]}},
            {"value": "v"},
        ),
    ],
)
def test_label_and_value_are_kept_and_what_an_answer_adds_is_not(
    body: dict[str, Any], kept: dict[str, Any] | None
) -> None:
    form = Form(body)
    found = read_neo(form, None, OLD)
    assert (None if found is None else msgspec.json.decode(found)) == kept
    assert not form.refusals and not form.warnings


def test_a_misspelt_part_is_warned_of_and_a_wrong_one_refused() -> None:
    form = Form({"neoEnrichment": {"valeu": "x", "value": True, "label": ""}})
    read_neo(form, None, None)
    assert [warning.field for warning in form.warnings] == ["neoEnrichment.valeu"]
    assert {refusal.field for refusal in form.refusals} == {
        "neoEnrichment.value",
        "neoEnrichment.label",
    }


def test_only_text_can_name_a_transformation() -> None:
    assert neo_value(msgspec.Raw(b'{"value":"tier"}')) == "tier"
    assert neo_value(msgspec.Raw(b'{"value":7}')) is None
    assert neo_value(None) is None


class TestAFlowThatNobodyKnows:
    """The whole event would go out, to somebody who may have had it cut."""

    BODY = {
        "name": "crm",
        "eventNames": ["pointsIssued"],
        "webHookUrl": "https://crm.example.com/",
        "maxAllowedConnections": 1,
    }
    CUT = {"label": "Without personal data", "value": "cutAll"}

    @staticmethod
    def read(body: dict[str, Any], old: WebhookSettings | None = None) -> Any:
        known = Known(
            event_types=("pointsIssued",), check_url=lambda _: None, transformations=("tier",)
        )
        return read_webhook(body, known, old)

    def before(self, **more: Any) -> WebhookSettings:
        """As it was stored when nobody asked."""
        reading = self.read(self.BODY | {"neoEnrichment": self.CUT | {"sendWhole": True}} | more)
        assert isinstance(reading, ParsedWebhookBody)
        neo = msgspec.Raw(msgspec.json.encode(self.CUT))
        extra = reading.settings.extra | {"neoEnrichment": neo}
        return msgspec.structs.replace(reading.settings, extra=extra)

    @pytest.mark.parametrize(
        "neo",
        [
            CUT,
            {"value": "Tier"},  # case matters
            {"value": 7},
            {"label": "tier"},
            CUT | {"sendWhole": False},
            CUT | {"sendWhole": None},
        ],
    )
    def test_it_is_refused_with_what_to_do(self, neo: dict[str, Any]) -> None:
        refusals = self.read(self.BODY | {"neoEnrichment": neo})
        assert [(refusal.code, refusal.field) for refusal in refusals] == [
            ("unknown_flow", "neoEnrichment.value")
        ]
        assert "(tier); got" in refusals[0].message and "whole event" in refusals[0].message

    def test_one_that_is_stored_here_is_taken_without_a_word(self) -> None:
        reading = self.read(self.BODY | {"neoEnrichment": {"label": "Tier", "value": "tier"}})
        assert isinstance(reading, ParsedWebhookBody) and reading.warnings == ()

    def test_it_is_taken_where_it_is_asked_for_with_a_warning(self) -> None:
        neo = self.CUT | {"sendWhole": True}
        reading = self.read(self.BODY | {"neoEnrichment": neo})
        assert [warning.code for warning in reading.warnings] == ["flow_unknown"]
        assert msgspec.json.decode(reading.settings.extra["neoEnrichment"]) == neo

    @pytest.mark.parametrize("said", [{}, {"neoEnrichment": CUT}, {"slaInSeconds": 3}])
    def test_one_from_before_stays_with_a_warning(self, said: dict[str, Any]) -> None:
        reading = self.read(said, self.before())
        assert [warning.code for warning in reading.warnings] == ["flow_unknown"]
        other = self.read({"neoEnrichment": {"value": "other"}}, self.before())
        assert [row.code for row in other] == ["unknown_flow"]

    def test_it_is_idle_while_a_transformation_is_named_and_refused_when_that_goes(self) -> None:
        old = self.read(self.BODY | {"transformation": "tier", "neoEnrichment": self.CUT})
        assert isinstance(old, ParsedWebhookBody) and old.warnings == ()
        refusals = self.read({"transformation": None}, old.settings)
        assert [refusal.code for refusal in refusals] == ["unknown_flow"]

    def test_a_webhook_that_makes_no_call_sends_nothing_until_it_does(self) -> None:
        old = self.read(self.BODY | {"webHookType": "QUEUE_INT", "neoEnrichment": self.CUT})
        assert [warning.code for warning in old.warnings] == ["queue_not_served"]
        refusals = self.read({"webHookType": "HTTP"}, old.settings)
        assert [refusal.code for refusal in refusals] == ["unknown_flow"]

    def test_sending_whole_is_true_or_false_and_says_nothing_alone(self) -> None:
        form = Form({"neoEnrichment": self.CUT | {"sendWhole": "yes"}})
        read_neo(form, None, None)
        assert [refusal.field for refusal in form.refusals] == ["neoEnrichment.sendWhole"]
        assert read_neo(Form({"neoEnrichment": {"sendWhole": True}}), None, None) is None

    def test_what_is_asked_for_is_said_in_words(self) -> None:
        assert unknown_flow(None, ()) is None
        assert unknown_flow(msgspec.Raw(b'{"value":"a"}'), ("a",)) is None
        assert unknown_flow(msgspec.Raw(b'{"value":"a"}'), ("b",)) == '"a"'
        assert unknown_flow(msgspec.Raw(b'{"label":"L"}'), ("L",)) == '"L"'
