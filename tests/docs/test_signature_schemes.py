"""The page of the contract has every signature scheme, as it is declared."""

from pathlib import Path

from tests.docs.signature_schemes import rows, with_table
from tidings.core.shaping.signatures.schemes import SCHEMES

PAGE = Path(__file__).parents[2] / "docs" / "contract" / "delivery.md"


def test_the_table_is_that_of_the_declarations() -> None:
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page, "run make docs"
    assert len(rows().splitlines()) == 2 + len(SCHEMES) > 3
