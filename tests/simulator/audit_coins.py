"""The alternate currency: what each customer has of it and ever had."""

from collections import defaultdict
from dataclasses import dataclass

from tests.simulator.audit_reading import Event, Told


@dataclass
class Purse:
    """A customer's coins."""

    current: float = 0.0
    lifetime: float = 0.0

    def add(self, coins: float) -> None:
        """Coins come, or go where fewer than none do."""
        self.current += coins
        self.lifetime += coins


class Coins:
    """The purses of all customers."""

    def __init__(self) -> None:
        self._purses: defaultdict[int | None, Purse] = defaultdict(Purse)

    def read(self, event: Event) -> Told:
        """What one event contradicts."""
        purse = self._purses[event.customer]
        match event.name:
            case "alternateCurrenciesIssued":
                [told] = event.data["alternateCurrenciesIssuedData"]
                purse.add(told["totalAlternateCurrenciesIssued"])
            case "issuedAlternateCurrenciesReversed":
                [told] = event.data["alternateCurrenciesReversedData"]
                purse.add(-told["totalIssuedAlternateCurrenciesReversed"])
            case "promisedToCurrentAlternateCurrencyConversion":
                [converted] = event.data["alternateCurrencyConverted"]
                purse.add(float(converted["alternateCurrencyValue"]))
                return
            case "loyaltyCustomerMerge":
                survivor, victim = (
                    self._purses[event.data[f"{side}CustomerIdentifiers"]["customerId"]]
                    for side in ("survivor", "victim")
                )
                survivor.current += victim.current
                survivor.lifetime += victim.lifetime
                return
            case _:
                return
        now = purse.current, purse.lifetime
        said = (
            told["programCurrentAlternateCurrencies"],
            told["programLifetimeAlternateCurrencies"],
        )
        if said != now or purse.current < 0:
            yield "coins", f"told {said}, has {now}"
