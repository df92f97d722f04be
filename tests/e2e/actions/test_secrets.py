"""A secret that an action calls with goes to whoever is called, and is kept and shown nowhere."""

import json
from pathlib import Path

from tests.e2e.harness.events import bare
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import ORG
from tests.e2e.harness.store.kept import kept_in
from tests.e2e.harness.until import until

FILE = """
org = {org}

[actions.tell]
types = ["customerAdded"]

[actions.tell.call]
url = "${{file:{hook}}}"
values = {{id = "event.data.customerIdentifiers.customerId"}}
json = {{text = "A member has come."}}
"""
SECRET = "T0-a-secret-in-the-path-of-a-url"


def test_a_url_that_is_a_secret_is_called_at_each_attempt_and_kept_nowhere(
    own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    path = f"/services/{SECRET}/7"
    receiver.plan(path, first=[{"status": 503, "body": f"You called {path}."}])
    (tmp_path / "hook").write_text(receiver.url(f"/services/{SECRET}/{{id}}") + "\n")
    file = tmp_path / "actions.toml"
    file.write_text(FILE.format(org=ORG, hook=tmp_path / "hook"))
    service = own_service(actions=file).start()
    event = json.loads(bare()) | {"eventName": "customerAdded"}
    event["data"]["customerIdentifiers"] = {"customerId": 7}
    with service.api(ORG) as api:
        api.accept(json.dumps(event).encode())
        receiver.wait(path, 1)
        service.kill_all()
        service.start()
        receiver.wait(path, 2)
    with service.api(ORG) as api:
        until(lambda: api.get("/v1/deliveries?states=delivered").must(200)["deliveries"], "done")
        [run] = api.get("/v1/deliveries").must(200)["deliveries"]
        said = [
            api.get(at).must(200)
            for at in (f"/v1/deliveries/{run['id']}", "/v1/actions", "/v1/actions/tell")
        ]
    assert SECRET not in json.dumps(said)
    service.stop()
    kept = list(kept_in(service.data))
    assert len(kept) > 2
    assert not [name for name, content in kept if SECRET.encode() in content]
    assert SECRET not in service.words()
