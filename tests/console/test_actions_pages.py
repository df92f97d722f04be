"""The pages of actions: what cannot be done and because of whom, what each does, and its runs."""

import re

from tests.api.log_client import accept
from tests.console.crawl import act
from tests.console.parts.markup import MARK, STRANGE, Markup, said
from tests.console.webhook_client import Pages, pages, text
from tests.declared_actions import SECRET, text_message, welcome
from tidings.console.pages.actions import WHICH
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.engine.actions.declared import declare
from tidings.store import port

MAIL_DOWN = "cannot send: the mail server of the connection mail refuses connections"
BOTH = {action.name: action for action in (welcome(), text_message())}


async def declared(p: Pages) -> None:
    """Two actions, of which the mail cannot be sent."""
    await declare(p.s.webhooks, OrgId(7), BOTH, "actions.toml")
    for state in p.s.webhooks.list(OrgId(7)):
        if state.webhook.name == "welcome":
            number = state.webhook.number
            p.healths[number] = port.StoredHealth(
                number, p.s.clock.ms, 5, "refused", 1, p.s.clock.ms
            )


async def test_pages_of_actions_are_in_the_way_only_where_there_are_actions() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        assert 'href="/console/o/7/actions"' not in text(await browser.get("/console/o/7/webhooks"))
        assert "No action yet" in text(await browser.get("/console/o/7/actions"))
        await declared(p)
        assert 'href="/console/o/7/actions"' in text(await browser.get("/console/o/7/webhooks"))


async def test_the_list_says_first_what_cannot_be_done_and_because_of_whom() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        await declared(p)
        found = said(text(await browser.get("/console/o/7/actions")))
        assert "1 of 2 actions needs attention." in found
        assert f"It {MAIL_DOWN}." in found
        assert "answers" not in found
        await act(p, 7)
        now = said(text(await browser.get("/console/o/7?part=now", hx_request="true")))
        assert f"welcome {MAIL_DOWN}" in now


async def test_a_page_of_an_action_draws_what_its_file_says_without_secrets() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        await declared(p)
        page = text(await browser.get("/console/o/7/actions/welcome"))
        words = re.findall(r"<li[^>]*><b>([^<]+)</b>", page)
        # In the order in which it happens: quiet hours are looked at last, and a cap is taken.
        assert words == ["When", "Wait", "Look up", "Look up", "Unless", "Wait", "Cap", "Do"]
        assert "actions.toml" in page and "/webhooks/new" not in page
        for name in BOTH:
            page = text(await browser.get(f"/console/o/7/actions/{name}"))
            assert SECRET not in page and "…0001" in page
        assert (await browser.get("/console/o/7/actions/nothing")).status == 404
        other = await p.browser(8)
        assert (await other.get("/console/o/8/actions/welcome")).status == 404


async def test_runs_are_listed_with_their_reason_and_can_be_done_again() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        runs = await act(p, 7, "Asha is on holiday.")
        found = {"all": 4, "not-done": 1, "waiting": 2, "done": 1, "failed": 0}
        assert found.keys() == WHICH.keys()
        for which, counted in found.items():
            page = text(await browser.get(f"/console/o/7/actions/welcome?runs={which}"))
            assert page.count("data-row") == counted, which
        page = text(await browser.get("/console/o/7/actions/welcome?runs=not-done"))
        assert "Asha is on holiday." in page and "Run again" in page
        again = f"/console/o/7/deliveries/{runs[2]}/retry"
        assert again in page
        assert (await browser.post(again)).status == 303
        reader = await p.browser(7, "webhooks:read")
        page = text(await reader.get("/console/o/7/actions/welcome"))
        assert "Run again" not in page and "Asha is on holiday." not in page


async def test_an_action_is_paused_and_resumed_and_its_file_decides_the_rest() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        await declare(p.s.webhooks, OrgId(7), BOTH, "actions.toml")
        id = next(state.webhook.id for state in p.s.webhooks.list(OrgId(7)))
        name = next(state.webhook.name for state in p.s.webhooks.list(OrgId(7)))
        for verb, standing in (("pause", "paused"), ("resume", "active")):
            done = await browser.post(f"/console/o/7/webhooks/{id}/say", {"verb": verb})
            assert done.headers["location"] == f"/console/o/7/actions/{name}"
            assert standing in text(await browser.get(f"/console/o/7/actions/{name}"))
        for at in (f"{id}/edit", f"new?from={id}"):
            page = text(await browser.get(f"/console/o/7/webhooks/{at}"))
            assert "is an action" in page and "only be changed there" in page
            assert "webhook-form" not in page
        page = text(await browser.get(f"/console/o/7/webhooks/{id}"))
        assert "/edit" not in page and "Rotate secret" not in page
        form = {"name": name, "version": "1", "eventNames": "pointsIssued"}
        assert (await browser.post(f"/console/o/7/webhooks/{id}/edit", form)).status == 400
        assert f"/actions/{name}" in text(await browser.get("/console/o/7/webhooks"))


async def test_of_a_hostile_mail_nothing_is_markup_on_the_page_of_its_run() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        for name in STRANGE.values():
            for run in await act(p, 7, name):
                page = text(await browser.get(f"/console/o/7/deliveries/{run}"))
                assert MARK in page and Markup(page).faults == [], (name, run)
                frame = '<iframe class="letter" sandbox '
                assert page.count("<iframe") == page.count(frame) <= 1, "none but our own"


async def test_a_run_shows_its_steps_and_the_mail_or_why_it_was_not_done() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        done, waits, not_done, held_up, failed = await act(p, 7, "So it is.")
        found = said(text(await browser.get(f"/console/o/7/deliveries/{done}")))
        assert "What happened Looked up So it is. : So it is." in found
        assert "HTML source" in found
        for run, word in ((waits, "waited: So it is."), (not_done, "not done: So it is."),
                          (held_up, "held up: So it is."), (failed, "tried:")):  # fmt: skip
            assert word in said(text(await browser.get(f"/console/o/7/deliveries/{run}"))), word
        waiting = said(text(await browser.get(f"/console/o/7/deliveries/{waits}")))
        assert "None was made. It is not due yet." in waiting


async def test_an_action_that_left_its_file_says_so_and_can_be_deleted_and_no_other_can() -> None:
    async with pages(actions={"text-message": text_message()}) as p:
        browser = await p.browser()
        await declare(p.s.webhooks, OrgId(7), BOTH, "actions.toml")
        await declare(p.s.webhooks, OrgId(7), p.s.parts.actions.declared.actions, "actions.toml")
        records = {state.webhook.name: state.webhook for state in p.s.webhooks.list(OrgId(7))}
        await accept(p.s, "a", [records["welcome"].number], org=7)
        left = f"/console/o/7/webhooks/{records['welcome'].id}"
        stays = f"/console/o/7/webhooks/{records['text-message'].id}"

        found = said(text(await browser.get("/console/o/7/actions")))
        assert "does not have it any more: what comes, and what was not done, is parked." in found
        assert "Add it to the file again and restart Tidings, or delete its webhook" in found
        for at in ("/console/o/7/actions", "/console/o/7/actions/welcome"):
            page = text(await browser.get(at))
            assert f'href="{left}/delete"' in page and f"{stays}/delete" not in page
        assert "Enable" not in page and "Try it" not in page
        assert "its runs stay in the log" in page
        now = text(await browser.get("/console/o/7?part=now", hx_request="true"))
        assert "Enable" not in now
        refused = await browser.post(f"{left}/say", {"verb": "enable"})
        assert refused.status == 409 and "must be in the file of actions" in text(refused)

        kept = text(await browser.get(f"{stays}/delete"))
        assert "remove it from the file" in kept and "Delete it" not in kept
        refused = await browser.post(f"{stays}/delete", {"sure": "yes"})
        assert refused.status == 409 and "must not be in the file of actions" in text(refused)

        asked = said(text(await browser.get(f"{left}/delete")))
        assert "Nothing more is parked for it" in asked and "Copy it" not in asked
        done = await browser.post(f"{left}/delete", {"sure": "yes"})
        assert done.status == 303 and done.headers["location"] == "/console/o/7/actions"
        assert "welcome" not in said(text(await browser.get("/console/o/7/actions")))


async def test_what_to_do_about_an_action_stands_beside_what_ails_it() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        await declared(p)
        todo = "See that the mail server of the connection mail runs and can be reached."
        for at in ("", "/welcome"):
            assert todo in said(text(await browser.get(f"/console/o/7/actions{at}"))), at


async def test_a_run_that_waits_is_told_of_in_words_of_actions() -> None:
    async with pages(actions=BOTH) as p:
        browser = await p.browser()
        await declared(p)
        number = next(
            state.webhook.number
            for state in p.s.webhooks.list(OrgId(7))
            if state.webhook.name == "text-message"
        )
        [delivery] = await accept(p.s, "a", [number], org=7)
        answer = port.Evidence(None, "", (), b"", False)
        failed = port.Settlement(
            *(DeliveryId(delivery), number, None, int(State.RETRYING), 1, 1, p.s.clock.ms, 5),
            *(401, 60_000, answer),
        )
        await p.s.store.commit(port.Batch(p.s.registry.version, settled=[failed]))
        found = said(text(await browser.get("/console/o/7/actions/text-message")))
        assert "correct the credential of the action in its file" in found
        assert "The receiver answered 401 Unauthorized" in found
        id = next(state.webhook.id for state in p.s.webhooks.list(OrgId(7))
                  if state.webhook.name == "text-message")  # fmt: skip
        await browser.post(f"/console/o/7/webhooks/{id}/say", {"verb": "pause"})
        found = said(text(await browser.get("/console/o/7/actions/text-message")))
        assert "The action is paused: nothing is done until it is active." in found
        assert "The webhook is" not in found
