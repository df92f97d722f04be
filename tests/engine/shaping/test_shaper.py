"""The shape step: what goes into it, what comes out, and whose fault it is when nothing does."""

import json
from typing import Any

import msgspec
import pytest

from tests.engine.shaping.shaper_parts import BODY, Adding, Kept, Quoting, hook, job
from tidings.core.delivery.job import Job
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.shaping.left_out import LeftOut
from tidings.core.shaping.shape import Fields, shape_of
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.engine.shaping.shaper import Shaper
from tidings.transform.port import RenderLater, RenderRefused


async def shape(webhook: Webhook, **parts: Any) -> bytes:
    return await Shaper(**parts).shape(webhook, job())


async def test_a_plain_webhook_gets_the_accepted_bytes() -> None:
    accepted = job()
    assert await Shaper().shape(hook(plain=True), accepted) is accepted.body


async def test_what_nothing_comes_of_stays_as_it_came_byte_by_byte() -> None:
    assert await shape(hook()) == BODY
    assert await shape(hook(), enricher=Adding(needed=False)) == BODY

    class Same(Adding):
        async def enrich(self, webhook: Webhook, job: Job, event: dict[str, Any]) -> dict[str, Any]:
            return event

    assert await shape(hook(), enricher=Same()) == BODY


async def test_enrichment_then_selection_then_names_then_the_template() -> None:
    webhook = hook(
        shape=shape_of(Fields(keep=("data.tier", "data.n")), {"data.tier": "level"}),
        transformation="crm",
        must_transform=True,
    )
    made = await shape(webhook, enricher=Adding(), templates=Kept(), renderer=Quoting())
    assert made == (
        b'{"template":"T","event":{"eventName":"a","eventId":"e-1","orgId":7,'
        b'"data":{"n":1.10,"level":"gold"}}}'
    )


async def test_a_transformation_alone_gets_the_accepted_bytes() -> None:
    made = await shape(hook(transformation="crm"), templates=Kept(), renderer=Quoting())
    assert made == b'{"template":"T","event":' + BODY + b"}"


@pytest.mark.parametrize("org", [7, 8])
async def test_a_transformation_that_is_not_there_fails_the_delivery(org: int) -> None:
    webhook = msgspec.structs.replace(
        hook(transformation="crm" if org == 8 else "gone", must_transform=True), org=org
    )
    with pytest.raises(ShapeRefused, match="not there any more"):
        await shape(webhook, templates=Kept(), renderer=Quoting())


async def test_a_neo_enrichment_may_name_what_we_do_not_have_and_that_is_noted() -> None:
    for webhook in (hook(transformation="gone", flow='"gone"'), hook(flow='"gone"')):
        shaper = Shaper(templates=Kept(), renderer=Quoting())
        one = job()
        assert await shaper.shape(webhook, one) == BODY
        assert one.left_out == LeftOut((), "", flow='"gone"')


async def test_a_flow_that_is_there_is_not_noted() -> None:
    one = job()
    shaper = Shaper(templates=Kept(), renderer=Quoting())
    made = await shaper.shape(hook(transformation="crm", flow='"crm"'), one)
    assert made != BODY and one.left_out is None


async def test_a_template_that_cannot_be_run_is_refused_and_a_resting_one_waits() -> None:
    webhook = hook(transformation="crm")
    with pytest.raises(ShapeRefused, match="steps"):
        await shape(webhook, templates=Kept(), renderer=Quoting(RenderRefused("Too many steps.")))
    with pytest.raises(ShapeLater) as later:
        await shape(webhook, templates=Kept(), renderer=Quoting(RenderLater("It rests.", 60.0)))
    assert (later.value.reason, later.value.delay_s) == ("It rests.", 60.0)
    with pytest.raises(ShapeLater):
        await shape(webhook, templates=Kept())


async def test_the_enricher_can_put_the_delivery_off() -> None:
    with pytest.raises(ShapeLater, match="does not answer"):
        await shape(hook(), enricher=Adding(error=ShapeLater("It does not answer.", 9.0)))


async def test_a_fault_of_ours_is_never_charged_to_the_delivery() -> None:
    with pytest.raises(ShapeLater, match="Tidings could not build"):
        await shape(hook(), enricher=Adding(error=KeyError("a secret value")))


async def test_a_filter_changes_nothing_of_the_payload() -> None:
    filtered = hook(plain=True, filter=compile_filter({"path": "data.n", "gt": 5}))
    assert json.loads(await shape(filtered))["data"]["n"] == 1.1


async def test_a_template_that_was_changed_while_it_ran_is_run_as_it_is_now() -> None:
    class Changing:
        """Changed once, by an owner, while the first message is made."""

        now = "old"

        def template(self, org: int, name: str) -> str | None:
            return self.now

        async def render(self, template: str, event: bytes, org: int) -> bytes:
            self.now = "new"
            return template.encode()

    changing = Changing()
    made = await shape(
        hook(transformation="crm", must_transform=True), templates=changing, renderer=changing
    )
    assert made == b"new"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b"1" * 5001, "data.deep[1].sum"),
        (b"-" + b"9" * 5000, "data.deep[1].sum"),
        (b"[" * 3000 + b"]" * 3000, "The event"),
    ],
)
async def test_a_value_that_nothing_can_read_is_refused_for_good_by_its_field(
    value: bytes, path: str
) -> None:
    body = b'{"eventId":"e-1","data":{"deep":[1,{"sum":%s}]}}' % value
    shape = shape_of(Fields(keep=("data",)), {})
    with pytest.raises(ShapeRefused) as refused:
        await Shaper().shape(hook(shape=shape), job(body))
    assert refused.value.reason.startswith(f"{path}") and len(refused.value.reason) < 500


async def test_an_unforeseen_error_is_told_to_who_counts_them() -> None:
    told: list[tuple[str, str]] = []

    class Fails:
        def needs(self, webhook: Webhook) -> bool:
            raise KeyError("a secret")

    shaper = Shaper(
        enricher=Fails(),  # type: ignore[arg-type]
        failed=lambda error, kind: told.append((type(error).__name__, kind)),
    )
    with pytest.raises(ShapeLater):
        await shaper.shape(hook(), job())
    assert told == [("KeyError", "HTTP")]
