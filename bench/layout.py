"""Which webhooks a figure needs: their organisation, their event, their path at the receiver."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.payload import EVENT_NAME, ORG_FIRST, OTHER_EVENT_NAME

ORGS = 100
WEBHOOKS = 1000
LISTENING = "/h/{}"
SILENT = "/silent/{}"
REFUSING = ""  # nobody listens
SLOW = "/slow/1000/{}"
FLAPPING = (
    "/flap/2000/{}",
    "/flap/15000/{}",
)  # one shorter than the breaker's patience, one longer


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook to be made. Only those with `gets_events` subscribe to the event that is sent."""

    number: int
    org: int
    gets_events: bool
    path: str = LISTENING

    @property
    def event_name(self) -> str:
        return EVENT_NAME if self.gets_events else OTHER_EVENT_NAME

    def url(self, receiver_port: int, closed_port: int) -> str:
        if self.path == REFUSING:
            return f"http://127.0.0.1:{closed_port}/h/{self.number}"
        return f"http://127.0.0.1:{receiver_port}{self.path.format(self.number)}"


def crowd(receiving: int, webhooks: int = WEBHOOKS, orgs: int = ORGS) -> list[Hook]:
    """Many webhooks of many organisations; `receiving` get events, one an organisation."""
    orgs = max(orgs, receiving)
    return [Hook(n, ORG_FIRST + n % orgs, n < receiving) for n in range(max(webhooks, receiving))]


def fans(widths: Iterable[int]) -> tuple[list[Hook], dict[int, int]]:
    """For each width an organisation all of whose webhooks get every event; and its number."""
    hooks: list[Hook] = []
    org_of: dict[int, int] = {}
    for org, width in enumerate(widths, ORG_FIRST):
        org_of[width] = org
        hooks += [Hook(len(hooks) + n, org, True) for n in range(width)]
    return hooks, org_of


def with_idle(idle: int, orgs: int = ORGS) -> list[Hook]:
    """One webhook that gets events, and idle ones of its own and other organisations."""
    rest = (Hook(n, ORG_FIRST + n % orgs, False) for n in range(1, idle + 1))
    return [Hook(0, ORG_FIRST, True), *rest]


def with_dead(dead: int) -> list[Hook]:
    """One healthy webhook, and dead ones that get the same: half refuse, half are silent."""
    rest = (Hook(n, ORG_FIRST, True, SILENT if n % 2 else REFUSING) for n in range(1, dead + 1))
    return [Hook(0, ORG_FIRST, True), *rest]


def with_bad(each: int, orgs: int) -> list[Hook]:
    """In every org a healthy webhook, first by number; and spread over them so many of each kind
    that get the same events: dead (half refuse, half are silent), slow, and flapping."""
    hooks = [Hook(n, ORG_FIRST + n, True) for n in range(orgs)]
    for n in range(each):
        org = ORG_FIRST + n % orgs
        round = n // orgs
        for path in (SILENT if round % 2 else REFUSING, SLOW, FLAPPING[round % 2]):
            hooks.append(Hook(len(hooks), org, True, path))
    return hooks


def teams(webhooks: int, each: int) -> list[Hook]:
    """Webhooks by orgs of `each`, all of which get every event of their org."""
    return [Hook(n, ORG_FIRST + n // each, True) for n in range(webhooks)]


def webhooks_of(hooks: Iterable[Hook]) -> dict[int, list[int]]:
    """For each organisation that events are sent for, the webhooks that get them."""
    found: dict[int, list[int]] = {}
    for hook in hooks:
        if hook.gets_events:
            found.setdefault(hook.org, []).append(hook.number)
    return found
