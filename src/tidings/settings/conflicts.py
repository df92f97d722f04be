"""Values of settings that fit each by itself and not together, each in one sentence."""

from collections.abc import Iterator, Mapping

from tidings.core.cells.door_address import is_any, is_one
from tidings.core.shaping.platform_rules import check_template, read_map
from tidings.egress.address import TargetRefused, check_target, parse_target
from tidings.egress.policy import Policy
from tidings.settings.service_addresses import host_of, platform_paths, public_url
from tidings.settings.settings import PREFIX, Settings, must

TOKEN_MIN = 16
MASTER_KEYS = ("master_key", "master_key_file", "master_key_command")


def conflicts(settings: Settings, source_of: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each set of values that fit by themselves and not together."""
    yield from _platform_conflicts(settings, source_of)
    yield from _database_conflicts(source_of)
    yield from _door_conflicts(settings, source_of)
    key, secret, org = settings.bootstrap_key, settings.bootstrap_secret, settings.bootstrap_org
    given = {"bootstrap_key": key, "bootstrap_secret": secret, "bootstrap_org": org}
    missing = [PREFIX + name.upper() for name, value in given.items() if value is None]
    if missing and (key is not None or secret is not None):
        one = source_of["bootstrap_key" if key is not None else "bootstrap_secret"]
        yield f"{one} must come with {' and '.join(missing)}; got nothing there. Set all three."
    if settings.mail_host is not None and settings.mail_from is None:
        yield (
            "mail_host must come with mail_from, the address that letters come from; got nothing "
            f"there. Set {PREFIX}MAIL_FROM. ({source_of['mail_host']})"
        )
    if (settings.mail_user is None) != (settings.mail_password is None):
        yield "mail_user and mail_password must come together; got one of them. Set both or none."
    token = settings.metrics_token
    if token is not None and len(token.reveal()) < TOKEN_MIN:
        yield (
            f"{source_of['metrics_token']} must be {must('metrics_token')}; got "
            f"{len(token.reveal())}. Take 24 random ones or more."
        )
    if settings.inbox_url is not None:
        own, others = host_of(settings.inbox_url), host_of(public_url(settings))
        if own == others:
            yield (
                f"{source_of['inbox_url']} must name another host than the console's, "
                f"{others}; got the same, and cookies know no ports. Give inboxes a name of "
                "their own, and set public_url to the console's."
            )
    if settings.event_bytes_max > settings.call_bytes_max:
        source = source_of.get("event_bytes_max") or source_of["call_bytes_max"]
        yield (
            f"event_bytes_max must be at most call_bytes_max ({settings.call_bytes_max:,}); got "
            f"{settings.event_bytes_max:,}. Raise call_bytes_max, or lower it. ({source})"
        )


def _database_conflicts(source_of: Mapping[str, str]) -> Iterator[str]:
    """Yield what is set of the database or of its key and goes not together."""
    keys = [source_of[name] for name in MASTER_KEYS if name in source_of]
    if len(keys) > 1:
        yield f"One of {', '.join(MASTER_KEYS)} must be set; got {' and '.join(keys)}. Take one."
    if "database" not in source_of:
        for name in (*MASTER_KEYS, "database_schema", "databases"):
            if name in source_of:
                yield (
                    f"{source_of[name]} must come with database; got none. Set {PREFIX}DATABASE, "
                    "or leave it out: without a database, store and key are in the data directory."
                )


def _door_conflicts(settings: Settings, source_of: Mapping[str, str]) -> Iterator[str]:
    """Yield why other machines could not reach the processes of this one."""
    address = settings.door_address
    if address is None and is_any(settings.door_host):
        yield (
            f"{source_of['door_host']} must come with door_address where it is every address of "
            f"the machine; got {settings.door_host} alone. Set {PREFIX}DOOR_ADDRESS to the one "
            "under which the other machines reach this one."
        )
    if address is not None and (is_any(address) or not is_one(address)):
        yield (
            f"{source_of['door_address']} must be one name or address, without a port; got "
            f"{address}. Write the one under which the other machines reach this one."
        )


def _platform_conflicts(settings: Settings, source_of: Mapping[str, str]) -> Iterator[str]:
    """Yield what cannot be asked of the platform's API as it is set."""
    paths = platform_paths(settings)
    url = settings.platform_url
    for kind, template in paths.items():
        try:
            check_template(template)
        except ValueError as wrong:
            yield f"{source_of[f'platform_{kind}_path']} must be {wrong}; got {template[:60]}."
    try:
        read_map(settings.platform_fields)
    except ValueError as wrong:
        yield f"{source_of['platform_fields']} must be {wrong}; got another entry."
    if url is None:
        for kind in paths:
            source = source_of[f"platform_{kind}_path"]
            yield f"{source} must come with platform_url; got no URL. Set it."
        return
    try:
        target = parse_target(url, allow_http=settings.platform_private)
        check_target(target, Policy(allow_private=settings.platform_private))
    except TargetRefused as refused:
        yield f"{source_of['platform_url']}: {refused} Or set platform_private."
    if not paths:
        yield (
            f"{source_of['platform_url']} must come with a path to ask for; got none. Set "
            "platform_customers_path or another one."
        )
