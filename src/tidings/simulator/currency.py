"""The alternate currency: coins for large bills, a part of them promised and spendable later."""

from tidings.simulator.blocks import about, activity, decimal
from tidings.simulator.points import last_heir
from tidings.simulator.programme import COIN, POINTS_DAYS, PROMISE_DAYS
from tidings.simulator.things import Bill, Json, SimulatedCustomer
from tidings.simulator.world import PlatformCall, World, clock, day

PER_COIN = 500.0
PROMISED = 2.0


def _named() -> Json:
    return {"alternateCurrencyIdentifier": COIN[0], "alternateCurrencyName": COIN[1]}


def issue_coins(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Issue coins for a bill; two more are promised."""
    bill.coins = float(int((bill.amount - bill.paid) / PER_COIN))
    customer.coins += bill.coins
    customer.coins_lifetime += bill.coins
    conversion = world.in_days(PROMISE_DAYS)
    data = about(customer, cause) | {
        "alternateCurrenciesIssuedData": [
            {
                **_named(),
                "promotionalAlternateCurrenciesIssued": [],
                "promisedAlternateCurrenciesIssued": [
                    {
                        "promisedAlternateCurrencies": PROMISED,
                        "isExternalTriggerBased": False,
                        "promisedAlternateCurrenciesConversionDate": day(conversion),
                        "promotionIdentifier": "",
                    }
                ],
                "regularAlternateCurrenciesBreakup": [
                    {
                        "alternateCurrencies": bill.coins,
                        "expiryAt": day(world.in_days(POINTS_DAYS)),
                    }
                ],
                "totalAlternateCurrenciesIssued": bill.coins,
                "programCurrentAlternateCurrencies": customer.coins,
                "regularAlternateCurrenciesIssued": bill.coins,
                "programLifetimeAlternateCurrencies": customer.coins_lifetime,
            }
        ]
    }
    world.emit_loyalty(
        "alternateCurrenciesIssued", data, call, customer, f"+{bill.coins:.0f} coins"
    )
    world.later(PROMISE_DAYS, convert_coins, customer, bill)


def take_back_coins(
    world: World, customer: SimulatedCustomer, call: PlatformCall, cause: Json, bill: Bill
) -> None:
    """Take back the coins of a returned bill; those promised are promised no more."""
    promised = 0.0 if bill.coins_converted else PROMISED
    customer.coins -= bill.coins
    customer.coins_lifetime -= bill.coins
    data = about(customer, cause) | {
        "alternateCurrenciesReversedData": [
            {
                **_named(),
                "promisedAlternateCurrenciesReversed": promised,
                "currentEventPromotionAlternateCurrenciesReturnedDetails": [],
                "currentEventPromisedAlternateCurrenciesReturned": promised,
                "regularAlternateCurrenciesReversed": bill.coins,
                "programCurrentAlternateCurrencies": customer.coins,
                "currentEventTotalAlternateCurrenciesReturned": bill.coins,
                "programLifetimeAlternateCurrencies": customer.coins_lifetime,
                "totalIssuedAlternateCurrenciesReversed": bill.coins,
                "promotionalAlternateCurrenciesReversed": [],
                "currentEventRegularAlternateCurrenciesReturned": bill.coins,
            }
        ]
    }
    name, note = "issuedAlternateCurrenciesReversed", f"-{bill.coins:.0f} coins"
    world.emit_loyalty(name, data, call, customer, note)


def convert_coins(world: World, customer: SimulatedCustomer, bill: Bill) -> None:
    """Make promised coins spendable, unless the bill was returned before."""
    if bill.returned:
        return
    customer = last_heir(customer)
    bill.coins_converted = True
    customer.coins += PROMISED
    customer.coins_lifetime += PROMISED
    call = world.call(customer.till)
    cause = activity("DelayedAccrual", call, customer, billId=bill.id)
    log = world.number("log", 5_540_001)
    data = about(customer, cause) | {
        "billId": bill.id,
        "eventLogId": log,
        "alternateCurrencyConverted": [
            _named() | {"alternateCurrencyValue": decimal(PROMISED)},
        ],
        "earningAlternateCurrencyReference": [
            {
                "name": "TransactionAdd",
                "enteredAt": float(bill.at_ms),
                "alternateCurrencyConverted": PROMISED,
                **_named(),
                "identifiers": [{"key": "billNumber", "value": bill.number}],
            }
        ],
        "alternateCurrencyConvertedBreakup": [],
        "eventDateTime": clock(world.now_ms),
        "alternateCurrencyConversionSource": "systemTrigger",
    }
    world.emit_loyalty(
        "promisedToCurrentAlternateCurrencyConversion",
        data,
        call,
        customer,
        f"+{PROMISED:.0f} coins",
        log_id=log,
    )
