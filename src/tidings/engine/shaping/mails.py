"""The last step of shaping for webhooks that send e-mails: from the bytes of an event to a mail.

What comes of an event's values is text and never structure: a subject is one line, a recipient one
address, and in HTML no value is markup.
"""

from collections.abc import Iterator

import msgspec

from tidings.core.ids import OrgId
from tidings.core.webhooks.targets.mailing import Mailing, is_template, mail_of_texts, recipient_of
from tidings.engine.shaping.faults import ShapeRefused
from tidings.transform.port import Renderer, TextTemplate

_NO_ADDRESS = (
    "email.to must become one plain e-mail address for each event; its place {place} became "
    "something else for this one. Correct the template, or filter out events without an address."
)


class _MailEventName(msgspec.Struct):
    eventName: str = ""  # noqa: N815  # as it is called there


_named = msgspec.json.Decoder(_MailEventName)


async def mail_of(mailing: Mailing, event: bytes, org: OrgId, renderer: Renderer) -> bytes:
    """Make the mail that an event becomes, as JSON. Raise ShapeRefused, RenderRefused or
    RenderLater."""
    name = _named.decode(event).eventName
    plain = mailing.text is None and mailing.html is None
    templates = [TextTemplate(recipient) for recipient in mailing.to if is_template(recipient)]
    for template, escaped in (
        (mailing.subject, False),
        (mailing.text, False),
        (mailing.html, True),
    ):
        if template is not None:
            templates.append(TextTemplate(template, escaped))
    texts: list[str] = []
    if templates:
        texts = list(await renderer.render_texts(templates, event, org))
    made = iter(texts)
    to = [_recipient(at, recipient, made) for at, recipient in enumerate(mailing.to, 1)]
    subject = next(made) if mailing.subject is not None else name
    text = next(made) if mailing.text is not None else None
    if plain:
        text = msgspec.json.format(event, indent=2).decode() + "\n"
    html = next(made) if mailing.html is not None else None
    return msgspec.json.encode(mail_of_texts(to, subject, text, html, blank=name))


def _recipient(place: int, recipient: str, made: Iterator[str]) -> str:
    if not is_template(recipient):
        return recipient
    address = recipient_of(next(made))
    if address is None:
        raise ShapeRefused(_NO_ADDRESS.format(place=place))
    return address
