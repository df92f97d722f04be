"""The sentence about a filter that matches nothing: the same on pages and of `tidings doctor`."""


def describe_no_match(looked: int, why: str) -> str:
    """Say that a filter matches none of so many events, and why not the newest of them."""
    return f"Its filter matches none of the last {looked:,} events of its types: {why}"
