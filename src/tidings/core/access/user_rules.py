"""How a user of an org may be asked for: e-mail address, name, role and password.

Add a field here; the rest follows.
"""

import re
import unicodedata
from typing import Annotated, Any

import msgspec

from tidings.core.access.credential_rules import NAME_MAX, PASSWORD
from tidings.core.access.scopes import ROLES
from tidings.core.declaration import Field, declared, read_body
from tidings.core.field_types import BooleanType, Choice, ParsedField, TextType
from tidings.core.form import Form, visible
from tidings.errors import FieldRefusal

EMAIL_MAX = 254
TEXT_MAX = 1024  # of a token, or what somebody types who is not known yet
_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[^\s@<>\"',;:\\()\[\]]{1,189}")
_PART = r"[^\s@<>\"',;:\\()\[\]\x00-\x20\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"


def email_of(text: str) -> str:
    """Return an address as it is compared: those that differ in case or form alone are one
    person's."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def _email(value: object) -> str | None:
    known = email_of(value) if isinstance(value, str) and len(value) <= EMAIL_MAX else ""
    return known if _EMAIL.fullmatch(known) and visible(known) else None


EMAIL = ParsedField(
    _email,
    "an address such as asha@acme.example",
    "bad_email",
    advice="Correct it.",
    schema={
        "type": "string",
        "pattern": f"^{_PART}{{1,64}}@{_PART}{{1,189}}$",
        "maxLength": EMAIL_MAX,
    },
)
GIVEN = ParsedField(
    lambda value: value if isinstance(value, str) and 0 < len(value) <= TEXT_MAX else None,
    f"text of 1 to {TEXT_MAX} characters",
    "bad_type",
    advice="Send token and password, or email, currentPassword and password.",
    schema={"type": "string", "minLength": 1, "maxLength": TEXT_MAX},
)


class WantedUser(msgspec.Struct, frozen=True):
    """A user as a body asks for it."""

    email: Annotated[
        str, Field("email", EMAIL, "What they sign in with.", label="E-mail address", bodies="new")
    ]
    name: Annotated[
        str,
        Field(
            "name",
            TextType(NAME_MAX, "bad_name", "Say who it is.", null=False),
            "Who it is.",
            label="Name",
        ),
    ] = ""
    role: Annotated[
        str,
        Field(
            "role",
            Choice(
                tuple(ROLES),
                "bad_role",
                labels=(
                    "owner: everything, also other owners",
                    "admin: everything but owners",
                    "operator: everything but settings, credentials and users",
                    "reader: looks, and changes nothing",
                ),
            ),
            "What they may do in the org, in open sessions too.",
            label="Role",
            hint="In force for open sessions at once.",
        ),
    ] = "reader"
    disabled: Annotated[
        bool,
        Field(
            "disabled",
            BooleanType(),
            "Whether they are kept out of the org.",
            bodies="change",
            answered=False,
        ),
    ] = False
    password: Annotated[
        str | None,
        Field("password", PASSWORD, "For the platform's credential.", bodies="new", answered=False),
    ] = None

    def __repr__(self) -> str:
        """Show it without the password."""
        return f"WantedUser(role={self.role!r})"


USER = declared(WantedUser)


class NewPassword(msgspec.Struct, frozen=True):
    """A password that somebody sets."""

    password: Annotated[str, Field("password", PASSWORD)]

    def __repr__(self) -> str:
        """Show its name alone, without the password."""
        return "NewPassword()"


class PasswordChange(NewPassword, frozen=True):
    """A password by a link, or by the current one."""

    token: Annotated[str | None, Field("token", GIVEN, "Of an invitation or a reset.")] = None
    email: Annotated[
        str | None, Field("email", GIVEN, "Without a token; and then with currentPassword.")
    ] = None
    current: Annotated[str | None, Field("currentPassword", GIVEN)] = None


def read_password_change(body: dict[str, Any]) -> PasswordChange | list[FieldRefusal]:
    """Read a body; return what it says, or everything that is wrong with it."""
    form = Form(body)
    wanted = read_body(PasswordChange, form)
    if body.get("token") is None:
        for field in ("email", "currentPassword"):
            if body.get(field) is None:
                GIVEN.refuse_in(form, field)
    return form.refusals or wanted
