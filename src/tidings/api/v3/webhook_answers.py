"""What the calls on one webhook have in common: who changes it, on which version, and how refusals
of a change are answered."""

import re
from collections.abc import Awaitable, Collection, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tidings.api.answers import answer, envelope, refused
from tidings.api.context import Services
from tidings.api.v3.webhook_view import show_webhook, with_choices
from tidings.core.ids import WebhookId
from tidings.engine.webhooks.records import WebhookState
from tidings.engine.webhooks.webhooks import WebhookMoved
from tidings.errors import FieldRefusal
from tidings.reads.webhooks import changes
from tidings.reads.webhooks.health import show_judgement
from tidings.reads.webhooks.incidents import show_open
from tidings.values import describe_value

Result = TypeVar("Result")

_TAGS = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)|,)')
_VERSION = re.compile(r"[1-9][0-9]{0,15}")


class WebhookAnswers:
    """Shows webhooks in the zone of their org."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def shown(self, record: WebhookState) -> dict[str, Any]:
        """Show a webhook as the answers of changes do."""
        flows = self._services.shaping.transformations.names(record.org)
        unheard = self._services.webhooks.unheard_names(record)
        unconfirmed = self._services.notices.consents.unconfirmed(record.webhook)
        zone = self._services.zone(record.org)
        own_path = self._services.webhooks.own_path
        return show_webhook(record, zone, flows, unheard, unconfirmed, own_path)

    def to_get(self, record: WebhookState) -> dict[str, Any]:
        """Show a webhook as GET does: with what `neoEnrichment` might name."""
        shown = with_choices(self.shown(record), self._services.neo_choices(record.org))
        judged = self._services.delivery.judgements.of(record.webhook)
        incidents = self._services.delivery.incidents.of(record.webhook.number)
        return shown | show_judgement(judged) | {"incident": show_open(incidents)}

    def one(
        self,
        record: WebhookState,
        warnings: Sequence[FieldRefusal] = (),
        *,
        dry_run: bool = False,
        **more: Any,
    ) -> Response:
        """Build the answer of a change; that of a dry run has no ETag, for there is no such
        version."""
        if dry_run:
            return answer(envelope(self.shown(record), warnings=warnings))
        return tagged(record, self.shown(record) | more, warnings)


def tagged(
    record: WebhookState, data: dict[str, Any], warnings: Sequence[FieldRefusal] = ()
) -> Response:
    """Build an answer about one webhook, with its ETag."""
    headers = {"etag": etag(record.webhook.version)}
    return answer(envelope(data, warnings=warnings), headers=headers)


def etag(version: int) -> str:
    """Return the entity tag of a webhook's version."""
    return f'"{version}"'


def expect(request: Request) -> Collection[int] | None:
    """Return the versions that a call may change, by `If-Match`; None for any (no header, or `*`).

    A caller who sends back the tag that it was given changes nothing that somebody else has changed
    in the meantime (RFC 9110, section 13.1.1). A weak tag, and one that is not ours, match nothing;
    a header that is no list of tags neither.
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    versions = set()
    at = 0
    while at < len(header):
        found = _TAGS.match(header, at)
        if found is None:
            return frozenset()
        at = found.end()
        if found[2] is not None and found[1] is None and _VERSION.fullmatch(found[2]):
            versions.add(int(found[2]))
    return frozenset(versions)


def is_dry_run(request: Request) -> bool:
    """Return whether a call is only to be checked. Refused where that cannot be told: a word that
    is passed over would write what was only to be tried."""
    return _flag(request, "dryRun", "Write dryRun=true to change nothing.")


def is_if_changed(request: Request) -> bool:
    """Return whether a call that changes nothing is to make no version."""
    return _flag(request, "ifChanged", "Leave it out to make a version in any case.")


def _flag(request: Request, name: str, advice: str) -> bool:
    value = request.query_params.get(name, "")
    if value in ("", "false", "true"):
        return value == "true"
    raise refused(
        400,
        "bad_parameter",
        f"{name} must be true or false; got {describe_value(value)}. {advice}",
        field=name,
    )


async def changed(webhook_id: WebhookId, change: Awaitable[Result]) -> Result:
    """Await a change that may be for certain versions alone; what speaks against it is refused."""
    try:
        return await changes.changed(webhook_id, change)
    except WebhookMoved as moved:
        raise refused(
            412,
            "version_moved",
            f"If-Match must be the webhook's ETag, {etag(moved.version)}; got another. Get the "
            "webhook again and repeat the change on the current version.",
            header="If-Match",
            etag=etag(moved.version),
        ) from None
