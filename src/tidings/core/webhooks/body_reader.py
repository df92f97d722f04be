"""The body of a webhook while it is read: what it is read against, and the fields whose rules are a
webhook's own. A message says what must be, what came, what to do, and where.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.form import Form, number_of, visible, whole_of
from tidings.core.ids import OrgId
from tidings.core.shaping.shape_rules import read_transformation
from tidings.core.shaping.signatures.secrets import read_secret
from tidings.core.webhooks import authentication_body
from tidings.core.webhooks.authentication import Authentication
from tidings.core.webhooks.event_name_rules import read_event_names
from tidings.core.webhooks.headers import Headers, read_headers, refuse_elsewhere, without_elsewhere
from tidings.core.webhooks.webhook import QUEUE_WARNING
from tidings.core.webhooks.webhook_types import KINDS, OFFERED, QUEUE
from tidings.values import describe_value

NAME_MAX = 255
CONNECTIONS_MAX = 1000
URL_MAX = 2048

QUEUE_NOT_SERVED = "queue_not_served"
CONNECTIONS_TOO_FEW, CONNECTIONS_MISSING = 51007, 300004

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Versions = tuple[tuple[str, int], ...]
UrlCheck = Callable[[str], str | None]  # the reason why a webhook may not have this URL


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that a body is read against."""

    event_types: Collection[str]
    """Those that are known; a mapping where they have versions, to the newest."""
    check_url: UrlCheck
    org: OrgId = OrgId(0)
    """Whose webhook it is: by its number it may name places over connections."""
    is_read_back: Callable[[Connection, str, OrgId], bool] = lambda connection, table, org: False
    """Whether a source reads a table, so that its rows come back."""
    own_path: UrlCheck = lambda url: None
    """The reason why messages may not go there, as it is the service itself."""
    transformations: Collection[str] = ()
    """Names of those that are stored."""
    aliases: Mapping[str, str] = {}
    """Other names that event types may be asked for by."""
    admits_unknown: bool = False
    """Whether the org takes events of other types too."""
    connections: Mapping[str, Connection] = {}
    """The connections that the webhook may name."""
    queue: bool = False
    """Whether the operator has a connection for webhooks that name none."""


class Stored(msgspec.Struct, frozen=True):
    """Of the webhook that is changed or copied, what masked values stand for."""

    headers: Headers
    url: str
    authentication: Authentication | None = None


class WebhookForm(Form):
    """One body. `stored` as above; `copies`: the webhook is a new one, made from that; `tried`: it
    is for a test message, which goes without the stored values where it must."""

    def __init__(
        self,
        body: dict[str, Any],
        known: Known,
        stored: Stored | None = None,
        *,
        copies: bool = False,
        tried: bool = False,
        strict: bool = False,
    ) -> None:
        super().__init__(body, strict=strict)
        self.known = known
        self._stored = stored
        self._copies = copies
        self._tried = tried

    def name(self, _: object, previous: Any) -> str:
        """Read the name, which stays for good: a change of it is warned of, and not made."""
        value = self.body.get("name")
        if not self.new:
            if value is not None and value != previous:
                self.warn(
                    "name_kept",
                    "name",
                    f"name must stay {describe_value(previous)}; got {describe_value(value)}. The "
                    "old name was "
                    "kept; create another webhook for another name.",
                )
            return str(previous)
        if isinstance(value, str) and len(value) <= NAME_MAX and (name := value.strip()):
            if not _CONTROL.search(value):
                return name
        self.refuse(
            "bad_name",
            "name",
            f"name must be text of 1 to {NAME_MAX} characters on one line; got "
            f"{describe_value(value)}. Choose one that says who receives.",
        )
        return ""

    def event_names(self, _: object, previous: Any) -> tuple[str, ...]:
        """Read the event types that the webhook asks for."""
        known = self.known
        return read_event_names(
            self,
            None if self.new else previous,
            known.event_types,
            aliases=known.aliases,
            admits_unknown=known.admits_unknown,
        )

    def kind(self, _: object, previous: str) -> str:
        """Read the type; warn of a queue."""
        value = self.body.get("webHookType")
        if isinstance(value, str) and value.lower() == "queue":  # the older pages' word
            kind = QUEUE
        else:
            kind = self.choice("webHookType", OFFERED, previous, "bad_webhook_type")
        if kind == QUEUE and not self.known.queue and (self.new or kind != previous):
            self.warn(
                QUEUE_NOT_SERVED,
                "webHookType",
                f"webHookType should be HTTP; got {QUEUE}. {QUEUE_WARNING}",
            )
        return kind

    def url(self, _: object, previous: str) -> str:
        """Read the URL of messages."""
        field = "webHookUrl"
        value = self.body.get(field)
        if value is None and not self.new:
            value = previous
        kind = self.values["kind"]
        if kind == QUEUE:
            return self._undialled(value)
        if not KINDS[kind].has_url:
            if self.body.get(field):
                self.refuse(
                    "field_of_other_type",
                    field,
                    f"webHookUrl must be left out of a webhook of type {kind}; got "
                    f"{describe_value(value)}. No URL is called: leave it out.",
                )
            return ""
        if not isinstance(value, str) or not value.strip():
            self.refuse(
                "url_missing",
                field,
                f"webHookUrl must be the receiver's URL; got {describe_value(value)}. Write it in "
                "full, as "
                "https://example.com/hook.",
            )
            return ""
        url = value.strip(" ")
        if (reason := self.known.check_url(url) or self.known.own_path(url)) is not None:
            self.refuse("url_refused", field, reason)
        return url

    def _undialled(self, value: object) -> str:
        """Read the URL of a webhook that makes no call: it is kept as it came, blank or absent
        too."""
        if value is None or (isinstance(value, str) and len(value) <= URL_MAX and visible(value)):
            return value or ""
        got = f"{len(value)} characters" if isinstance(value, str) else describe_value(value)
        self.refuse(
            "bad_url",
            "webHookUrl",
            f"webHookUrl of the type QUEUE_INT must be text of at most {URL_MAX} characters, "
            f"without control characters; got {got}. Leave it out: nothing is sent there.",
        )
        return ""

    def headers(self, _: object, previous: Headers) -> Headers:
        """Read the headers of each message, values that are shown masked being the stored ones."""
        stored, url = self._stored, self.values["url"]
        if stored is None:
            return read_headers(self, ())[0]
        if self._copies and "webHookHeaders" not in self.body:
            return ()  # a copy takes along what its maker sees
        headers, stays = read_headers(self, stored.headers)
        if self._tried:
            return without_elsewhere(self, headers, stays, stored.url, url)
        refuse_elsewhere(self, stays, stored.url, url)
        return headers

    def authentication(self, _: object, previous: Authentication | None) -> Authentication | None:
        """Read who we are to the receiver; a secret that is shown masked is the stored one."""
        stored, url = self._stored, self.values["url"]
        kept = None if stored is None else stored.authentication
        if authentication_body.FIELD in self.body:
            found, stays = authentication_body.VARIANTS.read(self, kept, self.known.check_url)
        else:
            found = None if self.new else previous
            stays = found is not None
        if found is None:
            return None
        if stays and stored is not None:
            old, new = (kept, stored.url), (found, url)
            if authentication_body.is_elsewhere(old, new, tried=self._tried):
                if self._tried:
                    authentication_body.warn_left_out(self)
                    return None
                authentication_body.refuse_elsewhere(self)
        authentication_body.refuse_twice(self, found, self.values["headers"])
        return found

    def connections(self, _: object, previous: Any) -> int:
        """Read how many calls may be under way at once."""
        field = "maxAllowedConnections"
        if not self.new and field not in self.body:
            return int(previous)
        value = self.body.get(field)
        must = "maxAllowedConnections must be 1 or more"
        if value is None:
            self.refuse(CONNECTIONS_MISSING, field, f"{must}; got nothing. Start with 10.")
            return 0
        if (number := number_of(value)) is None:
            self.refuse("bad_type", field, f"{must}; got {describe_value(value)}. Start with 10.")
            return 0
        if number < 1:
            self.refuse(
                CONNECTIONS_TOO_FEW, field, f"{must}; got {describe_value(value)}. Start with 10."
            )
        elif number >= CONNECTIONS_MAX + 1:
            self.refuse(
                "out_of_range",
                field,
                f"maxAllowedConnections must be at most {CONNECTIONS_MAX}; got "
                f"{describe_value(value)}. "
                "Start with 10.",
            )
        return int(number)

    def event_versions(self, _: object, previous: Versions) -> Versions:
        """Read which versions of event types are wanted; those of names that are not are
        forgotten."""
        field, names, known = "eventVersions", self.values["event_names"], self.known.event_types
        value = self.body.get(field)
        if field not in self.body or value is None:
            old = () if field in self.body else previous
            return tuple(pair for pair in old if pair[0] in names)
        newest = known if isinstance(known, Mapping) else dict.fromkeys(known, 1)
        if not isinstance(value, dict):
            self.refuse(
                "bad_type",
                field,
                f"eventVersions must name event types with a version; got {describe_value(value)}. "
                "Write "
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
                "eventVersions must contain names from eventNames, each with a version from 1 to "
                f"its newest; got {describe_value(name)}: {describe_value(at)}. GET /v1/eventTypes "
                "lists them.",
            )
        return (
            () if wrong else tuple(sorted((name, int(at)) for name, at in value.items() if at > 1))
        )

    def transformation(self, _: object, previous: str | None) -> str | None:
        """Read the name of the stored transformation that makes the payload."""
        return read_transformation(self, previous, self.known.transformations)

    def secret(self, _: object, previous: bytes | None) -> bytes | None:
        """Read the signing secret that the caller brings; None if there is none, or none that fits,
        which is refused."""
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
