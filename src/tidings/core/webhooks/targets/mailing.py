"""The e-mails of a webhook: to whom, and the templates of what is in them. Pure.

An e-mail is made of an event when the event is shaped (`ShapedMail`), so that each further attempt
sends the same one, and the log shows it.

Add a field here; the rest follows.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec

from tidings.core.connections.connection import Connection
from tidings.core.declaration import DeclaredField, Field
from tidings.core.field_types import CustomField, ParsedField, whole
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.core.mail_addresses import address_of, domain_of
from tidings.core.shaping.transformation_rules import TEMPLATE_MAX
from tidings.values import describe_value

TO_MAX = 20
SUBJECT_MAX = 1000
SUBJECT_SHOWN_MAX = 250  # characters
SMTP = "smtp"
CONFIRMED, ANY = "confirmed", "any"
_TEMPLATE = re.compile(r"\{[{%#]")


def is_template(text: str) -> bool:
    """Return whether it has to be rendered to say anything."""
    return _TEMPLATE.search(text) is not None


def _to(form: Form, field: DeclaredField, previous: Any) -> Any:
    value = form.body.get(field.name)
    called = form.called(field.name)
    if not isinstance(value, list) or not 0 < len(value) <= TO_MAX:
        form.refuse(
            "bad_type",
            field.name,
            f"{called} must be a list of 1 to {TO_MAX} e-mail addresses; got "
            f'{describe_value(value)}. Write ["ops@brand.example"].',
        )
        return previous
    found = []
    for recipient in value:
        template = (
            isinstance(recipient, str) and len(recipient) <= SUBJECT_MAX and is_template(recipient)
        )
        address = recipient if template else address_of(recipient)
        if address is None:
            form.refuse(
                "bad_address",
                field.name,
                f"{called} must hold one plain e-mail address in each place; got "
                f"{describe_value(recipient)}. Write only the address, such as ops@brand.example.",
            )
            return previous
        found.append(address)
    return tuple(dict.fromkeys(found))


_TO = CustomField(
    _to,
    schema={
        "type": "array",
        "minItems": 1,
        "maxItems": TO_MAX,
        "items": {"type": "string", "minLength": 1, "maxLength": SUBJECT_MAX},
    },
    shows=list,
)


def _text_of(most: int) -> ParsedField:
    return ParsedField(
        lambda value: value if isinstance(value, str) and 0 < len(value) <= most else None,
        f"a text of 1 to {most} characters in MiniJinja",
        "bad_template",
        advice="Leave it out if in doubt.",
        got=lambda value: (
            f"{len(value)} characters" if isinstance(value, str) else describe_value(value)
        ),
        clears=True,
        schema={"type": "string", "minLength": 1, "maxLength": most},
    )


class Mailing(msgspec.Struct, frozen=True, omit_defaults=True):
    """To whom, and what: templates of an event's values."""

    to: Annotated[
        tuple[str, ...],
        Field("to", _TO, "Addresses; templates of them only where the operator admits it."),
    ]
    subject: Annotated[
        str | None,
        Field("subject", _text_of(SUBJECT_MAX), "A template; left out: the event's name."),
    ] = None
    text: Annotated[
        str | None,
        Field(
            "text",
            _text_of(TEMPLATE_MAX),
            "A template; left out, and html too: the event as JSON.",
        ),
    ] = None
    html: Annotated[
        str | None,
        Field("html", _text_of(TEMPLATE_MAX), "A template whose values are escaped."),
    ] = None

    @property
    def place(self) -> str:
        """See `TypeSettings`."""
        return ",".join(self.to)

    def trespass(self, connection: Connection, org: OrgId) -> str | None:
        """See `TypeSettings`."""
        return None

    def outside(self, connection: Connection, org: OrgId) -> str | None:
        """See `TypeSettings`: recipients are judged one by one (`judge_mailing`)."""
        return None

    @property
    def addresses(self) -> list[str]:
        """List its recipients that are no templates."""
        return [recipient for recipient in self.to if not is_template(recipient)]

    @property
    def templates(self) -> list[tuple[str, str]]:
        """List the templates, each with the field that holds it."""
        found = [("email.to", recipient) for recipient in self.to if is_template(recipient)]
        for name in ("subject", "text", "html"):
            if (template := getattr(self, name)) is not None:
                found.append((f"email.{name}", template))
        return found


MAILING = whole(Mailing, '{"to": ["ops@brand.example"]}')


class ShapedMail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One e-mail, as shaping has made it: what a message of the type is."""

    to: tuple[str, ...]
    subject: str
    text: str | None = None
    html: str | None = None
    unsubscribe: str | None = None  # where its reader says that no more may come


UNSUBSCRIBE_MAX = 900  # signs: a header's line has at most 998
_WAY_OUT = re.compile(
    r"https://[!#-;=?-~]{1,880}"
    r"|mailto:[!#-;=?A-~]{1,64}@[A-Za-z0-9.-]{1,253}(?:\?[!#-;=?-~]*)?"
)

# Controls, and what turns the direction of the signs around it; a line's end is none.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def recipient_of(text: str) -> str | None:
    """Return the address that a template has come out as; None if that is no plain one."""
    return address_of(text.strip(" \t\r\n"))


def is_way_out(text: str) -> bool:
    """Tell whether mail programs can offer a text as the way to unsubscribe: a URL of TLS, or
    mailto: and an address, of signs that end no header."""
    return len(text) <= UNSUBSCRIBE_MAX and _WAY_OUT.fullmatch(text) is not None


def mail_of_texts(
    to: Iterable[str],
    subject: str,
    text: str | None,
    html: str | None,
    *,
    blank: str,
    unsubscribe: str | None = None,
) -> ShapedMail:
    """Build an e-mail from texts that were made of an event. They are text and never structure: a
    subject is one line, and nothing in it is unseen. `blank`: the subject if none is left of it."""
    return ShapedMail(
        tuple(dict.fromkeys(to)),
        " ".join(_seen(subject).split())[:SUBJECT_SHOWN_MAX] or blank or "(no subject)",
        None if text is None else _seen(text),
        html=None if html is None else _seen(html),
        unsubscribe=unsubscribe,
    )


def _seen(text: str) -> str:
    """Return a text without what cannot be seen, its lines ended alike."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", lines).encode("utf-8", "replace").decode()


_mail = msgspec.json.Decoder(ShapedMail)


def mail_in(body: bytes) -> ShapedMail | None:
    """Decode the e-mail of a message; None if its bytes were made for a webhook of another type."""
    try:
        return _mail.decode(body)
    except msgspec.DecodeError:
        return None


class Recipients(msgspec.Struct, frozen=True):
    """The recipients that may be written to over a connection, as its operator says."""

    any: bool = False
    """Whether nobody need have agreed, and events may say who they are."""
    domains: frozenset[str] = frozenset()
    """Those that their addresses must be of; none: of every one."""

    def admits(self, address: str) -> bool:
        """Return whether an address is of a domain that is admitted."""
        return not self.domains or domain_of(address) in self.domains


def recipients_of(fields: Mapping[str, object]) -> Recipients:
    """Read a connection's fields; what is wrong with them admits nobody who has not agreed."""
    domains = fields.get("domains", ())
    listed = (
        [str(domain).lower() for domain in domains] if isinstance(domains, list | tuple) else ["-"]
    )
    return Recipients(fields.get("recipients", CONFIRMED) == ANY, frozenset(listed))


def judge_mailing(form: Form, mailing: Mailing, recipients: Recipients) -> None:
    """Refuse on the form who may not be written to over the connection."""
    for recipient in mailing.to:
        if is_template(recipient):
            if not recipients.any:
                form.refuse(
                    "recipients_fixed",
                    "email.to",
                    "email.to must contain addresses, not templates, over this connection; got "
                    f"{describe_value(recipient)}. Write the addresses, or ask the operator.",
                )
                return
        elif not recipients.admits(recipient):
            form.refuse(
                "recipient_not_admitted",
                "email.to",
                "email.to must contain addresses in the domains that the operator allows over this "
                f"connection; got {describe_value(recipient)}. Ask the operator.",
            )
            return
