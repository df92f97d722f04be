"""The file of sources: at each start they are as it says, and nobody else changes them."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.control_client import Service, service
from tidings.app.operator_files.operator_file import FileRefused
from tidings.app.operator_files.sources import declare_sources
from tidings.core.connections.connection import Connection, Connections
from tidings.core.ids import OrgId
from tidings.core.sources.source import NAMED

SECRET = "a value that is long"
SHOP = """
[shop]
org = 1
verification = {type = "header", header = "X-Key", value = "${SHOP_KEY}"}
mapping = {eventName = {path = "topic"}}
"""
FIRST = """
[first]
org = 1
verification = {type = "header", header = "X-Key", value = "a value that is long"}
"""
TOPIC = """
[loyalty]
org = 1
type = "kafka"
connection = "main"
orgs = "named"
kafka = {topics = ["loyalty.events"], group = "ours"}
mapping = '{"eventName": {"path": "type", "names": {"POINTS": "pointsIssued", "*": null}}}'
"""


async def declare(s: Service, directory: Path, text: str | None) -> None:
    """As a start does it."""
    path = directory / "sources.toml"
    path.write_text(text or "")
    sources, orgs = s.parts.sources.sources, s.parts.orgs
    sources.connections = Connections([Connection("main", "kafka", {})])
    await declare_sources(
        None if text is None else path,
        sources,
        lambda org: orgs.get(org) is not None,
        {"SHOP_KEY": SECRET},
    )


async def changed_at(s: Service, name: str) -> Any:
    return (await s.call("GET", f"/v1/sources/{name}")).json["changedAt"]


async def test_sources_are_as_the_file_says_at_each_start(tmp_path: Path) -> None:
    async with service() as s:
        await declare(s, tmp_path, SHOP + TOPIC)
        shop = (await s.call("GET", "/v1/sources/shop")).json
        assert (shop["type"], shop["declaredIn"]) == ("webhook", "sources.toml")
        assert (
            SECRET not in str(shop)
            and SECRET.encode() not in s.parts.sources.sources.all()[0].stored.sealed
        )
        topic = s.parts.sources.sources.get(OrgId(1), "loyalty").source
        assert topic.orgs == NAMED and topic.mapping is not None and topic.kafka is not None
        before = await changed_at(s, "shop")
        s.clock.ms += 5000
        await declare(s, tmp_path, SHOP + TOPIC)
        assert await changed_at(s, "shop") == before  # nothing was written
        await declare(s, tmp_path, SHOP.replace("topic", "kind") + TOPIC)
        changed = (await s.call("GET", "/v1/sources/shop")).json
        assert changed["mapping"]["eventName"] == {"path": "kind"} and changed["id"] == shop["id"]
        await s.parts.sources.sources.load()  # as the next process reads it
        assert (await s.call("GET", "/v1/sources/shop")).json["declaredIn"] == "sources.toml"


async def test_nobody_changes_or_deletes_what_the_file_declares(tmp_path: Path) -> None:
    async with service() as s:
        await declare(s, tmp_path, SHOP)
        change: dict[str, Any] = {"mapping": None}
        for method, body in (("PATCH", change), ("DELETE", None)):
            reply = await s.call(method, "/v1/sources/shop", body)
            error = reply.json["error"]
            assert (reply.status, error["code"]) == (409, "declared_in_file")
            assert "sources.toml" in error["message"] and str(tmp_path) not in error["message"]
        body = {"message": {"body": "{}"}, "source": {"mapping": None}}
        assert (await s.call("POST", "/v1/sources/shop/preview", body)).status == 200


async def test_who_pauses_it_is_not_contradicted_by_a_file_that_says_nothing_of_it(
    tmp_path: Path,
) -> None:
    async with service() as s:
        await declare(s, tmp_path, SHOP)
        assert (await s.call("POST", "/v1/sources/shop/pause")).json["paused"] is True
        await declare(s, tmp_path, SHOP)
        assert (await s.call("GET", "/v1/sources/shop")).json["paused"] is True
        await declare(s, tmp_path, SHOP + "paused = false\n")
        assert (await s.call("GET", "/v1/sources/shop")).json["paused"] is False
        assert (await s.call("POST", "/v1/sources/shop/pause")).status == 409
        assert (await s.call("POST", "/v1/sources/shop/resume")).status == 200  # it is so


@pytest.mark.parametrize("later", ["", None])
async def test_what_the_file_has_no_longer_is_paused_and_its_peoples(
    tmp_path: Path, later: str | None
) -> None:
    async with service() as s:
        await declare(s, tmp_path, SHOP)
        reply = await s.call("POST", "/in/1/shop", {"n": 1}, auth=None, X_Key=SECRET)
        assert reply.json["aside"] is True
        await declare(s, tmp_path, later)
        shop = (await s.call("GET", "/v1/sources/shop")).json
        assert (shop["paused"], shop["declaredIn"], shop["asideMessages"]) == (True, None, 1)
        assert (await s.call("PATCH", "/v1/sources/shop", {"mapping": None})).status == 200
        await declare(s, tmp_path, SHOP)  # it is there again, and takes messages
        again = (await s.call("GET", "/v1/sources/shop")).json
        assert (again["paused"], again["id"]) == (False, shop["id"])
        await declare(s, tmp_path, later)
        assert (await s.call("DELETE", "/v1/sources/shop")).status == 204


async def test_a_source_that_was_made_by_a_call_becomes_the_files(tmp_path: Path) -> None:
    async with service() as s:
        proof = {"type": "header", "header": "X-Other", "value": "an older one that is long"}
        body = {"name": "shop", "verification": proof}
        made = (await s.call("POST", "/v1/sources", body)).json
        await declare(s, tmp_path, SHOP)
        shop = (await s.call("GET", "/v1/sources/shop")).json
        assert (shop["id"], shop["verification"]["header"]) == (made["id"], "X-Key")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[shop", "must be TOML"),
        ("shop = 1", r"\[shop\] must be a table"),
        ('[shop]\ntype = "webhook"', r"\[shop\] org must be the id of an org that is there"),
        (SHOP.replace("org = 1", "org = 7"), r"org must be .* there; got 7"),
        (SHOP.replace("SHOP_KEY", "OTHER"), r"\[shop\] verification.value must be set .* as OTHER"),
        (SHOP + "colour = 1", r"\[shop\] .*colour"),
        (SHOP.replace('path = "topic"', "path = 7"), r"field mapping\.eventName"),
        (SHOP.replace("[shop]", "[Shop]"), r"\[Shop\] name must be"),
        (SHOP + TOPIC.replace("[loyalty]", "[l]\nname = 'shop'"), r"\[l\] must have a name of its"),
        (TOPIC.replace('"main"', '"other"'), r"\[loyalty\] connection must be one of type kafka"),
        (TOPIC.replace("'{\"eventName", "'{eventName"), r"\[loyalty\] mapping must be a table, or"),
        (SHOP + "since = 2026-01-01", r"\[shop\] .*since"),
    ],
)
async def test_what_is_wrong_is_told_by_file_table_and_field_and_nothing_is_changed(
    tmp_path: Path, text: str, said: str
) -> None:
    async with service() as s:
        with pytest.raises(FileRefused, match=said) as told:
            await declare(s, tmp_path, text + FIRST)
        assert str(tmp_path / "sources.toml") in str(told.value)
        assert SECRET not in str(told.value) and not s.parts.sources.sources.all()
