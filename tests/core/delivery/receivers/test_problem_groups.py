"""What fails is grouped by place and cause: nothing is lost, whichever way it is put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.receivers import health
from tidings.core.delivery.receivers.problem_groups import (
    FailingWebhook,
    GroupBounds,
    ProblemGroup,
    ProblemKey,
    Problems,
    ProblemState,
    describe_group,
    group_problems,
    host_of,
    merge_problems,
)
from tidings.core.ids import OrgId, WebhookId

NOW_MS = 1_000_000
ALL = GroupBounds(groups=1000, of_group=1000, members=10_000)
REFUSED = ProblemKey(state=ProblemState.FAILING, host="api.acme.example", cause="refused")


def failing(org: int, number: int, key: ProblemKey = REFUSED, **more: object) -> FailingWebhook:
    return FailingWebhook(
        org=OrgId(org),
        org_name=f"Org {org}",
        id=WebhookId(f"{number:024x}"),
        version=1,
        name=f"hook {number}",
        key=key,
        **more,  # type: ignore[arg-type]
    )


KEYS = st.builds(
    ProblemKey,
    state=st.sampled_from(ProblemState),
    host=st.sampled_from(["", "a.example", "b.example:8443"]),
    cause=st.sampled_from(["refused", "503", ""]),
)
TIMES = st.none() | st.integers(0, NOW_MS + 10)
WEBHOOKS = st.lists(
    st.tuples(st.integers(1, 5), KEYS, st.integers(0, 100), TIMES, TIMES), max_size=30
).map(
    lambda rows: [
        failing(org, number, key, waiting=waiting, oldest_ms=oldest_ms, since_ms=since_ms)
        for number, (org, key, waiting, oldest_ms, since_ms) in enumerate(rows)
    ]
)
BOUNDS = st.builds(GroupBounds, st.integers(0, 9), st.integers(0, 9), st.integers(0, 20))


@given(WEBHOOKS, BOUNDS)
def test_each_webhook_is_in_one_group_or_counted(
    webhooks: list[FailingWebhook], bounds: GroupBounds
) -> None:
    found = group_problems(webhooks, NOW_MS, bounds)
    assert found.webhooks == len(webhooks)
    assert found.webhooks == found.left_out + sum(group.webhooks for group in found.groups)
    assert len(found.groups) <= bounds.groups
    assert sum(len(group.members) for group in found.groups) <= bounds.members
    for group in found.groups:
        own = [webhook for webhook in webhooks if webhook.key == group.key]
        assert (group.webhooks, group.orgs) == (len(own), len({webhook.org for webhook in own}))
        assert group.waiting == sum(webhook.waiting for webhook in own)
        assert {member.id for member in group.members} <= {webhook.id for webhook in own}
        assert group.left_out >= 0 and len(group.members) <= bounds.of_group
    weights = [group.weight for group in found.groups]
    assert weights == sorted(weights, reverse=True)


@given(WEBHOOKS)
def test_what_cells_have_grouped_is_put_together_as_one_would_have(
    webhooks: list[FailingWebhook],
) -> None:
    """An org is in one cell: here by its number."""
    cells = [[webhook for webhook in webhooks if webhook.org % 2 == cell] for cell in (0, 1)]
    parts = [group_problems(part, NOW_MS, ALL) for part in cells]
    assert merge_problems(parts, NOW_MS, ALL) == group_problems(webhooks, NOW_MS, ALL)


@given(WEBHOOKS, BOUNDS)
def test_what_cells_have_cut_off_is_counted(
    webhooks: list[FailingWebhook], bounds: GroupBounds
) -> None:
    cells = [[webhook for webhook in webhooks if webhook.org % 2 == cell] for cell in (0, 1)]
    merged = merge_problems([group_problems(part, NOW_MS, bounds) for part in cells], NOW_MS, ALL)
    assert merged.webhooks == len(webhooks)
    assert merged.left_out >= 0
    assert all(group.left_out >= 0 for group in merged.groups)  # may be empty: cut off


def only(*webhooks: FailingWebhook) -> ProblemGroup:
    [group] = group_problems(webhooks, NOW_MS, ALL).groups
    return group


def test_a_group_is_told_in_one_sentence() -> None:
    many = [failing(1 + number % 9, number, since_ms=number) for number in range(14)]
    assert describe_group(only(*many), "13:30") == (
        "14 webhooks of 9 orgs at api.acme.example have been refusing connections since 13:30"
    )
    assert describe_group(only(many[0])) == (
        "1 webhook of 1 org at api.acme.example has been refusing connections"
    )
    partly = ProblemKey(state=ProblemState.DEGRADED, host="api.acme.example", cause="503")
    two = [failing(1, number, partly, attempts=100, failed=15) for number in range(2)]
    assert describe_group(only(*two)) == (
        "2 webhooks of 1 org at api.acme.example fail 15 % of their attempts: the receiver answers "
        "503"
    )
    assert describe_group(only(two[0])).startswith(
        "1 webhook of 1 org at api.acme.example fails 15 % of its attempts"
    )
    held = ProblemKey(state=ProblemState.HELD_UP, connection="events", detail="No login. Mend it.")
    assert describe_group(only(failing(1, 1, held))) == (
        "1 webhook of 1 org over the connection events has been held up"
    )
    mail = "cannot send: the mail server of the connection mail refuses connections"
    acts = ProblemKey(state=ProblemState.FAILING, connection="mail", is_action=True, trouble=mail)
    assert describe_group(only(failing(1, 1, acts), failing(2, 2, acts))) == (
        f"2 actions of 2 orgs {mail}"
    )
    unread = ProblemKey(state=ProblemState.UNREAD)
    assert describe_group(only(failing(1, 1, unread))) == (
        "1 webhook of 1 org has not been fetched from"
    )


def test_what_holds_up_most_comes_first() -> None:
    slow = ProblemKey(state=ProblemState.FAILING, host="b.example", cause="timeout")
    webhooks = [
        failing(1, 1, waiting=10, oldest_ms=NOW_MS - 10),
        failing(1, 2, slow, waiting=2, oldest_ms=NOW_MS - 1000),
        failing(1, 3, waiting=50, oldest_ms=NOW_MS - 10),
        failing(1, 4, slow),
    ]
    first, second = group_problems(webhooks, NOW_MS, ALL).groups
    assert first.key == slow and second.key == REFUSED
    assert [member.name for member in second.members] == ["hook 3", "hook 1"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.acme.example/hook?key=1", "api.acme.example"),
        ("https://API.Acme.Example:443/", "api.acme.example"),
        ("http://api.acme.example:8080/", "api.acme.example:8080"),
        ("https://user:secret@api.acme.example/", "api.acme.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443"),
        ("https://[broken/", ""),
        ("https://a.example:port/", ""),
        ("orders", ""),
        ("", ""),
    ],
)
def test_a_host_is_all_that_is_shown_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


def test_each_cause_has_both_of_its_forms() -> None:
    assert health._DOES.keys() == health._HAS.keys()
    assert health.has_done("503") == "been answering 503"
    assert health.has_done("new") == "been failing"


def test_nothing_fails() -> None:
    nothing = Problems(groups=[])
    assert group_problems([], NOW_MS, ALL) == nothing == merge_problems([], NOW_MS, ALL)
