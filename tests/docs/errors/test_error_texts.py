"""Every text by which something is refused, in one list, to be read aloud:
`pytest -s tests/docs/errors/test_error_texts.py`.

The texts are gathered from the code: what is handed to the constructors and functions that refuse.
`…` stands for what is filled in when it is said.
"""

import ast
import re

from tests.docs.source_texts import SOURCE, UNKIND, _words, texts
from tests.syntax import parsed, walk

CLASS_NAME = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)*(?:Error|Exception)\b")
PLACE = re.compile(r"[.:?…] \([a-z0-9_…]+, [^()]+\)$")


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


def test_code_and_place_are_put_to_a_text_in_one_place() -> None:
    """`errors.py` ends a text with its code and what it is about; nobody writes the end himself, so
    the two cannot say different things."""
    by_hand = [
        (path.relative_to(SOURCE).as_posix(), node.lineno, said)
        for path in SOURCE.rglob("*.py")
        if "node_modules" not in path.parts
        for node in walk(parsed(path))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and (said := _words(node)) is not None
        and PLACE.search(said)
    ]
    apart = {
        "errors.py",  # here it is done
        "server/refusals.py",  # knows nothing of Tidings
        "api/openapi/accept.py",  # an example of an answer
    }
    assert [text for text in by_hand if text[0] not in apart] == []
    assert {text[0] for text in by_hand} == apart  # the search finds them


def test_a_refusal_of_the_api_is_ended_with_code_and_place() -> None:
    """`refused` and `because` are given the parts."""
    lacking = [
        text
        for text in texts()
        if text[2] in ("refused", "because", "build")
        and text[0].startswith("api/")
        and not PLACE.search(text[3])
    ]
    assert lacking == []
