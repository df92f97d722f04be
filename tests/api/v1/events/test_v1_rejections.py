"""A refused event is sent again: by today's rules, and out of the list once it is accepted."""

from tests.api.control_client import Service, service
from tidings import catalogue
from tidings.core.ids import OrgId, show
from tidings.store import port

GOOD = catalogue.load().get("pointsIssued")


async def refuse(s: Service, body: bytes, org: int = 1) -> str:
    """Keep a refused event; its id."""
    kept = port.NewRejection(OrgId(org), "pointsIssued", "e-1", "bad", "It must be.", "data", body)
    await s.store.commit(port.Batch(s.registry.version, rejections=[kept]))
    page = await s.store.log_rejections(OrgId(org), None, None, 1)
    return show("rej", page.rejections[0].id)


def good(event_id: str = "e-1") -> bytes:
    import json  # noqa: PLC0415  # beside its only use

    assert GOOD is not None
    return json.dumps({**GOOD.example, "eventId": event_id, "orgId": 0}).encode()


async def test_what_fits_now_is_accepted_and_leaves_the_list() -> None:
    async with service() as s:
        rejection = await refuse(s, good())
        reply = await s.call("POST", f"/v1/rejections/{rejection}/retry")
        assert reply.status == 202, reply.body
        assert (reply.json["eventId"], reply.json["status"]) == ("e-1", "accepted")
        assert (await s.call("GET", "/v1/events/e-1")).status == 200
        assert (await s.call("GET", "/v1/rejections")).json["rejections"] == []
        again = await s.call("POST", f"/v1/rejections/{rejection}/retry")
        assert again.status == 404
        twin = await refuse(s, good())
        reply = await s.call("POST", f"/v1/rejections/{twin}/retry")
        assert reply.json["status"] == "duplicate"


async def test_one_is_shown_as_the_list_shows_it_to_its_own_org_alone() -> None:
    async with service() as s:
        id = await refuse(s, good())
        listed = (await s.call("GET", "/v1/rejections")).json["rejections"]
        assert [(await s.call("GET", f"/v1/rejections/{id}")).json] == listed
        other = await s.add_org(2)
        for auth, wanted in ((other, id), ("", show("rej", 900)), ("", "rej_x"), ("", "e-1")):
            reply = await s.call("GET", f"/v1/rejections/{wanted}", auth=auth)
            assert reply.status == 404 and reply.json["error"]["code"] == "not_found"


async def test_what_still_does_not_fit_stays_with_the_reason_of_today() -> None:
    async with service() as s:
        for body, code in (
            (b'{"eventName":"pointsIssued","data":{"totalPointsIssued":"many"}}', None),
            (b'{"eventName":"unheardOf","data":{}}', "unknown_type"),
            (b"{", "not_json"),
        ):
            rejection = await refuse(s, body)
            reply = await s.call("POST", f"/v1/rejections/{rejection}/retry")
            assert reply.status == 422, reply.body
            assert code is None or reply.json["error"]["code"] == code
        listed = (await s.call("GET", "/v1/rejections")).json["rejections"]
        assert len(listed) == 3
        assert (await s.store.counts()).events == 0


async def test_anothers_refused_event_is_not_there() -> None:
    async with service() as s:
        other, lower = await s.add_org(2), await s.add_org(3, scopes="logs:read")
        rejection = await refuse(s, good())
        for path in (f"/v1/rejections/{rejection}/retry", "/v1/rejections/rej_1/retry"):
            assert (await s.call("POST", path, auth=other)).status == 404
            assert (await s.call("POST", path, auth=lower)).status == 403
        assert (await s.store.counts()).events == 0
