"""The shape step: from the accepted bytes to those that one webhook gets.

    accepted bytes ─► enrichment ─► cut ─► selection, renaming ─► transformation ─► bytes (─► mail)

The cut takes personal data out where a webhook wants none, before anything else can look at it.
Serialised once. Where nothing is asked for, or nothing comes of it, the accepted bytes go. What is
sent is made once for a delivery: the dispatcher keeps it for the retries.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from tidings.core.delivery.job import Job
from tidings.core.exact_json import read_exactly, unreadable_path, write_exactly
from tidings.core.ids import OrgId
from tidings.core.shaping.left_out import LeftOut
from tidings.core.shaping.personal_cut import PersonalCut
from tidings.core.shaping.shape import Shape
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.shaping.cuts import PersonalCuts
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.engine.shaping.mails import mail_of
from tidings.engine.threads import ThreadOffload
from tidings.transform.port import Renderer, RenderLater, RenderRefused

OUR_FAULT_S = 30.0
_FAILED = (
    "Tidings could not build the payload of this event. See the server log for the cause. Tidings "
    "will retry."
)
_UNREADABLE = (
    "{path} must be a readable value; it has too many digits or levels. Correct the sender."
)
_GONE = (
    "The webhook's transformation {name} is not there any more. Make it again, or choose another "
    "one for the webhook."
)
_NO_ACTIONS = "This service has no file of actions. Ask its operator."
_NOT_RUN = "This service runs no transformations. Ask its operator."


class Shaping(Protocol):
    """Prepares messages for the dispatcher before it sends."""

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        """Make the bytes to send. Raises ShapeRefused and ShapeLater, and nothing else.

        What enrichment had to leave out of them, and that nobody knew the flow that was to shape
        them, is noted in `job.left_out`.
        """


class EventEnricher(Protocol):
    """Adds to an event (engine/shaping/enricher.py)."""

    def needs(self, webhook: Webhook) -> bool:
        """Return whether its events are enriched at all."""

    async def enrich(self, webhook: Webhook, job: Job, event: dict[str, Any]) -> dict[str, Any]:
        """Return the enriched event, or the given one, unchanged. Raises ShapeLater."""


class Templates(Protocol):
    """Finds transformations (engine/shaping/transformations.py)."""

    def template(self, org: OrgId, name: str) -> str | None:
        """Return the template in force."""


class ActionMaker(Protocol):
    """Makes the messages of actions (engine/actions/preparation.py)."""

    async def make(self, webhook: Webhook, job: Job) -> bytes:
        """See `Shaping.shape`."""


class _NoTypes:
    """See `EventTypeSource`: it knows none."""

    def event_type_of(self, org: OrgId, event: dict[str, Any]) -> None:
        """See `EventTypeSource`."""


class Shaper:
    """Shapes for all webhooks. A part that is not given is not asked."""

    def __init__(
        self,
        *,
        enricher: EventEnricher | None = None,
        templates: Templates | None = None,
        renderer: Renderer | None = None,
        actions: ActionMaker | None = None,
        cuts: PersonalCuts | None = None,
        failed: Callable[[Exception, str], None] = lambda error, kind: None,
        offload: ThreadOffload | None = None,
    ) -> None:
        """`failed` hears of each error that nobody has foreseen, and of which kind of webhook."""
        self._failed = failed
        self._actions = actions
        self._enricher = enricher
        self._templates = templates
        self._renderer = renderer
        self._cuts = cuts or PersonalCuts(_NoTypes())
        self._offload = offload or ThreadOffload()

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        """See `Shaping.shape`."""
        if webhook.plain:
            return job.body
        try:
            if webhook.type.acts:
                if self._actions is None:
                    raise ShapeLater(_NO_ACTIONS, OUR_FAULT_S)
                return await self._actions.make(webhook, job)
            body = await self._shape(webhook, job)
            if webhook.email is None:
                return body
            if self._renderer is None:
                raise ShapeLater(_NOT_RUN, OUR_FAULT_S)
            return await mail_of(webhook.email, body, job.org, self._renderer)
        except (ShapeRefused, ShapeLater):
            raise
        except RenderRefused as refused:
            raise ShapeRefused(refused.reason) from None
        except RenderLater as later:
            raise ShapeLater(later.reason, later.delay_s) from None
        except Exception as error:
            if (path := unreadable_path(job.body)) is not None:
                raise ShapeRefused(_UNREADABLE.format(path=path or "The event")) from None
            # A fault of ours must neither end a lane nor fail a delivery for good.
            self._failed(error, webhook.kind)
            raise ShapeLater(_FAILED, OUR_FAULT_S) from error

    async def _shape(self, webhook: Webhook, job: Job) -> bytes:
        body = job.body
        enricher, shape = self._enricher, webhook.shape
        cut = self._cuts.of(job.org, body) if webhook.without_personal_data else None
        if enricher is not None and enricher.needs(webhook):
            record = read_exactly(body)
            event = await enricher.enrich(webhook, job, record)
            if cut is not None or shape is not None:
                work = partial(_shaped, cut, shape, event)
                body = await self._offload.run(job.org, len(body), work)
            elif event is not record:
                body = write_exactly(event)
        elif cut is not None or shape is not None:
            work = partial(_shaped_bytes, cut, shape, body)
            body = await self._offload.run(job.org, len(body), work)
        name, template = webhook.transformation, None
        if name is not None and self._templates is not None:
            template = self._templates.template(webhook.org, name)
        while name is not None and self._templates is not None and template is not None:
            made, by = await self._transform(template, body, webhook.org), template
            if (template := self._templates.template(webhook.org, name)) == by:
                return made  # else it was changed meanwhile
        if webhook.must_transform:
            raise ShapeRefused(_GONE.format(name=name))
        if webhook.flow is not None:  # neoEnrichment may name what only the original has
            job.left_out = LeftOut((), "", flow=webhook.flow).joined(job.left_out)
        return body

    async def _transform(self, template: str, body: bytes, org: OrgId) -> bytes:
        if self._renderer is None:
            raise ShapeLater(_NOT_RUN, OUR_FAULT_S)
        return await self._renderer.render(template, body, org)


def _shaped_bytes(cut: PersonalCut | None, shape: Shape | None, body: bytes) -> bytes:
    return _shaped(cut, shape, read_exactly(body))


def _shaped(cut: PersonalCut | None, shape: Shape | None, event: dict[str, Any]) -> bytes:
    if cut is not None:
        event = cut.apply(event)
    return write_exactly(event if shape is None else shape.apply(event))
