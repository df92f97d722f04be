"""How a user of an org may be asked for: e-mail address, name, role and password."""

import re
import unicodedata
from typing import Any

import msgspec

from tidings.core.access.credential_rules import read_name, read_password
from tidings.core.access.scopes import ROLES
from tidings.core.form import Form, came, visible
from tidings.errors import Refusal

EMAIL_MAX = 254
_EMAIL = re.compile(r"[^\s@<>\"',;:\\()\[\]]{1,64}@[^\s@<>\"',;:\\()\[\]]{1,189}")
_CREATE = frozenset(("email", "name", "role", "password"))
_CHANGE = frozenset(("name", "role", "disabled"))


class WantedUser(msgspec.Struct, frozen=True):
    """A user as a body asks for it."""

    email: str = ""
    name: str = ""
    role: str = ""
    disabled: bool = False
    password: str | None = None

    def __repr__(self) -> str:
        """Without the password."""
        return f"WantedUser(role={self.role!r})"


def email_of(text: str) -> str:
    """An address as it is compared: what differs in case or form is one person's."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def read_new_user(body: dict[str, Any]) -> WantedUser | list[Refusal]:
    """What a creation asks for, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_CREATE)
    email = body.get("email")
    known = email_of(email) if isinstance(email, str) and len(email) <= EMAIL_MAX else ""
    if not _EMAIL.fullmatch(known) or not visible(known):
        form.refuse(
            "bad_email",
            "email",
            f"email must be an address such as asha@acme.example; got {came(email)}. Correct it.",
        )
    name = read_name(form, "", "Say who it is.")
    role = _role(form, "reader")
    password = read_password(form)
    return form.refusals or WantedUser(known, name, role, password=password)


def read_user_change(body: dict[str, Any], old: WantedUser) -> WantedUser | list[Refusal]:
    """What a change asks for over the old, or everything that is wrong with it."""
    form = Form(body)
    form.refuse_unknown(_CHANGE)
    name = read_name(form, old.name, "Say who it is.")
    role = _role(form, old.role)
    disabled = form.flag("disabled", old.disabled)
    changed = msgspec.structs.replace(old, name=name, role=role, disabled=disabled)
    return form.refusals or changed


def _role(form: Form, old: str) -> str:
    return form.choice("role", tuple(ROLES), old, "bad_role")
