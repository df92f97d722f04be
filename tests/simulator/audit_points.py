"""Points: what each customer and each group has, had, and is about to lose."""

from collections import defaultdict

from tests.simulator.audit_bills import Bills
from tests.simulator.audit_reading import HOUR_MS, Event, Told, date_of, end_of_day, instant
from tests.simulator.audit_tiers import Tiers
from tidings.simulator.programme import (
    LARGE_BILL,
    MULTIPLIERS,
    PER_POINT,
    POINTS_DAYS,
    PROMISED_SHARE,
    RATIO,
)

Owner = tuple[str, int]
LATE_MS = HOUR_MS  # after its time, a job has run by then


class Wallet:
    """What somebody can spend, by the instant at which it lapses."""

    def __init__(self) -> None:
        self.lots: defaultdict[int, float] = defaultdict(float)
        self.told: dict[int, float] = {}  # reminded of, by the instant
        self.lifetime = 0.0
        self.promised = 0.0

    @property
    def current(self) -> float:
        """All that can be spent."""
        return sum(self.lots.values())

    def take(self, points: float, first: int = 0) -> float:
        """What soonest lapses is spent first. How many points were missing."""
        order = sorted(self.lots)
        if first in self.lots:
            order.remove(first)
            order.insert(0, first)
        for expires in order:
            taken = min(points, self.lots[expires])
            self.lots[expires] -= taken
            points -= taken
            if not self.lots[expires]:
                del self.lots[expires]
        return points


class Points:
    """The ledger of a programme, from its events alone."""

    def __init__(self, bills: Bills, tiers: Tiers) -> None:
        self.bills = bills
        self.tiers = tiers
        self.wallets: defaultdict[Owner, Wallet] = defaultdict(Wallet)
        self.promises: dict[str, float] = {}
        self.redeemed: dict[int, tuple[Owner, float]] = {}
        self.sent: dict[str, tuple[float, int]] = {}
        self._readers = {
            "pointsIssued": self._issued,
            "issuedPointsReversed": self._reversed,
            "promisedToCurrentPointsConversion": self._converted,
            "pointsRedeemed": self._redeemed,
            "redeemedPointsReversed": self._given_back,
            "pointsTransferredInitiated": self._sent,
            "pointsTransferredReceived": self._received,
            "manualPointsAdjustment": self._adjusted,
            "pointsContributionToGroup": self._contributed,
            "pointsExpiryReminder": self._reminded,
            "pointsExpired": self._expired,
            "pointsExpiryChange": self._moved,
            "singlePointsExpiryUpdated": self._moved_on,
            "loyaltyCustomerMerge": self._merged,
        }

    def read(self, event: Event) -> Told:
        """What one event contradicts."""
        reader = self._readers.get(event.name)
        if reader is None:
            return
        yield from reader(event)
        if event.name in ("loyaltyCustomerMerge", "pointsContributionToGroup"):
            return
        wallet = self.wallets[event.owner]
        overdue = [at for at in wallet.lots if at + LATE_MS < event.at_ms]
        if overdue:
            yield "expiring", f"points of {instant(overdue[0])} are still there"
            del wallet.lots[overdue[0]]

    def _current(self, event: Event, told: float) -> Told:
        now = self.wallets[event.owner].current
        if abs(told - now) > 0.001:
            yield "current", f"{event.owner} is told to have {told}, has {now}"

    def _lifetime(self, event: Event) -> Told:
        now = self.wallets[event.owner].lifetime
        if abs(event.data["programLifetimePoints"] - now) > 0.001:
            yield "lifetime", f"told {event.data['programLifetimePoints']}, came to {now}"

    def _spend(self, event: Event, points: float, first: int = 0) -> Told:
        if points <= 0:
            yield "negative", f"{points} points are taken"
        elif missing := self.wallets[event.owner].take(points, first):
            yield "negative", f"{event.owner} lacks {missing} of {points}"

    # -- earned ------------------------------------------------------------------------------------

    def _issued(self, event: Event) -> Told:
        data = event.data
        wallet = self.wallets[event.owner]
        slices = [(row["points"], row["expiryAtInMillis"]) for row in data["regularPointsBreakup"]]
        regular = sum(points for points, _ in slices)
        slices += [
            (row["promotionPoints"], row["promotionPointsExpiryDateInMillis"])
            for row in data["promotionalPointsIssued"]
        ]
        total = sum(points for points, _ in slices)
        if (regular, total) != (data["regularPointsIssued"], data["totalPointsIssued"]):
            yield "earning", f"the parts are {regular} and {total}"
        for points, expires in slices:
            if expires != end_of_day(event.at_ms, POINTS_DAYS):
                yield "expiring", f"new points lapse {instant(expires)}"
            wallet.lots[expires] += points
        wallet.lifetime += data["totalPointsIssued"]
        promised = sum(row["promisedPoints"] for row in data["promisedPointsIssued"])
        wallet.promised += promised
        yield from self._earned(event, regular, promised, total)
        yield from self._current(event, data["programCurrentPoints"])
        yield from self._lifetime(event)

    def _earned(self, event: Event, regular: float, promised: float, total: float) -> Told:
        number = event.cause_id("billId")
        bill = self.bills.of(event)
        if number is None:
            if regular or promised:
                yield "earning", "regular points without a bill"
            return
        if bill is None or bill.customer != event.customer:
            yield "earning", f"bill {number} is not this customer's"
            return
        paid = bill.paid_by_points
        tier = self.tiers.of(event.customer).tier
        due = float(int((bill.data["amount"] - paid) / PER_POINT * MULTIPLIERS[tier]))
        later = float(int(due * PROMISED_SHARE)) if bill.data["amount"] >= LARGE_BILL else 0.0
        if (regular, promised) != (due - later, later):
            text = f"{bill.data['amount']} less {paid} paid by points in tier {tier}"
            yield "earning", f"{text} earns {due - later} + {later}, not {regular} + {promised}"
        bill.issued = total
        bill.expires_ms = end_of_day(event.at_ms, POINTS_DAYS)
        if promised:
            self.promises[number] = promised

    def _reversed(self, event: Event) -> Told:
        data = event.data
        wallet = self.wallets[event.owner]
        total = data["totalIssuedPointsReversed"]
        bill = self.bills.of(event)
        if bill is None or event.call not in self.bills.returning:
            yield "return", "points go back without a returned bill"
            return
        if total != min(bill.issued, wallet.current):
            yield "return", f"{total} of {bill.issued} go back, {wallet.current} were there"
        parts = data["regularPointsReversed"] + sum(
            row["promotionPoints"] for row in data["promotionalPointsReversed"]
        )
        if parts != total:
            yield "return", f"the parts are {parts} of {total}"
        promised = data["promisedPointsReversed"]
        if promised != self.promises.pop(event.cause_id("billId") or "", 0.0):
            yield "return", f"{promised} are promised no more"
        wallet.promised -= promised
        if total:
            yield from self._spend(event, total, bill.expires_ms)
        wallet.lifetime -= total
        yield from self._current(event, data["programCurrentPoints"])
        yield from self._lifetime(event)

    def _converted(self, event: Event) -> Told:
        wallet = self.wallets[event.owner]
        points = event.data["pointsConverted"]
        if points != self.promises.pop(str(event.data["billId"]), None):
            yield "earning", f"{points} were not promised for bill {event.data['billId']}"
        wallet.promised -= points
        wallet.lifetime += points
        wallet.lots[end_of_day(event.at_ms, POINTS_DAYS)] += points
        yield from self._current(event, event.data["programCurrentPoints"])
        yield from self._lifetime(event)

    # -- spent -------------------------------------------------------------------------------------

    def _redeemed(self, event: Event) -> Told:
        data = event.data
        points = data["totalPointsRedeemed"]
        yield from self._spend(event, points)
        [split] = data["redemptionFromEarningPrograms"]
        if split["pointsRedeemed"] != points:
            yield "current", f"the split is {split['pointsRedeemed']} of {points}"
        yield from self._current(event, split["programCurrentPoints"])
        if round(points * RATIO, 2) != data["redeemedPointsCurrencyValue"]:
            yield "earning", f"{points} are not worth {data['redeemedPointsCurrencyValue']}"
        self.redeemed[data["redemptionSummaryId"]] = event.owner, points
        bill = self.bills.calls.get(event.call)
        if data["redemptionBillNumber"] and bill is not None:
            bill.paid_by_points += data["redeemedPointsCurrencyValue"]
            if bill.paid_by_points > bill.data["amount"]:
                yield "earning", f"{bill.paid_by_points} are paid of {bill.data['amount']}"

    def _given_back(self, event: Event) -> Told:
        points = event.data["redeemedPointsReversed"]
        known = self.redeemed.pop(event.data["redemptionSummaryId"], None)
        if known != (event.owner, points) or event.call not in self.bills.returning:
            yield "return", f"{points} come back, {known} were spent"
        self.wallets[event.owner].lots[end_of_day(event.at_ms, POINTS_DAYS)] += points
        [split] = event.data["redemptionReversalToEarningPrograms"]
        yield from self._current(event, split["programCurrentPoints"])

    def _sent(self, event: Event) -> Told:
        points = event.data["totalPointsTransferred"]
        yield from self._spend(event, points)
        [split] = event.data["redemptionFromEarningPrograms"]
        yield from self._current(event, split["programCurrentPoints"])
        self.sent[event.loyalty or ""] = points, event.at_ms

    def _received(self, event: Event) -> Told:
        points = event.data["totalPointsTransferred"]
        sent, at_ms = self.sent.pop(event.loyalty or "", (0.0, event.at_ms))
        if points != sent:
            yield "current", f"{points} are received, {sent} were sent"
        self.wallets[event.owner].lots[end_of_day(at_ms, POINTS_DAYS)] += points

    def _adjusted(self, event: Event) -> Told:
        yield from self._spend(event, float(event.data["totalPoinstDeducted"]))

    def _contributed(self, event: Event) -> Told:
        giver = event.data["contributingMember"]["customerIdentifiers"]["customerId"]
        points = event.data["pointsContributedToGroup"]
        if missing := self.wallets["customer", giver].take(points):
            yield "negative", f"{giver} lacks {missing} of {points}"
        group = self.wallets["group", event.data["groupId"]]
        group.lots[end_of_day(event.at_ms, POINTS_DAYS)] += points

    def _merged(self, event: Event) -> Told:
        data = event.data
        survivor = self.wallets["customer", data["survivorCustomerIdentifiers"]["customerId"]]
        victim = self.wallets["customer", data["victimCustomerIdentifiers"]["customerId"]]
        for expires, points in victim.lots.items():
            survivor.lots[expires] += points
        victim.lots.clear()
        survivor.lifetime += victim.lifetime
        survivor.promised += victim.promised
        [told] = data["survivorCustomerLoyaltySummary"]
        summary = (told["currentPoints"], told["lifetimePoints"], told["promisedPoints"])
        if summary != (survivor.current, survivor.lifetime, survivor.promised):
            have = (survivor.current, survivor.lifetime, survivor.promised)
            yield "current", f"the survivor is told {summary}, has {have}"

    # -- lapsing -----------------------------------------------------------------------------------

    def _reminded(self, event: Event) -> Told:
        data = event.data
        wallet = self.wallets[event.owner]
        expires = data["scheduledExpiryDateInMillis"]
        there = wallet.lots.get(expires, 0.0)
        if expires <= event.at_ms:
            yield "reminder", f"of what has lapsed {instant(expires)}"
        if data["pointsScheduledForExpiry"] != there or not there:
            yield "expiring", f"{data['pointsScheduledForExpiry']} told, {there} lapse {expires}"
        wallet.told[expires] = there

    def _expired(self, event: Event) -> Told:
        wallet = self.wallets[event.owner]
        over = [at for at in wallet.lots if at <= event.at_ms]
        points = sum(wallet.lots.pop(at) for at in over)
        if event.data["pointsExpired"] != points or not points:
            yield "expiring", f"{event.data['pointsExpired']} have lapsed, {points} were due"
        if points > sum(wallet.told.get(at, 0.0) for at in over):
            yield "reminder", f"{points} lapse without one"

    def _move(self, event: Event, before: int, after: int, points: float) -> Told:
        wallet = self.wallets[event.owner]
        if wallet.lots.get(before) != points:
            yield "expiring", f"{points} move from {before}, {wallet.lots.get(before)} were there"
        if after <= before:
            yield "expiring", f"they lapse sooner, {instant(after)}"
        wallet.lots[after] += wallet.lots.pop(before, 0.0)

    def _moved(self, event: Event) -> Told:
        for row in event.data["updatedPointsExpiryBreakup"]:
            before, after = row["pointsPreviousExpiryDateInMillis"], row["newExpiryDateInMillis"]
            if date_of(before) != row["pointsPreviousExpiryDate"]:
                yield "dates", f"{row['pointsPreviousExpiryDate']} is not {instant(before)}"
            yield from self._move(event, before, after, row["points"])

    def _moved_on(self, event: Event) -> Told:
        for row in event.data["updatedPointsExpiry"]:
            before, after = row["oldExpiryDateInMillis"], row["newExpiryDateInMillis"]
            yield from self._move(event, before, after, row["points"])
