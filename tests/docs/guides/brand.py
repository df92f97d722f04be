"""The org of whoever follows a guide, with what the guide takes for granted."""

from typing import Any

from tests.e2e.harness.api import Api
from tests.e2e.harness.until import until


class Brand:
    """An org, its credential, and the webhooks that a guide finds there."""

    def __init__(self, api: Api, key: str) -> None:
        self.api = api
        self.key = key

    def inbox(self, status: int = 200) -> dict[str, Any]:
        """A new test inbox that answers so."""
        made: dict[str, Any] = self.api.send(
            "POST", "/v1/inboxes", {"answer": {"status": status}}
        ).must(201)
        return made

    def answers(self, inbox: dict[str, Any], status: int) -> None:
        """Let an inbox answer otherwise from now on."""
        body = {"answer": {"status": status}}
        self.api.send("PATCH", f"/v1/inboxes/{inbox['id']}", body).must(200)

    def webhook(self, name: str, url: str, *types: str, **fields: object) -> str:
        """A webhook of that name; its signing secret."""
        return str(self.api.webhook(url, name, eventNames=list(types), **fields)["signingSecret"])

    def emits(self, name: str, number: int = 1, data: dict[str, Any] | None = None) -> None:
        """Send so many events of a type, made of its example."""
        example = self.api.get(f"/v1/eventTypes/{name}").must(200)["example"]
        body = {"eventName": name, "data": example["data"] | (data or {})}
        for _ in range(number):
            assert self.api.send("POST", "/v1/events", body).status in (200, 202, 422)

    def until_state(self, state: str, number: int) -> None:
        """Wait until so many deliveries of the org are in a state."""

        def reached() -> bool:
            shown = self.api.get(f"/v1/deliveries?states={state}").must(200)["deliveries"]
            return len(shown) >= number

        until(reached, f"{number} deliveries are {state}")
