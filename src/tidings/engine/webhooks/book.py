"""What is known of all webhooks, in memory: the newest version of each, deleted ones too."""

from collections.abc import Collection, Sequence

from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shaping.signatures.schemes import VerificationKey, verification_keys
from tidings.engine.webhooks.faults import UnknownWebhook, WebhookMoved
from tidings.engine.webhooks.records import WebhookState


class WebhookBook:
    """Records by number, by id and by org. `Versions` enters them."""

    def __init__(self) -> None:
        self._records: dict[int, WebhookState] = {}
        self._numbers: dict[WebhookId, int] = {}
        self._of_org: dict[OrgId, set[int]] = {}

    def get(self, org: OrgId, webhook_id: WebhookId) -> WebhookState:
        """Find a webhook of the org, also a deleted one. Raise UnknownWebhook for anything else."""
        number = self._numbers.get(webhook_id)
        if number is None or (record := self._records[number]).org != org:
            raise UnknownWebhook(webhook_id)
        return record

    def number_of(self, org: OrgId, webhook_id: WebhookId) -> int | None:
        """Find the store's number of a webhook of the org, by its id; None where there is none."""
        number = self._numbers.get(webhook_id)
        return number if number is not None and self._records[number].org == org else None

    def number_anywhere(self, webhook_id: WebhookId) -> int | None:
        """Find the store's number of a webhook of any org, by its id; None where there is none."""
        return self._numbers.get(webhook_id)

    def by_consumer_group(self, org: OrgId, consumer_group: str) -> WebhookState | None:
        """Find a webhook of the org by its `consumerGroupId`, also a deleted one; None where there
        is none."""
        for record in self.list(org):
            if record.webhook.consumer_group == consumer_group:
                return record
        return None

    def by_number(self, number: int) -> WebhookState | None:
        """Find a webhook by the store's number, whatever became of it; None where there is none."""
        return self._records.get(number)

    def at(self, number: int) -> WebhookState:
        """Return a webhook that is known to be there, by the store's number."""
        return self._records[number]

    def keys_at(self, org: OrgId, url: str) -> Sequence[VerificationKey]:
        """List the keys that verify what the org's webhooks send to a URL now."""
        return [
            key
            for number in self._of_org.get(org, ())
            if (webhook := self._records[number].webhook).url == url
            for key in verification_keys(webhook.signatures, webhook.secrets, webhook.key_pairs)
        ]

    def headers_at(self, org: OrgId, url: str) -> Collection[str]:
        """Collect the names, in lower case, of the headers that the org's webhooks send to a
        URL."""
        return {
            name.lower()
            for number in self._of_org.get(org, ())
            if (webhook := self._records[number].webhook).url == url
            for name in webhook.header_names
        }

    def everywhere(self) -> Sequence[WebhookState]:
        """List all webhooks of all orgs, deleted ones too."""
        return [*self._records.values()]

    def list(self, org: OrgId) -> list[WebhookState]:
        """List all webhooks of the org, deleted ones too, oldest first."""
        return [self._records[number] for number in sorted(self._of_org.get(org, ()))]

    def named(self, org: OrgId, part: str) -> Sequence[WebhookState]:
        """List the org's webhooks whose name holds a text, deleted ones too, oldest first. Case and
        the spaces around it do not matter."""
        wanted = part.strip().casefold()
        return [record for record in self.list(org) if wanted in record.webhook.name.casefold()]

    def is_taken(self, org: OrgId, name: str) -> bool:
        """Return whether a webhook of the org that was not deleted has this name."""
        return any(
            record.webhook.name == name and record.webhook.status is not WebhookStatus.DELETED
            for record in self.list(org)
        )

    def living(
        self, org: OrgId, webhook_id: WebhookId, expect: Collection[int] | None = None
    ) -> WebhookState:
        """Find a webhook of the org that was not deleted, at one of the versions that are expected.

        Raise UnknownWebhook; WebhookMoved where it is at another version.
        """
        record = self.get(org, webhook_id)
        if record.webhook.status is WebhookStatus.DELETED:
            raise UnknownWebhook(webhook_id)
        if expect is not None and record.webhook.version not in expect:
            raise WebhookMoved(record.webhook.version)
        return record

    def enter(self, record: WebhookState) -> None:
        """Know a webhook, or a newer version of it."""
        webhook = record.webhook
        self._records[webhook.number] = record
        self._numbers[webhook.id] = webhook.number
        self._of_org.setdefault(webhook.org, set()).add(webhook.number)
