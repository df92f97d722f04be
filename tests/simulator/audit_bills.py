"""Bills: what they add up to, which discounts they carry, when they are made, which are refused."""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.simulator.audit_reading import DAY_MS, Event, Json, Told, clock_ms
from tidings.simulator.programme import store_of

CONTENT = ("billNumber", "amount", "grossAmount", "discount", "billDate", "lineItemCount")
CLOSED_DAY_SHARE = 0.04  # of the bills; a shop of seven days has 14 % on each


@dataclass
class Known:
    """A bill that was recorded."""

    data: Json
    customer: int | None
    at_ms: int
    paid_by_points: float = 0.0
    vouchers: float = 0.0
    returned: bool = False
    issued: float = 0.0
    reversed: float = 0.0
    expires_ms: int = 0
    refused: list[str] = field(default_factory=list)


class Bills:
    """All bills of a story."""

    def __init__(self) -> None:
        self.by_id: dict[str, Known] = {}
        self.by_number: dict[str, Known] = {}
        self.calls: dict[str, Known] = {}
        self.refused: dict[str, Event] = {}
        self.tries: defaultdict[str, int] = defaultdict(int)
        self.awaited: tuple[str, str] | None = None
        self.returning: dict[str, Known] = {}
        self.count = 0
        self.on_closed_days = 0
        self._open: Known | None = None

    def read(self, event: Event) -> Told:
        """What one event contradicts."""
        if self._open is not None and event.call != self._open_call:
            yield from self._settle()
        if self.awaited is not None:
            yield from self._retried(event)
        match event.name:
            case "transactionAdded" | "notInterestedBillAdded" | "retroBillAdded":
                yield from self._recorded(event)
            case "transactionUpdated":
                yield from self._updated(event)
            case "transactionRejected":
                yield from self._refused(event)
            case "rejectedTransactionRetrigger":
                yield from self._retriggered(event)
            case "cartPromotionRedeemed":
                yield from self._voucher(
                    event,
                    event.data["transactionIdentifier"],
                    sum(row["discount"] for row in event.data["appliedPromotions"]),
                )
            case "CouponRedeem":
                value = event.data["coupon"]["series_info"]["discount_value"]
                yield from self._voucher(event, event.data["transaction"]["number"], value)
            case "targetAchievedValueUpdated":
                yield from self._target(event)
            case _:
                pass

    def of(self, event: Event) -> Known | None:
        """The bill that caused an event."""
        return self.by_id.get(event.cause_id("billId") or "")

    def _recorded(self, event: Event) -> Told:
        data = event.data
        yield from _sums(data)
        yield from self._hours(event)
        number = data["billNumber"]
        known = self.by_number.get(number)
        if event.name == "retroBillAdded":
            if known is None or known.customer is not None:
                yield "bill", f"{number} was not an unknown shopper's"
            elif any(known.data[name] != data[name] for name in CONTENT):
                yield "bill", f"{number} has changed since it was recorded"
        elif known is not None:
            yield "bill", f"{number} is recorded twice"
        who = event.customer if event.name != "notInterestedBillAdded" else None
        bill = Known(data, who, event.at_ms)
        self.by_id[str(data["transactionId"])] = self.by_number[number] = bill
        self.calls[event.call] = bill
        self._open, self._open_call = bill, event.call

    def _settle(self) -> Told:
        """All events of a bill's call are there: are its vouchers in its discount?"""
        bill = self._open
        assert bill is not None
        self._open = None
        if bill.vouchers and abs(bill.data["discount"] - bill.vouchers) > 0.011:
            text = f"{bill.data['billNumber']} has {bill.data['discount']} off"
            yield "discount", f"{text}, its vouchers give {bill.vouchers}"

    def _hours(self, event: Event) -> Told:
        if event.name == "retroBillAdded":
            return
        store = store_of(event.data["enteredBy"]["id"])
        local = event.at_ms + store.offset_min * 60_000
        hour = local % DAY_MS / 3_600_000
        weekday = (local // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday
        if event.name != "transactionUpdated":
            self.count += 1
            self.on_closed_days += weekday == store.closed
        if not store.opens_h <= hour <= store.closes_h + 0.01:
            yield "hours", f"{hour:.2f} h in {store.city}, open {store.opens_h}–{store.closes_h}"
        if self.count >= 300 and self.on_closed_days > CLOSED_DAY_SHARE * self.count:
            yield "closed days", f"{self.on_closed_days} of {self.count} bills"

    def _updated(self, event: Event) -> Told:
        data = event.data
        yield from _sums(data)
        bill = self.by_id.get(str(data["transactionId"]))
        if bill is None or bill.customer != event.customer:
            yield "bill", f"{data['billNumber']} was not recorded for {event.customer}"
            return
        if changed := [name for name in CONTENT if bill.data[name] != data[name]]:
            yield "bill", f"{data['billNumber']} has other {', '.join(changed)} than when recorded"
        if data["deliveryStatus"] == "RETURNED":
            yield from self._hours(event)
            if bill.returned:
                yield "return", f"{data['billNumber']} is returned twice"
            bill.returned = True
            self.returning[event.call] = bill

    def _voucher(self, event: Event, number: str, value: float) -> Told:
        bill = self.calls.get(event.call)
        if bill is None or bill.data["billNumber"] != number:
            yield "discount", f"{number} was not recorded in this call"
        elif value <= 0:
            yield "discount", f"a voucher of {value}"
        else:
            bill.vouchers += value

    def _refused(self, event: Event) -> Told:
        number = event.data["billNumber"]
        reasons = {row["rejectionReason"] for row in event.data["rejectionDetails"]}
        original = self.by_number.get(number)
        if event.data["rejectionType"] != "OPEN":
            yield "refusal", f"{number} is {event.data['rejectionType']} when it is refused"
        if "DUPLICATE_BILL_NUMBER" in reasons:
            yield from self._duplicate(event, original)
        elif original is not None:
            yield "duplicate", f"{number} was there, and is refused for {sorted(reasons)}"
        self.refused[number] = event
        self.tries[number] = 0

    def _duplicate(self, event: Event, original: Known | None) -> Told:
        number = event.data["billNumber"]
        if original is None:
            yield "duplicate", f"{number} is a duplicate of nothing"
        elif original.customer != event.customer:
            yield "duplicate", f"{number} was {original.customer}'s"
        elif clock_ms(event.data["eventDateTime"]) != original.data["billDate"] // 1000 * 1000:
            yield "duplicate", f"{number} was made at another time"

    def _retriggered(self, event: Event) -> Told:
        data = event.data
        number = data["billNumber"]
        before = self.refused.get(number)
        if before is None:
            yield "duplicate", f"{number} was not refused before"
            return
        same = (before.customer, before.data["eventDateTime"], before.data["rejectionDetails"])
        if same != (event.customer, data["eventDateTime"], data["rejectionDetailsOnRetrigger"]):
            yield "refusal", f"{number} was refused as something else"
        if data["retrialCount"] != self.tries[number]:
            yield "refusal", f"{number} was tried {self.tries[number]} times"
        self.tries[number] += 1
        if data["rejectionType"] == "FIXED":
            self.awaited = number, event.call
        elif number not in self.by_number:
            yield "refusal", f"{number} is refused again for what it is not"

    def _retried(self, event: Event) -> Told:
        assert self.awaited is not None
        (number, call), self.awaited = self.awaited, None
        if (event.name, event.call, event.data.get("billNumber")) != (
            "transactionAdded", call, number
        ):  # fmt: skip
            yield "refusal", f"{number} is FIXED and not recorded"

    def _target(self, event: Event) -> Told:
        amount = float(event.data["currentEventTargetValue"])
        returned = event.call in self.returning
        if amount <= 0:
            yield "return", f"a target moves by {amount}; the activity alone says that it falls"
        if (event.cause == "ReturnBill") != returned:
            yield (
                "return",
                f"{event.cause} where the bill {'is' if returned else 'is not'} returned",
            )


def _sums(data: Json) -> Told:
    if abs(data["grossAmount"] - data["discount"] - data["amount"]) > 0.006 or data["amount"] <= 0:
        yield "bill", f"{data['grossAmount']} less {data['discount']} is not {data['amount']}"
