"""The HTML of the mail that a delivery has sent, or will send at its next attempt."""

from tidings.core.actions.rendered_act import MadeMail, made_in
from tidings.core.webhooks.targets.mailing import mail_in
from tidings.core.webhooks.webhook import Webhook
from tidings.store import port
from tidings.store.port import StoredDelivery


async def html_of_mail(
    store: port.DeliveryStore, delivery: StoredDelivery, webhook: Webhook
) -> str | None:
    """Return the HTML of the mail that a delivery of an action or of a webhook for e-mails has
    made; None where it has made no mail, or one without HTML, or its bytes are kept no more."""
    if not webhook.type.acts and webhook.email is None:
        return None
    sent = await store.sent_body(delivery.id)
    if sent.shaped is None:
        return None
    if webhook.type.acts:
        made = made_in(sent.shaped)
        return made.act.mail.html if made is not None and isinstance(made.act, MadeMail) else None
    mail = mail_in(sent.shaped)
    return None if mail is None else mail.html
