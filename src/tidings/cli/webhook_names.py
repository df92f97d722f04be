"""Webhooks by what a person calls them: an id, or a name."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tidings.cli.calls import ApiClient
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.output import clean

WEBHOOK_ID = re.compile(r"[0-9a-f]{24}")
PATH = "/v3/webHooks"


def all_webhooks(api: ApiClient) -> list[dict[str, Any]]:
    """Return all webhooks of the org, deleted ones too."""
    found: list[dict[str, Any]] = api.get(PATH)
    return found


def names_of(api: ApiClient, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of webhooks by their ids, for people, by one call for all. It has no name
    where no webhook of the org has the id, or the credential may not read them."""
    wanted = {id for id in ids if id is not None}
    if not wanted:
        return {}
    try:
        webhooks = all_webhooks(api)
    except CommandExit:
        return {}  # they only explain what is printed beside them
    return {
        webhook["webHookId"]: clean(webhook["name"])
        for webhook in webhooks
        if webhook["webHookId"] in wanted
    }


def is_there(webhook: dict[str, Any]) -> bool:
    """Return whether it was not deleted."""
    return bool(webhook["standing"] != "deleted")


def find_webhook(api: ApiClient, word: str) -> dict[str, Any]:
    """Find the webhook of an id, or of a name that was not deleted. Raise CommandExit where there
    is none."""
    if WEBHOOK_ID.fullmatch(word.lower()):
        try:
            found: dict[str, Any] = api.get(f"{PATH}/{word.lower()}")
        except CommandExit as stop:
            if stop.code is not Exit.NOT_FOUND:
                raise
            raise CommandExit(
                f"WEBHOOK must be the name or id of a webhook of the org; got {word}, which does "
                "not exist. Check the id, and the org of the credential.",
                Exit.NOT_FOUND,
                stop.step,
            ) from None
        return found
    return named(all_webhooks(api), word)


def named(webhooks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the webhook of this name among these that was not deleted. Raise CommandExit where
    there is none."""
    there = {webhook["name"]: webhook for webhook in webhooks if is_there(webhook)}
    if name in there:
        return there[name]
    import difflib

    near = difflib.get_close_matches(name, there, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    shown = name if len(name) <= 60 else name[:60] + "…"
    raise CommandExit(
        f"WEBHOOK must be the name or id of a webhook of the org; got {shown}.{hint} "
        "`tidings webhooks list` shows them all.",
        Exit.NOT_FOUND,
    )


def of_consumer_group(api: ApiClient, id: str) -> dict[str, Any]:
    """Return the webhook of a consumer group, one that was not deleted first. Raise CommandExit
    where there is none."""
    for webhook in sorted(all_webhooks(api), key=is_there, reverse=True):
        if webhook["consumerGroupId"] == id.lower():
            return webhook
    raise CommandExit(
        "ID must be the consumer group of a webhook; no webhook of the org has it. Check it.",
        Exit.NOT_FOUND,
    )


def tag(webhook: dict[str, Any]) -> str:
    """Return the ETag of a webhook as it was read."""
    return f'"{webhook["version"]}"'


def acts(webhook: Mapping[str, Any]) -> bool:
    """Return whether it is an action, which the operator's file declares."""
    return bool(webhook.get("webHookType") == "ACTION")


def is_pulled(webhook: Mapping[str, Any]) -> bool:
    """Return whether its messages are fetched by a reader."""
    return bool(webhook.get("webHookType") == "PULL")
