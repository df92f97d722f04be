"""Events to post."""

import itertools
import json
import uuid

CREATED = 1770801300412
_numbers = itertools.count(1)


def new_id() -> str:
    """An event id as platforms make them."""
    return str(uuid.uuid4())


def event(
    event_id: str,
    org: int,
    customer: int = 41200777,
    name: str = "pointsIssued",
    points: str = "66.0",
    note: str = "",
) -> bytes:
    """A complete envelope, in bytes that a JSON library would not write: nothing may touch them."""
    data = (
        f'{{ "totalPointsIssued":{points},  "programLifetimePoints": 9.80e2,'
        f'\n  "customerIdentifiers" :{{"customerId":{customer}}},"note":{json.dumps(note)} }}'
    )
    return (
        f'{{"eventName":"{name}", "eventId" : "{event_id}","orgId":{org},'
        f'"refId":"{org}_{next(_numbers)}", "createdAt":{CREATED},"data":{data}}}'
    ).encode()


def bare(name: str = "pointsIssued", **fields: object) -> bytes:
    """An envelope without what the service adds."""
    data = {"totalPointsIssued": 5, "customerIdentifiers": {"customerId": 7}}
    return json.dumps({"eventName": name, "data": data} | fields).encode()
