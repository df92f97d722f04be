"""How a user of an org may be asked for: e-mail address, name, role and password."""

import re
import unicodedata
from typing import Annotated, Any

import msgspec

from tidings.core.access.credential_rules import NAME_MAX, PASSWORD
from tidings.core.access.scopes import ROLES
from tidings.core.declaration import (
    Choice,
    Field,
    Flag,
    Part,
    Text,
    declared,
    read_resource,
)
from tidings.core.form import Form, came, visible
from tidings.errors import Refusal

EMAIL_MAX = 254
_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[^\s@<>\"',;:\\()\[\]]{1,189}")
_PART = r"[^\s@<>\"',;:\\()\[\]\x00-\x20\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"


class WantedUser(msgspec.Struct, frozen=True):
    """A user as a body asks for it."""

    email: Annotated[
        str,
        Field(
            "email",
            Part(
                lambda form, _field, _standing: _email(form),
                {
                    "type": "string",
                    "pattern": f"^{_PART}{{1,64}}@{_PART}{{1,189}}$",
                    "maxLength": EMAIL_MAX,
                },
                answers={"type": "string"},
            ),
            "What they sign in with.",
            "E-mail address",
            bodies="new",
        ),
    ]
    name: Annotated[
        str, Field("name", Text(NAME_MAX, "bad_name", "Say who it is."), "Who it is.", "Name")
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
            "Role",
            "In force for open sessions at once.",
        ),
    ] = "reader"
    disabled: Annotated[
        bool, Field("disabled", Flag(), "Whether they are kept out of the org.", bodies="change")
    ] = False
    password: Annotated[
        str | None,
        Field("password", PASSWORD, "For the platform's credential.", bodies="new"),
    ] = None

    def __repr__(self) -> str:
        """Without the password."""
        return f"WantedUser(role={self.role!r})"


def email_of(text: str) -> str:
    """An address as it is compared: what differs in case or form is one person's."""
    return unicodedata.normalize("NFKC", text).strip().lower()


USER = declared(WantedUser)
_CREATE = frozenset(one.name for one in USER if one.is_said(new=True))
_CHANGE = frozenset(one.name for one in USER if one.is_said(new=False))


def read_new_user(body: dict[str, Any]) -> WantedUser | list[Refusal]:
    """What a creation asks for, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_CREATE)
    wanted = read_resource(WantedUser, form, None)
    return form.refusals or wanted


def read_user_change(body: dict[str, Any], old: WantedUser) -> WantedUser | list[Refusal]:
    """What a change asks for over the old, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_CHANGE)
    wanted = read_resource(WantedUser, form, old)
    return form.refusals or wanted


def _email(form: Form) -> str:
    value = form.body.get("email")
    known = email_of(value) if isinstance(value, str) and len(value) <= EMAIL_MAX else ""
    if not _EMAIL.fullmatch(known) or not visible(known):
        form.refuse(
            "bad_email",
            "email",
            f"email must be an address such as asha@acme.example; got {came(value)}. Correct it.",
        )
    return known
