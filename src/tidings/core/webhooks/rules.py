"""What a webhook may be: from the body of a call to settings, or to reasons why not.

Pure. The fields and the numeric codes are the original's (docs/contract, "Webhook management API");
faults that it has no number for carry a word that never changes. It is stricter than the original
only where laxness harms: URLs, event names, headers. Numbers are read as laxly as it reads them
(10.99 is 10). A message says what must be, what came, what to do, and where.

A replacing body may leave fields out: they stay as they were, so that a caller who knows only the
original's fields takes nothing of ours away.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from tidings.core.delivery.outcome import DEFAULT_POLICY, RetryPolicy
from tidings.core.form import Form, came, number_of, visible, whole_of
from tidings.core.shaping.enrichment import THIN, WAIT, WHEN_DOWN, idle_wishes
from tidings.core.shaping.neo_rules import NEO, judge_neo, read_neo
from tidings.core.shaping.shape import Fields
from tidings.core.shaping.shape_rules import (
    SHAPE_FIELDS,
    read_fields,
    read_filter,
    read_rename,
    read_transformation,
)
from tidings.core.shaping.sign import read_secret
from tidings.core.webhooks.event_name_rules import read_event_names
from tidings.core.webhooks.headers import Headers, read_headers, refuse_elsewhere, without_elsewhere
from tidings.core.webhooks.retry_policy_body import read_retry
from tidings.core.webhooks.webhook import HTTP, QUEUE, QUEUE_SAID, Ordering
from tidings.errors import Refusal

NAME_MAX = 255
CONNECTIONS_MAX = 1000
SLA_MAX_S = 30 * 86_400
RATE_MAX_PER_S = 100_000
DEADLINE_MIN_S, DEADLINE_MAX_S = 1, 30
EXTRA_BYTES_MAX = 8192
URL_MAX = 2048
KINDS = (HTTP, QUEUE)
METHODS = ("POST", "PUT", "GET", "DELETE")

QUEUE_NOT_SERVED = "queue_not_served"
CONNECTIONS_TOO_FEW, CONNECTIONS_MISSING = 51007, 300004

# Enrichment is asked for by these; they are kept as they came.
FLAGS = (
    "tillDetailsEnrichmentEnabled",
    "storeDetailsEnrichmentEnabled",
    "awardedReferenceEnrichmentEnabled",
    "availablePointsBalanceEnrichmentEnabled",
    "cardNumberEnrichmentEnabled",
)
IDENTIFIERS = "customerIdentifiersToBeEnriched"

# All fields: those that a body may set, and those that only answers hold, since a caller may send
# back what it was given.
_FIELDS = frozenset(
    "name active eventNames webHookType webHookUrl methodType webHookHeaders maxAllowedConnections "
    "slaInSeconds listenToChildEvents signingSecret retryPolicy ordering holdOnFailure rateLimit "
    "deadlineInSeconds keepResponses eventVersions webHookId consumerGroupId orgId attribution "
    "noOfRetryAttempts standing disabledReason version signingSecretHint "
    "signingSecretOverlapEnds warning health replay".split()
) | {*FLAGS, IDENTIFIERS, WHEN_DOWN, NEO, *SHAPE_FIELDS}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_NO_ALIASES: Mapping[str, str] = {}

UrlCheck = Callable[[str], str | None]  # the reason why a webhook may not have this URL


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that the owner of a webhook decides, but for its secrets and whether it is active."""

    name: str
    event_names: tuple[str, ...]
    kind: str
    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    connections_max: int
    sla_s: int | None = None
    retry: RetryPolicy = DEFAULT_POLICY
    ordering: Ordering = Ordering.NONE
    hold_on_failure: bool = False  # what is behind a refused delivery in its order waits for it
    rate_per_s: float | None = None
    deadline_s: float = float(DEADLINE_MAX_S)
    keep_answers: bool = False
    listen_to_children: bool = False
    event_versions: tuple[tuple[str, int], ...] = ()
    filter: dict[str, Any] | None = None
    fields: Fields | None = None
    rename: dict[str, str] = {}
    transformation: str | None = None
    extra: dict[str, msgspec.Raw] = {}

    def __repr__(self) -> str:
        """Without headers: they hold credentials."""
        return f"Settings(name={self.name!r}, kind={self.kind!r})"


class Reading(msgspec.Struct, frozen=True):
    """A body that passed."""

    settings: Settings
    active: bool | None  # None where the body does not say
    secret: bytes | None  # a signing secret that the caller brought
    warnings: tuple[Refusal, ...]

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Reading({self.settings!r})"


def read_webhook(
    body: dict[str, Any],
    event_types: Collection[str],
    check_url: UrlCheck,
    old: Settings | None = None,
    transformations: Collection[str] = (),
    *,
    aliases: Mapping[str, str] = _NO_ALIASES,
    source: Settings | None = None,
    tried: bool = False,
    admits_unknown: bool = False,
) -> Reading | list[Refusal]:
    """Read a body that creates a webhook or, with `old`, replaces one. Never raises.

    `event_types` are those that are known, `aliases` other names that they may be asked for by;
    `admits_unknown`: its org takes events of others too.

    `source` is the webhook that a new one is copied from: masked values are its stored ones.
    `tried`: it is for a test message, which goes without the stored values where it must.
    """
    form = _WebhookForm(body, old)
    settings = Settings(
        name=form.name(),
        event_names=(
            names := read_event_names(
                form,
                None if old is None else old.event_names,
                event_types,
                aliases=aliases,
                admits_unknown=admits_unknown,
            )
        ),
        kind=(kind := form.kind()),
        url=(url := form.url(kind, check_url)),
        method=form.method(),
        headers=form.headers(source or old, url, tried),
        connections_max=form.connections(),
        sla_s=form.sla(),
        retry=read_retry(form, DEFAULT_POLICY if old is None else old.retry),
        ordering=form.ordering(),
        hold_on_failure=form.flag("holdOnFailure", old is not None and old.hold_on_failure),
        rate_per_s=form.rate(),
        deadline_s=form.deadline(),
        keep_answers=form.flag("keepResponses", old is not None and old.keep_answers),
        listen_to_children=form.flag(
            "listenToChildEvents", old is not None and old.listen_to_children
        ),
        event_versions=form.event_versions(names, event_types),
        filter=read_filter(form, None if old is None else old.filter),
        fields=read_fields(form, None if old is None else old.fields),
        rename=read_rename(form, {} if old is None else old.rename),
        transformation=(
            made := read_transformation(
                form, None if old is None else old.transformation, transformations
            )
        ),
        extra=form.extra(transformations, takes_flow=made is None and kind == HTTP),
    )
    active = form.flag("active", True) if body.get("active") is not None else None
    secret = form.secret()
    form.warn_of_unknown(body, _FIELDS)
    if form.refusals:
        return form.refusals
    return Reading(settings, active, secret, tuple(form.warnings))


class _WebhookForm(Form):
    """The fields of a webhook. `old` is the webhook that is replaced."""

    def __init__(self, body: dict[str, Any], old: Settings | None) -> None:
        super().__init__(body)
        self._old = old

    def name(self) -> str:
        value = self.body.get("name")
        if self._old is not None:
            if value is not None and value != self._old.name:
                self.warn(
                    "name_kept",
                    "name",
                    f"name must stay {came(self._old.name)}; got {came(value)}. The old name was "
                    "kept; create another webhook for another name.",
                )
            return self._old.name
        if isinstance(value, str) and len(value) <= NAME_MAX and (name := value.strip()):
            if not _CONTROL.search(value):
                return name
        self.refuse(
            "bad_name",
            "name",
            f"name must be text of 1 to {NAME_MAX} characters on one line; got {came(value)}. Take "
            "one that says who receives.",
        )
        return ""

    def event_versions(
        self, names: tuple[str, ...], known: Collection[str]
    ) -> tuple[tuple[str, int], ...]:
        """What versions of event types are wanted; those of names that are not are forgotten."""
        field = "eventVersions"
        value = self.body.get(field)
        if field not in self.body or value is None:
            old = () if self._old is None or field in self.body else self._old.event_versions
            return tuple(pair for pair in old if pair[0] in names)
        newest = known if isinstance(known, Mapping) else dict.fromkeys(known, 1)
        if not isinstance(value, dict):
            self.refuse(
                "bad_type",
                field,
                f"eventVersions must name event types with a version; got {came(value)}. Write "
                '{"orderPacked": 2}.',
            )
            return ()
        wrong = [
            (name, at)
            for name, at in value.items()
            if name not in names or not 1 <= (whole_of(at) or 0) <= newest.get(name, 1)
        ]
        for name, at in wrong[:10]:
            self.refuse(
                "unknown_event_version",
                field,
                "eventVersions must hold names of eventNames, each with a version from 1 to its "
                f"newest; got {came(name)}: {came(at)}. GET /v1/eventTypes lists them.",
            )
        return (
            () if wrong else tuple(sorted((name, int(at)) for name, at in value.items() if at > 1))
        )

    def kind(self) -> str:
        old = HTTP if self._old is None else self._old.kind
        said = self.body.get("webHookType")
        if isinstance(said, str) and said.lower() == "queue":  # the older pages' word
            kind = QUEUE
        else:
            kind = self.choice("webHookType", KINDS, old, "bad_webhook_type")
        if kind == QUEUE and (self._old is None or kind != old):
            self.warn(
                QUEUE_NOT_SERVED,
                "webHookType",
                f"webHookType should be HTTP; got {QUEUE}. {QUEUE_SAID}",
            )
        return kind

    def method(self) -> str:
        old = "POST" if self._old is None else self._old.method
        return self.choice("methodType", METHODS, old, "bad_method")

    def ordering(self) -> Ordering:
        old = Ordering.NONE if self._old is None else self._old.ordering
        choices = tuple(ordering.value for ordering in Ordering)
        return Ordering(self.choice("ordering", choices, old.value, "bad_ordering"))

    def url(self, kind: str, check: UrlCheck) -> str:
        field = "webHookUrl"
        value = self.body.get(field)
        if value is None and self._old is not None:
            value = self._old.url
        if kind == QUEUE:
            return self._undialled(value)
        if not isinstance(value, str) or not value.strip():
            self.refuse(
                "url_missing",
                field,
                f"webHookUrl must be the receiver's URL; got {came(value)}. Write it in full, as "
                "https://example.com/hook.",
            )
            return ""
        url = value.strip(" ")
        if (reason := check(url)) is not None:
            self.refuse("url_refused", field, reason)
        return url

    def _undialled(self, value: object) -> str:
        """The URL of a webhook that makes no call: kept as it came, blank or absent too."""
        if value is None or (isinstance(value, str) and len(value) <= URL_MAX and visible(value)):
            return value or ""
        got = f"{len(value)} characters" if isinstance(value, str) else came(value)
        self.refuse(
            "bad_url",
            "webHookUrl",
            f"webHookUrl of the type QUEUE_INT must be text of at most {URL_MAX} characters, "
            f"without control characters; got {got}. Leave it out: nothing is sent there.",
        )
        return ""

    def headers(self, stored: Settings | None, url: str, tried: bool) -> Headers:
        if stored is None:
            return read_headers(self, ())[0]
        if self._old is None and "webHookHeaders" not in self.body:
            return ()  # a copy takes along what its maker sees
        headers, stays = read_headers(self, stored.headers)
        if tried:
            return without_elsewhere(self, headers, stays, stored.url, url)
        refuse_elsewhere(self, stays, stored.url, url)
        return headers

    def connections(self) -> int:
        field = "maxAllowedConnections"
        if self._old is not None and field not in self.body:
            return self._old.connections_max
        value = self.body.get(field)
        must = "maxAllowedConnections must be 1 or more"
        if value is None:
            self.refuse(CONNECTIONS_MISSING, field, f"{must}; got nothing. Start with 10.")
            return 0
        if (number := number_of(value)) is None:
            self.refuse("bad_type", field, f"{must}; got {came(value)}. Start with 10.")
            return 0
        if number < 1:
            self.refuse(CONNECTIONS_TOO_FEW, field, f"{must}; got {came(value)}. Start with 10.")
        elif number >= CONNECTIONS_MAX + 1:
            self.refuse(
                "out_of_range",
                field,
                f"maxAllowedConnections must be at most {CONNECTIONS_MAX}; got {came(value)}. "
                "Start with 10.",
            )
        return int(number)

    def sla(self) -> int | None:
        old = None if self._old is None else self._old.sla_s
        advice = "Leave it out for no limit."
        value = self.bounded("slaInSeconds", 0, SLA_MAX_S, old, advice, text=True)
        return None if value is None else int(value)

    def rate(self) -> float | None:
        old = None if self._old is None else self._old.rate_per_s
        advice = "Leave it out for no limit."
        return self.bounded("rateLimit", 0.01, RATE_MAX_PER_S, old, advice)

    def deadline(self) -> float:
        field, default = "deadlineInSeconds", float(DEADLINE_MAX_S)
        if field in self.body and self.body[field] is None:
            return default
        old = default if self._old is None else self._old.deadline_s
        advice = f"Leave it out for {DEADLINE_MAX_S}."
        found = self.bounded(field, DEADLINE_MIN_S, DEADLINE_MAX_S, old, advice)
        return default if found is None else found

    def secret(self) -> bytes | None:
        value = self.body.get("signingSecret")
        if value is None:
            return None
        try:
            return read_secret(value if isinstance(value, str) else "")
        except ValueError:
            self.refuse(
                "bad_signing_secret",
                "signingSecret",
                "signingSecret must be whsec_ and 24 to 64 bytes in base64; got something else. "
                "Leave it out and Tidings makes one.",
            )
            return None

    def extra(self, known: Collection[str], *, takes_flow: bool) -> dict[str, msgspec.Raw]:
        """`takes_flow`: whether it is `neoEnrichment` that shapes what goes out."""
        kept = {} if self._old is None else dict(self._old.extra)
        for field in (*FLAGS, IDENTIFIERS, WHEN_DOWN):
            if field not in self.body:
                continue
            value = self.body[field]
            if value is None:
                kept.pop(field, None)
            elif self._fits_extra(field, value):
                kept[field] = msgspec.Raw(msgspec.json.encode(value))
        stood = kept.pop(NEO, None)
        if (neo := read_neo(self, stood)) is not None:
            kept[NEO] = neo
        if takes_flow and not any(one.field.startswith(NEO) for one in self.refusals):
            old = self._old
            took = old is not None and old.transformation is None and old.kind == HTTP
            judge_neo(self, neo, known, stood=stood if took else None)
        for code, field, sentence in idle_wishes(kept):
            self.warn(code, field, sentence)
        return kept

    def _fits_extra(self, field: str, value: object) -> bool:
        if field in FLAGS:
            fits, must = isinstance(value, bool), "true or false"
        elif field == IDENTIFIERS:
            fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
            must = "a list of sources, such as WeChat, WebEngage or Instore"
        else:
            fits, must = value in (THIN, WAIT), f"{THIN} or {WAIT}"
        if fits and len(msgspec.json.encode(value)) <= EXTRA_BYTES_MAX:
            return True
        got = f"more than {EXTRA_BYTES_MAX} bytes" if fits else came(value)
        self.refuse(
            "bad_type", field, f"{field} must be {must}; got {got}. Leave it out if in doubt."
        )
        return False
