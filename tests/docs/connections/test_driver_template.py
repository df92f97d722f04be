"""The template of a driver in CONTRIBUTING.md is one: it keeps what the port asks for."""

import re
from pathlib import Path
from typing import Any

from tests.destinations.messages import BODY, TestMessage, hook
from tidings.core.delivery.exchange import DeliveryVerdict
from tidings.destinations import port

PAGE = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text("utf-8")
IMPORTS = """
from time import monotonic
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import AttemptResult, DeliveryVerdict, ReceiverAnswer
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers, Message, MessagePreview
"""


def template() -> dict[str, Any]:
    [code] = re.findall(r"the template of a driver:.*?```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(IMPORTS + code, names)
    return names


def test_it_has_every_method_of_the_port() -> None:
    names = template()
    for protocol, made in ((port.Driver, "NoteDestination"), (port.Channel, "NoteChannel")):
        wanted = {name for name in vars(protocol) if not name.startswith("_")}
        assert wanted <= set(vars(names[made]))


async def test_what_it_is_handed_goes_if_it_may() -> None:
    notes: list[bytes] = []
    webhook = hook("https://a.b/")
    driver = template()["NoteDestination"](notes)
    channel = driver.open(webhook, None)
    assert await channel.send(TestMessage(may=lambda: False)) is None and notes == []
    result = await channel.send(TestMessage())
    assert result.verdict is DeliveryVerdict.DELIVERED and notes == [BODY]
    assert channel.follow(webhook) and not channel.follow(hook("https://c.d/"))
    await channel.close()
    assert driver.show(webhook, driver.carried(webhook), BODY, None).method == "NOTE"
