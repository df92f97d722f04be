"""What is said of a webhook's name before anything is sent to it."""

import pytest

from tests.egress.support import Names, at
from tidings.core.delivery.exchange import FaultKind
from tidings.egress.address import parse_target
from tidings.egress.policy import Policy
from tidings.egress.resolve import NameAddresses, ResolutionFault
from tidings.egress.sender import HttpSender

GONE = ResolutionFault(FaultKind.DNS, "The name does not exist.")
OURS = ResolutionFault(FaultKind.OURS, "Our name server gives no answer.")


@pytest.mark.parametrize(
    ("url", "answer", "said"),
    [
        ("https://here.example/x", at("11.0.0.1"), None),
        ("https://gone.example/x", GONE, "gone.example"),
        # The same as for a name that is not there: else anybody could ask what our network knows.
        ("https://inside.example/x", at("10.0.0.1"), "inside.example"),
        ("https://mixed.example/x", at("11.0.0.1", "10.0.0.1"), "mixed.example"),
        ("https://unsure.example/x", OURS, None),
        ("https://11.0.0.1/x", GONE, None),
    ],
)
async def test_a_host_without_an_address_that_may_be_dialled_is_named(
    url: str, answer: NameAddresses | ResolutionFault, said: str | None
) -> None:
    names = Names(answer)
    sender = HttpSender(Policy(), names)
    assert await sender.unresolved(parse_target(url, allow_http=False)) == said
    await sender.close()
