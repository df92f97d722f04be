"""What a test inbox is called and answers with, read from a body. Pure."""

import re
from typing import Any

import msgspec

from tidings.core.form import Form, Refusal, came, visible

NAME_MAX = 100
DELAY_MS_MAX = 60_000
BODY_MAX = 16_384
HEADERS_MAX = 20
# What frames the answer is the server's to say.
_FRAMING = frozenset(
    "connection content-length date keep-alive te trailer transfer-encoding upgrade".split()
)
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_VALUE = re.compile(r"[\x20-\x7e\t]{0,1024}")
_FIELDS = frozenset(("name", "answer"))
_ANSWER_FIELDS = frozenset(("status", "delayMs", "body", "headers"))


class InboxAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every arrival is answered with."""

    status: int = 200
    delay_ms: int = 0
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


PLAIN = InboxAnswer()


class Answered(msgspec.Struct, frozen=True):
    """What one arrival is answered with, once `delay_s` are over."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delay_s: float = 0.0


class InboxForm(msgspec.Struct, frozen=True):
    """A body that was read."""

    name: str
    answer: InboxAnswer
    warnings: tuple[Refusal, ...]


def read_inbox(
    body: dict[str, Any], name: str = "", answer: InboxAnswer = PLAIN
) -> InboxForm | list[Refusal]:
    """A name and an answer; what the body leaves out stays as given."""
    form = Form(body)
    form.warn_of_unknown(body, _FIELDS)
    said = body.get("name")
    if said is not None:
        if isinstance(said, str) and len(said) <= NAME_MAX and visible(said):
            name = said.strip()
        else:
            form.refuse(
                "bad_name",
                "name",
                f"name must be text of at most {NAME_MAX} characters; got {came(said)}. Leave it "
                "out for none.",
            )
    answer = _answer(form, body.get("answer"), answer)
    return form.refusals or InboxForm(name, answer, tuple(form.warnings))


def _answer(form: Form, said: object, old: InboxAnswer) -> InboxAnswer:
    if said is None:
        return old
    if not isinstance(said, dict):
        form.refuse(
            "bad_type",
            "answer",
            f"answer must be an object; got {came(said)}. Write "
            '{"status": 503, "delayMs": 2000}.',
        )
        return old
    form.warn_of_unknown(said, _ANSWER_FIELDS, "answer.")
    inner = Form({f"answer.{field}": value for field, value in said.items()})
    status = inner.bounded("answer.status", 200, 599, old.status, "Write 200 or 503.")
    delay = inner.bounded("answer.delayMs", 0, DELAY_MS_MAX, old.delay_ms, "Write 2000 for 2 s.")
    text = said.get("body", old.body)
    if not isinstance(text, str) or len(text.encode("utf-8", "replace")) > BODY_MAX:
        got = f"{len(text)} characters" if isinstance(text, str) else came(text)
        inner.refuse(
            "bad_body",
            "answer.body",
            f"answer.body must be text of at most {BODY_MAX} bytes; got {got}. Leave it out for "
            "none.",
        )
        text = ""
    headers = _headers(inner, said.get("headers"), old.headers)
    form.refusals += inner.refusals
    return InboxAnswer(int(status or 200), int(delay or 0), text, headers)


def _headers(
    form: Form, said: object, old: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    if said is None:
        return old
    if not isinstance(said, dict) or len(said) > HEADERS_MAX:
        form.refuse(
            "bad_headers",
            "answer.headers",
            f"answer.headers must be an object of at most {HEADERS_MAX} texts; got "
            f'{came(said)}. Write {{"Retry-After": "30"}}.',
        )
        return old
    kept = []
    for name, value in said.items():
        fits = _NAME.fullmatch(name) and name.lower() not in _FRAMING
        if fits and isinstance(value, str) and _VALUE.fullmatch(value):
            kept.append((name, value))
        else:
            form.refuse(
                "bad_header",
                f"answer.headers.{name[:64]}",
                "A header must be a name that does not frame the answer, with text of visible "
                'ASCII signs, at most 1024; got another. Write {"Retry-After": "30"}.',
            )
    return tuple(kept)
