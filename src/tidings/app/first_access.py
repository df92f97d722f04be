"""Who comes in first: the credential of a first start, and the link that `--dev` prints."""

import sys

from tidings.core.audit.actor import operator_actor
from tidings.core.ids import OrgId
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.access_services import AccessServices
from tidings.engine.audit.current_actor import acting_as
from tidings.settings.settings import Settings


def first_org(settings: Settings, org_of_file: OrgId | None) -> OrgId:
    """Return the org of the platform's first credential."""
    return OrgId(settings.bootstrap_org or org_of_file or 1)


async def first_credential(
    settings: Settings, access: CredentialBook, org_of_file: OrgId | None
) -> None:
    """Have the platform's credential that the settings give, or one at the first start."""
    org = first_org(settings, org_of_file)
    key, secret = settings.bootstrap_key, settings.bootstrap_secret
    with acting_as(operator_actor("serve")):
        if key is not None and secret is not None:
            await access.ensure_bootstrap(org, key, secret.reveal())
            return
        fresh = await access.first_credential(org)
    if fresh is not None:
        print(
            f"First start: org {org} and the platform's own credential are made.\n"
            f"  key     {fresh.key}\n"
            f"  secret  {fresh.secret}\n"
            "The secret is shown only once; save it now.",
            file=sys.stderr,
        )


async def console_link(settings: Settings, access_services: AccessServices) -> str | None:
    """Make a link that signs in to the console once. None without `--dev`, or where the platform
    has no credential that is kept here."""
    access = access_services.access
    kept = {credential.id for credential in access.kept_of_platform()}  # by this cell
    own = [credential for credential in access.of_platform() if credential.id in kept]
    if not settings.dev or not own:
        return None
    with acting_as(operator_actor("serve --dev")):
        token = await access_services.sessions.make_link(own[0].id)
    here = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    return f"http://{here}:{settings.port}/console/sign-in?link={token}"
