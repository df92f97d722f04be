"""axe-core, by the lock file of the console's own libraries: what hinders whom on a page."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "src/tidings/console/browser/node_modules/axe-core/axe.min.js"
BORNE = ("minor",)
COLOURS = ("color-contrast", "link-in-text-block")  # of those that are on, the ones of colours
RUN = """async (only) => (await axe.run(document, {
  resultTypes: ["violations"], ...(only ? {runOnly: {type: "rule", values: only}} : {}),
})).violations.map((one) => ({
  rule: one.id, impact: one.impact,
  where: one.nodes.slice(0, 3).map((node) => `${node.target}: ${node.html.slice(0, 160)}`),
}))"""


@cache
def _script() -> str:
    assert SCRIPT.exists(), f"{SCRIPT} must be there. Run make setup."
    return SCRIPT.read_text("utf-8")


def violations(page: Page, *, colours_only: bool = False) -> list[dict[str, Any]]:
    """Those above "minor", each with its rule and the first places of it."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_script() + "; 0")
    found: list[dict[str, Any]] = page.evaluate(RUN, list(COLOURS) if colours_only else None)
    return [row for row in found if row["impact"] not in BORNE]
