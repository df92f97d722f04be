"""The SQL of the page on sources, for the tests that carry it out."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
DDL, GRANTS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
