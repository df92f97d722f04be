"""Actions that an operator has declared, for services in process: nobody is asked, nothing done."""

from collections.abc import Mapping
from typing import Any

from tidings.core.actions.action import (
    Action,
    ActionLookup,
    Cap,
    CsvLookup,
    Each,
    HttpCall,
    HttpLookup,
    MailAct,
    OperatorSecret,
    PathValue,
    Plain,
    Quiet,
    TemplatedText,
    Unless,
)
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.webhooks.authentication import ApiKey
from tidings.lookups.port import LookupDown

SECRET = "s3cret-of-the-gateway-0001"
CUSTOMER = "event.data.customerIdentifiers.customerId"
CONTACT = ActionLookup("contact", CsvLookup("/etc/acme/contacts.csv", "customer_id", CUSTOMER))
TIER = ActionLookup(
    "tier",
    HttpLookup(
        f"https://api.example/customers/{{id}}/tier?api_key={SECRET}",
        {"id": CUSTOMER},
        headers=(("X-Key", SECRET),),
    ),
    failing="empty",
    cache_s=30.0,
)
OPTED_OUT = Unless(
    compile_filter({"path": "contact.opted_out", "eq": "yes"}), "The customer has opted out."
)


def welcome(name: str = "welcome") -> Action:
    """A mail, with everything that an action may have."""
    usual = MailAct(
        "mail",
        (TemplatedText("{{ contact.email }}"),),
        TemplatedText("Welcome, {{ contact.name }}"),
        TemplatedText("Your number is {{ event.data.customerIdentifiers.customerId }}."),
        TemplatedText(
            "<p>Your number is {{ event.data.customerIdentifiers.customerId }}.</p>", html=True
        ),
    )
    return Action(
        name,
        ("customerAdded",),
        {
            "": usual,
            "de": MailAct("mail", usual.to, TemplatedText("Willkommen"), usual.text, usual.html),
        },
        filter={"path": "data.loyaltyType", "eq": "LOYALTY"},
        lookups=(CONTACT, TIER),
        unless=(OPTED_OUT,),
        after_s=7200.0,
        quiet=Quiet(21 * 60, 8 * 60, "contact.zone", "Asia/Kolkata"),
        cap=Cap(1, 30 * 86_400.0, CUSTOMER),
        language="contact.language",
    )


def text_message(name: str = "text-message") -> Action:
    """A call, with secrets in its URL, its headers, its credential and its body."""
    call = HttpCall(
        "POST",
        f"https://sms.example/v1/{{to}}?api_key={SECRET}&kind=short",
        {"to": "contact.mobile"},
        headers=(("X-Brand", Plain(SECRET)), ("X-Name", TemplatedText("{{ contact.name }}"))),
        credential=ApiKey("X-Api-Key", SECRET),
        json=Each({
            "key": OperatorSecret(SECRET),
            "text": TemplatedText("Hello {{ contact.name }}"),
            "amount": PathValue("event.data.amount"),
            "unit": Plain("EUR"),
        }),
        idempotency="Idempotency-Key",
        taken=compile_filter({"path": "status", "in": ["queued", "sent"]}),
    )  # fmt: skip
    return Action(
        name, ("customerAdded",), {"": call}, lookups=(CONTACT,), needs="welcome", after_s=60.0
    )


class Nobody:
    """`lookups.port.Source` that does not answer; `wrong`: with itself."""

    def __init__(self, wrong: str | None = None) -> None:
        self.wrong = wrong

    async def find(self, values: Mapping[str, Any], deadline_s: float) -> dict[str, Any] | None:
        raise LookupDown("The contacts must answer; they do not. Look at them.")

    async def check(self) -> str | None:
        return self.wrong

    async def close(self) -> None:
        pass


ACTIONS = {
    action.name: action
    for action in (welcome("acme-welcome"), welcome("alfa-welcome"), welcome(), text_message())
}
