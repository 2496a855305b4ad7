"""Logging in: the gate in front of the page, the first setup, one's account, users and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit, Visitor, end
from tests.browser.guarded import PASSWORD, Guarded, gate, is_in, log_in
from tests.browser.test_looks import SMALL, TARGET
from tests.support.sample import FULL, turn

LOOKS = [((390, 844), "dark"), ((1440, 900), "light")] + (
    [((390, 844), "light"), ((1440, 900), "dark")] if FULL else []
)
AT_ONCE = 4_000  # milliseconds; a tab that is not told looks by itself every ten seconds
COUNTING = """(() => {
  const asked = window.fetch;
  window.fetch = (...all) => { window.__asked = (window.__asked || 0) + 1; return asked(...all); };
})()"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A daemon with one user of each role, for tests that leave these as they are."""
    with Guarded(tmp_path_factory.mktemp("people") / "scanner", speed=20.0) as running:
        running.furnish()
        yield running
        end(running)


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A daemon that was never set up."""
    with Guarded(tmp_path_factory.mktemp("fresh") / "scanner", speed=20.0) as running:
        yield running
        end(running)


def looks(there: Visitor, *, finger: bool) -> list[str]:
    """What is wrong with how it looks now."""
    there.page.wait_for_load_state("networkidle")
    found = there.axe()
    if there.overflow > 0:
        found.append(f"sticks out by {there.overflow} px")
    if finger:
        found += [f"too small for a finger: {one}" for one in there.page.evaluate(SMALL, TARGET)]
    if round(there.shift, 4):
        found.append(f"moved by {there.shift}: {there.shifted}")
    return found


def account(page: Page, daemon: Guarded) -> None:
    """Go to one's account by the rail."""
    page.locator("#rail a.who").click()
    expect(page).to_have_url(f"{daemon.url}/account")
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()


def administering(daemon: Guarded, visit: Visit) -> Page:
    """The view of users, of a daemon with one of each role."""
    daemon.furnish()
    page: Page = visit(daemon.url + "/users", away=True).page
    log_in(page, "anna")
    is_in(page)
    return page


def test_the_first_setup_makes_an_administrator_who_is_in(fresh, visit):
    there = visit(fresh.url + "/jobs", away=True)  # away: Chromium logs each answer that is no success
    page = there.page
    expect(gate(page).get_by_role("heading")).to_have_text("First start")
    expect(page).to_have_title(re.compile("First start"))
    expect(page.get_by_label("Setup code")).to_be_focused()
    page.get_by_role("button", name="Make administrator").click()
    expect(gate(page).locator("[aria-invalid=true]")).to_have_count(4)
    for label, value in (("Setup code", "wrong"), ("Name", "Anna"), ("Password", "short"), ("Password again", "else")):
        page.get_by_label(label, exact=True).fill(value)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password again")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Password again").fill("short")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Password again")).not_to_have_attribute("aria-invalid", "true")
    for label in ("Password", "Password again"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(gate(page).get_by_role("alert")).to_contain_text("not the setup code")
    expect(page.get_by_label("Setup code")).to_be_focused()
    page.get_by_label("Setup code").fill(fresh.local.get("/api/setup/code")["code"].upper())
    page.keyboard.press("Enter")
    is_in(page)
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    expect(page.locator("#rail a.who")).to_have_text("Account anna")
    assert [(one["name"], one["role"]) for one in fresh.local.get("/api/users")["items"]] == [("anna", "admin")]


def test_a_mailed_link_works_after_a_wrong_and_a_right_password(people, visit):
    page = visit(people.url + "/statistics?span=7", away=True).page
    there = gate(page)
    expect(there.get_by_label("Name")).to_be_focused()
    assert there.get_by_label("Name").get_attribute("autocomplete") == "username"
    assert there.get_by_label("Password").get_attribute("autocomplete") == "current-password"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(there).to_be_visible()
    log_in(page, "olga", "something else")
    expect(there.get_by_role("alert")).to_have_text("Name or password are not right.")
    expect(there.get_by_label("Password")).to_be_focused()
    log_in(page, "olga")
    is_in(page)
    expect(page).to_have_url(people.url + "/statistics?span=7")
    expect(page.locator("[data-span='7']")).to_have_attribute("aria-pressed", "true")
    page.reload()
    is_in(page)


def test_nothing_is_asked_of_the_daemon_but_who_one_is(people, visit):
    there = visit("about:blank")
    asked: list[str] = []
    there.page.on("request", lambda request: asked.append(request.url))
    there.page.on("websocket", lambda socket: asked.append(socket.url))
    there.page.goto(people.url + "/sessions", wait_until="networkidle")
    gate(there.page)
    there.page.wait_for_timeout(1500)
    found = [url for url in asked if "/api/" in url]
    assert set(found) == {people.url + "/api/me"}
    assert len(found) <= 2, "once more where the window got the focus, or ten seconds are over"


def test_who_guesses_too_often_has_to_wait(fresh, visit):
    fresh.furnish()
    page = visit(fresh.url, away=True).page
    for number in range(6):
        log_in(page, "vera", f"guess {number}")
        expect(page.locator("dialog.gate .btn[aria-busy]")).to_have_count(0)
    button = gate(page).get_by_role("button", name=re.compile("Log in"))
    expect(gate(page).get_by_role("alert")).to_contain_text("oo many wrong tries")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_text("Log in")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    log_in(page, "vera")
    is_in(page)


def test_logging_out_ends_it_in_every_tab_and_logging_in_too(people, visit):
    first = visit(people.url + "/sessions", away=True)
    log_in(first.page, "olga")
    is_in(first.page)
    second = visit(people.url + "/jobs", away=True, context=first.context)
    is_in(second.page)
    first.page.bring_to_front()
    account(first.page, people)
    first.page.get_by_role("button", name="Log out").click()
    gate(first.page)
    expect(first.page).to_have_url(people.url + "/")
    gate(second.page)
    log_in(first.page, "olga")
    is_in(first.page)
    expect(second.page.locator("dialog.gate")).to_have_count(0, timeout=AT_ONCE)
    is_in(second.page)
    expect(second.page).to_have_url(people.url + "/jobs")


def test_a_login_that_ends_brings_the_gate_and_what_was_typed_is_still_there(fresh, visit):
    fresh.furnish()
    page = visit(fresh.url + "/", away=True).page
    log_in(page, "olga")
    is_in(page)
    title = page.get_by_role("form", name="New scan").get_by_label("Title")
    title.fill("Half a title")
    fresh.local.patch("/api/users/olga", {"password": PASSWORD})
    expect(gate(page).get_by_label("Name")).to_have_value("olga")
    expect(gate(page)).to_contain_text("The login has ended")
    page.evaluate(COUNTING)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.wait_for_timeout(3000)
    assert page.evaluate("window.__asked || 0") <= 1
    assert sockets == []
    log_in(page, "olga")
    is_in(page)
    expect(title).to_have_value("Half a title")
    steps.start_scan(page, "Whole title", preset=None)


def test_whoever_logs_in_next_finds_a_page_of_their_own(fresh, visit):
    fresh.furnish()
    page = visit(fresh.url + "/", away=True).page
    log_in(page, "olga")
    is_in(page)
    steps.start_scan(page, "Of olga", preset=None)
    (job,) = fresh.local.get("/api/jobs/active")["items"]
    fresh.local.post(f"/api/jobs/{job['id']}/pause")
    steps.state_word(page, "Paused")
    fresh.local.delete("/api/users/olga")
    gate(page)
    log_in(page, "vera")
    is_in(page)
    expect(page.locator("#rail a.who")).to_have_text("Account vera")
    expect(steps.status(page).locator("[data-act=main]")).to_have_attribute("aria-disabled", "true")
    page.goto(fresh.url + "/jobs")
    is_in(page)
    expect(page.locator("main .do .btn").first).to_have_attribute("aria-disabled", "true")


def test_a_lost_users_file_locks_and_the_gate_says_what_to_do(fresh, visit):
    fresh.furnish()
    page = visit(fresh.url + "/jobs", away=True).page
    log_in(page, "olga")
    is_in(page)
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    fresh.stop()
    (fresh.directory / "state/access/users.yaml").write_text("users: [", encoding="utf-8")
    fresh.start()
    expect(gate(page).get_by_role("heading")).to_have_text("Nobody can log in", timeout=30_000)
    expect(gate(page).get_by_role("alert")).to_contain_text("users.yaml")


def test_one_changes_ones_password(fresh, visit):
    fresh.furnish()
    page = visit(fresh.url + "/account", away=True).page
    log_in(page, "olga")
    is_in(page)
    form = page.get_by_role("form", name="Change password")
    for label, value in (
        ("Password so far", "not this"),
        ("New password", "a new phrase"),
        ("Password again", "a new one"),
    ):
        form.get_by_label(label).fill(value)
    page.keyboard.press("Enter")
    expect(form.get_by_label("Password again")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Password again").fill("a new phrase")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_have_text("The old password is not right.")
    expect(form.get_by_label("Password so far")).to_be_focused()
    form.get_by_label("Password so far").fill(PASSWORD)
    page.keyboard.press("Enter")
    steps.toasted(page, "password is changed")
    expect(form.get_by_label("New password")).to_have_value("")
    assert form.get_by_label("New password").get_attribute("autocomplete") == "new-password"
    page.get_by_role("button", name="Log out").click()
    log_in(page, "olga", "a new phrase")
    is_in(page)


def test_an_administrator_adds_and_changes_a_user(fresh, visit):
    page = administering(fresh, visit)
    form = page.get_by_role("form", name="Add a user")
    form.get_by_label("Name").fill("olga")
    form.get_by_label("Role").select_option("viewer")
    form.get_by_label("First password").fill("a first phrase")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("olga")
    form.get_by_label("Name").fill("Carl")
    page.keyboard.press("Enter")
    carl = page.locator("[data-user=carl]")
    expect(carl).to_contain_text("Viewer")
    carl.get_by_role("button", name="Change carl").click()
    page.locator("dialog[open]").get_by_role("button", name="Save").click()
    expect(page.locator("dialog[open]").get_by_role("alert")).to_have_text("Nothing is changed yet.")
    page.locator("dialog[open]").get_by_label("Role").select_option("operator")
    page.locator("dialog[open]").get_by_label("New password").fill("a second phrase")
    page.locator("dialog[open]").get_by_role("button", name="Save").click()
    expect(carl).to_contain_text("Operator")
    other = visit(fresh.url).page
    log_in(other, "carl", "a second phrase")
    is_in(other)


def test_a_removed_user_is_out_at_once_and_the_last_administrator_stays(fresh, visit):
    page = administering(fresh, visit)
    other = visit(fresh.url, away=True).page
    log_in(other, "vera")
    is_in(other)
    page.bring_to_front()
    for answer in ("keep", "remove"):
        expect(page.locator("[data-user=vera]")).to_have_count(1)
        page.get_by_role("button", name="Remove vera").click()
        steps.answer(page, answer)
    expect(page.locator("[data-user=vera]")).to_have_count(0)
    gate(other)
    page.get_by_role("button", name="Remove anna").click()
    steps.answer(page, "remove")
    expect(page.locator("[data-toast=bad]")).to_contain_text("administrator")
    expect(page.locator("[data-user=anna]")).to_have_count(1)


def test_a_token_is_shown_once_and_can_be_revoked(fresh, visit):
    fresh.furnish()
    page = visit(fresh.url + "/users").page
    log_in(page, "anna")
    is_in(page)
    page.get_by_label("What it is for").fill("Copies to the archive")
    page.get_by_role("button", name="Make token").click()
    shown = page.locator("dialog[open] [data-token]")
    text = shown.input_value()
    assert page.evaluate("getSelection().toString()") == text
    page.mouse.click(5, 5)  # a slip beside it must not lose it
    expect(shown).to_be_visible()
    page.locator("dialog[open] [data-action=copy]").click()
    expect(page.locator("dialog[open] [role=status]")).to_have_text("Copied.")
    request = Request(fresh.url + "/api/state", headers={"Authorization": f"Bearer {text}"})  # noqa: S310 - http
    with urlopen(request) as answer:  # noqa: S310 - http
        assert answer.status == 200
    page.locator("dialog[open] [data-action=done]").click()
    assert text not in page.content()
    row = page.locator("[data-token-of='Copies to the archive']")
    expect(row).to_contain_text("Viewer, made by anna")
    row.get_by_role("button").click()
    steps.answer(page, "revoke")
    expect(row).to_have_count(0)
    assert fresh.local.get("/api/tokens")["items"] == []


def test_a_viewer_looks_and_is_told_so(people, visit):
    page = visit(people.url).page
    log_in(page, "vera")
    is_in(page)
    start = page.locator("[data-act=start]")
    expect(start).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("form", name="New scan")).to_contain_text("your role is viewer")
    expect(page.locator("[data-stop]")).to_be_enabled()
    account(page, people)
    expect(page.get_by_role("link", name="Users and tokens")).to_have_count(0)
    page.goto(people.url + "/users")
    expect(page.locator("main")).to_contain_text("Only administrators")


def test_without_login_there_is_no_account(daemon, visit):
    there = visit("about:blank")
    loaded: list[str] = []
    there.page.on("response", lambda response: loaded.append(response.url))
    there.page.goto(daemon.url, wait_until="networkidle")
    steps.is_live(there.page)
    expect(there.page.locator("#rail a.who")).to_have_count(0)
    expect(there.page.locator("[data-act=start]")).not_to_have_attribute("aria-disabled", "true")
    assert [url for url in loaded if "/static/" in url and re.search("gate|access|ask-form", url)] == []
    there.page.goto(daemon.url + "/users")
    expect(there.page.locator("main")).to_contain_text("Nobody has to log in here")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_gate_and_what_is_behind_look_right(people, visit, size, scheme):
    how = {"viewport": dict(zip(("width", "height"), size, strict=True)), "color_scheme": scheme}
    finger = size[0] < 720
    there = visit(people.url + "/users", has_touch=finger, **how)
    gate(there.page)
    found = {"login": looks(there, finger=finger)}
    log_in(there.page, "anna")
    is_in(there.page)
    for path in ("users", "account"):
        there.page.goto(f"{people.url}/{path}")
        steps.is_live(there.page)
        expect(there.page.locator("main h2").first).to_be_visible()
        found[path] = looks(there, finger=finger)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(("size", "scheme"), LOOKS if FULL else turn("setup").sample(LOOKS, 1))
def test_the_first_setup_looks_right(fresh, visit: Visit, size, scheme):
    there = visit(
        fresh.url,
        viewport=dict(zip(("width", "height"), size, strict=True)),
        color_scheme=scheme,
        has_touch=size[0] < 720,
    )
    gate(there.page)
    assert looks(there, finger=size[0] < 720) == []
