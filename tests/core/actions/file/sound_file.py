"""A file of actions in which nothing is wrong."""

from tidings.catalogue import load

FILE = """
org = 7
[connections.mail]
type = "smtp"
host = "{host}"
security = "{security}"
sender = "Shop <news@brand.example>"
recipients = "any"
[lookups.contact]
csv = "contacts.csv"
key = "id"
by = {by}
[lookups.tier]
url = "https://api.example/{{id}}"
values = {{id = {values}}}
headers = {{{headers}}}
[actions.a]
types = ["customerAdded"]
lookups = ["contact", "tier"]
mail = {{connection = "mail", to = "{{{{ contact.mail }}}}", subject = {subject}, text = "Hello"}}
[actions.b]
types = ["CouponIssue"]
lookups = ["contact"]
[actions.b.call]
url = "https://api.example/"
headers = {{{headers}}}
json = {{x = {value}}}
"""

SOUND = {
    "host": "mail.brand.example", "security": "starttls", "headers": 'X-Brand = "acme"',
    "by": '["event.data.customerIdentifiers.customerId", "event.data.coupons[0].code"]',
    "values": '"event.data.customerIdentifiers.customerId"', "subject": '"Hi {{ contact.name }}"',
    "value": '"{{ event.eventId }}"',
}  # fmt: skip


KINDS = {kind.name: kind for kind in load().kinds()}
