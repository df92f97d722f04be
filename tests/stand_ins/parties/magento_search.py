"""The search criteria of Magento's REST API: read from a query, and applied to customers."""

import re
from typing import Any

FILTER = re.compile(
    r"searchCriteria\[(?:filter_groups|filterGroups)\]\[(\w+)\]\[filters\]\[(\w+)\]"
    r"\[(field|value|condition_type|conditionType)\]"
)
PAGE = {"pageSize": "page_size", "page_size": "page_size"}
CURRENT = {"currentPage": "current_page", "current_page": "current_page"}


class Criteria:
    """What a query asks for; `given` is whether it has criteria at all."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.given = any(name.startswith("searchCriteria") for name, _ in pairs)
        self.page_size: int | None = None
        self.current_page = 1
        groups: dict[str, dict[str, dict[str, str]]] = {}
        for name, value in pairs:
            if (found := FILTER.fullmatch(name)) is not None:
                group, one, field = found.groups()
                field = field.replace("conditionType", "condition_type")
                groups.setdefault(group, {}).setdefault(one, {})[field] = value
            elif (inner := name.removeprefix("searchCriteria[").removesuffix("]")) in PAGE:
                self.page_size = int(value)
            elif inner in CURRENT:
                self.current_page = int(value)
        self.groups = [
            [{"condition_type": "eq", "value": ""} | row for row in group.values()]
            for group in groups.values()
        ]

    def fields(self) -> list[str]:
        """The names of the attributes that it asks for."""
        return [row.get("field", "") for group in self.groups for row in group]

    def shown(self) -> dict[str, Any]:
        """It, as an answer repeats it."""
        groups = [{"filters": group} for group in self.groups]
        page = {} if self.page_size is None else {"page_size": self.page_size}
        return {"filter_groups": groups} | page | {"current_page": self.current_page}

    def page(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The asked page of what was found."""
        if self.page_size is None:
            return found
        start = (self.current_page - 1) * self.page_size
        return found[start : start + self.page_size]

    def meets(self, attributes: dict[str, str]) -> bool:
        """Whether a customer is asked for: by one filter of each group."""
        return all(any(_meets(row, attributes) for row in group) for group in self.groups)


def _meets(one: dict[str, str], attributes: dict[str, str]) -> bool:
    held, value, how = attributes.get(one["field"]), one["value"], one["condition_type"]
    if how in ("null", "notnull"):
        return (held is None) == (how == "null")
    if held is None:
        return False
    if how in ("gt", "gteq", "lt", "lteq"):
        order = _compared(held, value)
        return order > 0 if how == "gt" else order < 0 if how == "lt" else (
            order >= 0 if how == "gteq" else order <= 0
        )  # fmt: skip
    if how in ("in", "nin"):
        return (held.lower() in value.lower().split(",")) == (how == "in")
    if how in ("like", "nlike"):
        pattern = re.escape(value).replace("%", ".*").replace("_", ".")
        return bool(re.fullmatch(pattern, held, re.IGNORECASE)) == (how == "like")
    return (held.lower() == value.lower()) == (how == "eq")


def _compared(held: str, value: str) -> int:
    try:
        a, b = float(held), float(value)
    except ValueError:
        return (held > value) - (held < value)
    return (a > b) - (a < b)
