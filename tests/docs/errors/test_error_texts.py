"""Every text by which something is refused, in one list, to be read aloud:
`pytest -s tests/docs/errors/test_error_texts.py`.

The texts are gathered from the code: what is handed to the constructors and functions that refuse.
`…` stands for what is filled in when it is said.
"""

import re

from tests.docs.source_texts import UNKIND, texts

CLASS_NAME = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)*(?:Error|Exception)\b")
PLACE = re.compile(r" \((?P<code>[^()]*), (?P<where>[^()]*)\)$")


def test_every_error_text_in_one_list() -> None:
    """Printed with -s. Each is kind; none shows what only a programmer knows."""
    found = texts()
    for file, line, _, said in found:
        print(f"{file}:{line}\n  {said}")
    print(f"{len(found)} texts")
    assert len(found) > 350  # the gathering still finds them
    unkind = [pair for pair in found if UNKIND.search(pair[3]) or CLASS_NAME.search(pair[3])]
    assert unkind == []
    assert [pair for pair in found if re.search(r"!(\s|$)", pair[3])] == []  # nobody is shouted at


def test_what_refuses_a_field_says_what_must_be_what_came_and_what_to_do() -> None:
    """The three sentences' parts; the code and the field are added by `Form.refuse`."""
    for file, line, by, said in texts():
        if by not in ("refuse", "CommandExit", "BadFile"):
            continue
        place = f"{file}:{line}: {said}"
        rule, _, rest = said.partition("; ")
        if said.startswith("…") or not rest:
            continue  # its rule is put together beforehand, or it is one of state, not of a field
        assert re.search(r"\bmust|\bmay\b|\bneeds\b", rule), place
        assert re.match(r"got |it |they |no|the |…", rest), place
        assert re.search(r"[.:…] ?\S", rest), f"{place}\n  says nothing of what to do"


def test_a_text_that_names_its_place_ends_with_code_and_field() -> None:
    """`refused` is given whole texts: each ends with its code and where."""
    lacking = [
        text
        for text in texts()
        if text[2] == "refused"
        and text[0].startswith("api/")
        and not PLACE.search(text[3])
        and text[3][0].isupper()
    ]
    assert lacking == []
