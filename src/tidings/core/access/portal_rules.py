"""A brand's portal inside the product of its platform: what a link to it may ask for. Pure.

Everything here goes into headers, a stylesheet and an image of the page: each is matched against a
narrow pattern, so that none of it can say more than it is for.

Add a field here; the rest follows.
"""

import base64
import binascii
import re
from typing import Annotated, Any

import msgspec

from tidings.core.declaration import Field, read_resource, settable_names
from tidings.core.field_types import Choice, Number, ParsedField, TextType
from tidings.core.form import Form
from tidings.core.ids import OrgId
from tidings.errors import FieldRefusal

MINUTES, MINUTES_MAX = 10, 60
NAME_MAX = 60
LOGO_BYTES_MAX = 32 * 1024
URL_MAX = 2048
ORIGINS_MAX = 10
ROLES = ("reader", "operator")
COLOUR = "#1a56bf"

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_HTTPS = re.compile(rf"(https://{_HOST}(?::[0-9]{{1,5}})?)(/[A-Za-z0-9._~!$&()*+,=:@%/?-]*)?")
_ORIGIN = re.compile(
    rf"https://{_HOST}(?::[0-9]{{1,5}})?|http://(?:localhost|127\.0\.0\.1)(?::[0-9]{{1,5}})?"
)
# The same for JSON Schema, which knows no other groups.
_PLACE = "[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?"
_B = "[A-Za-z0-9+/]"  # base64
_LOGO = (
    f"^(https://{_PLACE}(/[A-Za-z0-9._~!$&()*+,=:@%/?-]*)?"
    r"|data:image/(png|jpeg|gif|webp|svg\+xml);base64,"
    f"({_B}{{4}})*({_B}{{4}}|{_B}{{3}}=|{_B}{{2}}==))$"
)
_ORIGINS = rf"^(https://{_PLACE}|http://(localhost|127\.0\.0\.1)(:[0-9]{{1,5}})?)$"
_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,([A-Za-z0-9+/]+={0,2})")


def _is_image(value: str) -> bool:
    found = _DATA.fullmatch(value)
    try:
        return (
            found is not None and len(base64.b64decode(found[1], validate=True)) <= LOGO_BYTES_MAX
        )
    except (binascii.Error, ValueError):
        return False


def _logo(value: object) -> str | None:
    if not isinstance(value, str) or len(value) > 2 * LOGO_BYTES_MAX:
        return None
    fits = (len(value) <= URL_MAX and _HTTPS.fullmatch(value)) or _is_image(value)
    return value if fits else None


def _origins(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or len(value) > ORIGINS_MAX:
        return None
    fits = all(isinstance(origin, str) and _ORIGIN.fullmatch(origin) for origin in value)
    return tuple(dict.fromkeys(value)) if fits else None


LOGO = ParsedField(
    _logo,
    f"an https URL, or a data: URI in base64 of an image of at most {LOGO_BYTES_MAX} bytes",
    "bad_logo",
    advice="Leave it out for none.",
    schema={"type": "string", "pattern": _LOGO, "maxLength": 2 * LOGO_BYTES_MAX},
    shows=lambda logo: logo or None,
)
HUE = ParsedField(
    lambda value: value.lower() if isinstance(value, str) and _COLOUR.fullmatch(value) else None,
    "six hex digits behind #",
    "bad_colour",
    advice='Write "#1a56bf".',
    schema={"type": "string", "pattern": f"^{_COLOUR.pattern}$"},
)
PAGES = ParsedField(
    _origins,
    f"a list of at most {ORIGINS_MAX} origins, https or of this machine",
    "bad_origins",
    advice='Write ["https://app.example.com"], without a path.',
    schema={
        "type": "array",
        "items": {"type": "string", "pattern": _ORIGINS},
        "maxItems": ORIGINS_MAX,
    },
    shows=list,
)


class Portal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The contents of a portal, and what may be done in it."""

    org: OrgId
    role: Annotated[
        str,
        Field(
            "role",
            Choice(
                ROLES,
                "bad_role",
                labels=(
                    "reader: looks, and changes nothing",
                    "operator: everything but settings, credentials and users",
                ),
            ),
            "What may be done in it.",
            default=ROLES[0],
            label="Role",
        ),
    ]
    name: Annotated[  # the platform's
        str,
        Field(
            "name",
            TextType(NAME_MAX, "bad_name", "Write the name of your product.", least=1),
            "Of your product, as its users know it.",
            label="Name of your product",
            hint="Stands where the console says Tidings.",
        ),
    ]
    logo: Annotated[
        str,
        Field(
            "logo",
            LOGO,
            f"An https URL, or a data: URI of at most {LOGO_BYTES_MAX} bytes.",
            label="Logo",
            hint="An https URL, or a data: URI of an image of at most 32 KB. Empty: none.",
        ),
    ] = ""
    colour: Annotated[
        str,
        Field(
            "colour",
            HUE,
            "Of links and buttons: six hex digits behind #.",
            label="Colour of links and buttons",
            hint="Six hex digits behind #. Darkened or lightened until it can be read.",
        ),
    ] = COLOUR
    embed_in: Annotated[  # none: it stands alone
        tuple[str, ...],
        Field(
            "embedIn",
            PAGES,
            "Origins of pages that may hold it in a frame.",
            label="Pages that may hold it in a frame",
            hint="Their origins, such as https://app.example.com, with spaces between them. Empty: "
            "it opens in a window of its own.",
        ),
    ] = ()

    @property
    def logo_origin(self) -> str:
        """Return the origin that the logo is fetched from; empty for one that is in the page
        itself."""
        found = _HTTPS.fullmatch(self.logo)
        return "" if found is None else found[1]


class PortalLinkFields(msgspec.Struct, frozen=True):
    """The fields of a link's body besides the portal's."""

    minutes: Annotated[
        float,
        Field(
            "expiresInMinutes",
            Number(1, MINUTES_MAX, f"Leave it out for {MINUTES}."),
            "For how long the link can be opened.",
            label="Minutes until the link expires",
        ),
    ] = MINUTES


def read_portal(org: OrgId, body: dict[str, Any]) -> tuple[Portal, int] | list[FieldRefusal]:
    """Read a body; return the portal and the minutes for which its link is good, or all that is
    wrong."""
    form = Form(body)
    form.refuse_unknown(settable_names(Portal, PortalLinkFields))
    link = read_resource(PortalLinkFields, form, None)
    portal = read_resource(Portal, form, None, org=org)
    return form.refusals or (portal, round(link.minutes * 60_000))


# -- the colour, so that it can be read -----------------------------------------------------------

_PAPER = (0xFF, 0xFF, 0xFF)
_DARK = (0x12, 0x15, 0x1B)
CONTRAST = 4.5  # WCAG 2.2, AA, for text
_STEPS = 20

Rgb = tuple[int, int, int]


class Accents(msgspec.Struct, frozen=True):
    """A colour for both themes, and what is written on it."""

    light: str
    dark: str
    light_ink: str
    dark_ink: str


def accents(colour: str) -> Accents:
    """Derive the accents of a page from a colour `#rrggbb`, darkened for light pages and lightened
    for dark ones until it can be read."""
    rgb = (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
    light = _towards(rgb, (0, 0, 0), _PAPER)
    dark = _towards(rgb, (0xFF, 0xFF, 0xFF), _DARK)
    return Accents(_hex(light), _hex(dark), _ink(light), dark_ink=_ink(dark))


def _towards(rgb: Rgb, end: Rgb, paper: Rgb) -> Rgb:
    """Find the first of some steps from `rgb` to `end` that stands out from `paper`, its wash
    included."""
    mixed = rgb
    for step in range(_STEPS + 1):
        mixed = _mix(rgb, end, step / _STEPS)
        # Links stand on the wash too, which is a tenth of the colour: a little more is asked.
        if _contrast(mixed, _mix(paper, mixed, 0.1)) >= CONTRAST:
            return mixed
    return mixed


def _mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    a, b, c = (
        round(channel + (y - channel) * share) for channel, y in zip(one, other, strict=True)
    )
    return a, b, c


def _ink(rgb: Rgb) -> str:
    white, black = (0xFF, 0xFF, 0xFF), (0, 0, 0)
    return _hex(white if _contrast(rgb, white) >= _contrast(rgb, black) else black)


def _contrast(one: Rgb, other: Rgb) -> float:
    """Compute the contrast ratio of WCAG 2.2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: Rgb) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _hex(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
