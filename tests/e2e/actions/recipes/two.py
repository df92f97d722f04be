"""Two Tidings: a platform's, which sends its events to the brand's, which does the actions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.actions.recipes.mail_server import PASSWORD, MailServer
from tests.e2e.actions.recipes.recipe import ORG, Recipe
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ORG as PLATFORM_ORG
from tests.e2e.harness.service import ServiceProcess, free_port
from tests.e2e.harness.until import until
from tidings.catalogue import load

KINDS = {kind.name: kind for kind in reversed(load().kinds())}
TYPES = (
    "customerAdded", "transactionAdded", "pointsIssued", "pointsRedeemed",
    "pointsTransferredInitiated", "pointsTransferredReceived", "pointsExpiryReminder",
    "tierUpgraded", "tierDowngraded", "CouponIssue",
)  # fmt: skip


def example(name: str, customer: int, *, personal: bool = False, **data: Any) -> dict[str, Any]:
    """An event of the catalogue, about a customer; without personal data unless it is wanted."""
    made: dict[str, Any] = json.loads(json.dumps(KINDS[name].example)) | {"eventId": new_id()}
    made["data"] |= data
    who = made["data"]["coupons"][0] if name == "CouponIssue" else made["data"]
    who["customerIdentifiers"]["customerId"] = customer
    if not personal:
        for path in KINDS[name].pii_paths:
            _marked(made, path.split("."), taken=True)
    return made


def personal_values(event: dict[str, Any]) -> set[str]:
    """Every value of an event that its type marks as personal data, as text."""
    name = event["eventName"]
    found: set[str] = set()
    for path in KINDS[name].pii_paths:
        for value in _marked(event, path.split("."), taken=False):
            found |= set(_texts(value))
    return found


def _marked(value: Any, names: list[str], *, taken: bool) -> list[Any]:
    """What stands at a path as the catalogue writes it, `coupons[].code`; taken away, if asked."""
    if not names or not isinstance(value, dict):
        return []
    name, each = names[0].removesuffix("[]"), names[0].endswith("[]")
    if name not in value:
        return []
    if len(names) == 1:
        return [value.pop(name) if taken else value[name]]
    inner = value[name] if each else [value[name]]
    return [below for row in inner for below in _marked(row, names[1:], taken=taken)]


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in a value, but for the empty ones."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value not in (None, "") and not isinstance(value, bool):
        yield str(value)


class Two:
    """Both, and the webhook between them."""

    def __init__(
        self,
        own_service: NewService,
        recipe: Recipe,
        monkeypatch: pytest.MonkeyPatch,
        mail: MailServer | None = None,
        types: tuple[str, ...] = TYPES,
        **webhook: Any,
    ) -> None:
        """`mail`: the brand's mail server. Further fields are the webhook's."""
        self.recipe = recipe
        self.platform: ServiceProcess = own_service().start()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/in/{ORG}/platform"
        with self.platform.api(PLATFORM_ORG) as api:
            self.webhook = api.webhook(self.url, "brand", eventNames=list(types), **webhook)
        monkeypatch.setenv("PLATFORM_SECRET", self.webhook["signingSecret"])
        settings: dict[str, Any] = {}
        if mail is not None:
            monkeypatch.setenv("SMTP_HOST", "localhost")
            monkeypatch.setenv("SMTP_PORT", str(mail.port))
            monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)
            monkeypatch.setenv("SSL_CERT_FILE", str(mail.authority))
        self.brand: ServiceProcess = own_service(port=port, actions=recipe.path, **settings).start()

    def tell(self, *events: dict[str, Any]) -> None:
        """Events happen at the platform."""
        with self.platform.api(PLATFORM_ORG) as api:
            for event in events:
                api.accept(json.dumps(event | {"orgId": PLATFORM_ORG}).encode())

    def at_brand(self) -> Api:
        """Calls to the brand's."""
        return self.brand.api(ORG)

    def at_platform(self) -> Api:
        """Calls to the platform's."""
        return self.platform.api(PLATFORM_ORG)

    def arrived(self, count: int) -> None:
        """Until the brand's has taken so many events; what waits to be tried again is tried now."""

        def all_there() -> bool:
            with self.at_platform() as api:
                for row in api.get("/v1/deliveries?limit=100&status=retrying").json["deliveries"]:
                    api.call("POST", f"/v1/deliveries/{row['id']}/retry")
            with self.platform.api() as api:
                return api.counts()["delivered"] >= count

        until(all_there, f"{count} events at the brand's")
