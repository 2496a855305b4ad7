"""Jobs: what runs, the queue in its order, whose locks there are, and what was."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from scanner.cli.text import holder
from tests.browser import steps
from tests.support.daemon import Daemon, small_scan

pytestmark = pytest.mark.browser


def titles(page: Page) -> list[str]:
    """The queue as it is shown."""
    return [text.strip() for text in page.locator("[data-part=queue] .tw").all_text_contents()]


def counted(card: Locator) -> int:
    """How many photos a job's card says are saved."""
    return int((card.locator(".done").text_content() or "0").split()[0])


def holder_of(daemon: Daemon) -> str:
    """Who has the only lock that there is, as the command line names it."""
    (lock,) = daemon.get("/api/locks")["items"]
    return holder(lock)


def queued(daemon: Daemon, *names: str) -> None:
    """A scan that stands and keeps the rig, and others behind it."""
    job = daemon.scan(**small_scan(24, title="At work"))
    daemon.until(lambda: len(daemon.photos(job["session_id"])) >= 1, "it has begun", 60.0)
    daemon.post(f"/api/jobs/{job['id']}/pause")
    daemon.until(lambda: daemon.job_state(job["id"]) == "paused", "it stands")
    for name in names:
        daemon.scan(**small_scan(6, title=name))


def test_the_queue_is_ordered_by_buttons_and_by_keys(daemon, visit):
    queued(daemon, "one", "two", "three")
    page = visit(daemon.url + "/jobs").page
    expect(page.locator("[data-part=queue] .tw")).to_have_text(["one", "two", "three"])
    page.get_by_role("button", name="three one up").click()
    expect(page.locator("[data-part=queue] .tw")).to_have_text(["one", "three", "two"])
    expect(page.get_by_role("button", name="three one up")).to_be_focused()

    grip = page.get_by_role("button", name="Move one", exact=True)
    grip.focus()
    page.keyboard.press("Space")
    expect(grip).to_have_attribute("aria-pressed", "true")
    for order in (["three", "one", "two"], ["three", "two", "one"]):
        page.keyboard.press("ArrowDown")
        expect(page.locator("[data-part=queue] .tw")).to_have_text(order)
    expect(page.locator("#polite")).to_have_text("one, place 3 of 3")
    page.keyboard.press("Escape")
    expect(page.locator("[data-part=queue] .tw")).to_have_text(["one", "three", "two"])
    expect(grip).to_be_focused()
    expect(grip).to_have_attribute("aria-pressed", "false")
    order = sorted(daemon.get("/api/jobs/active")["items"], key=lambda job: job["queue_position"] or 0)
    assert [job["title"] for job in order] == ["At work", "one", "three", "two"]

    page.get_by_role("button", name="Remove three").click()
    expect(page.locator("[data-part=queue] .tw")).to_have_text(["one", "two"])
    expect(page.get_by_role("button", name="Remove two")).to_be_focused()


def test_the_queue_is_ordered_by_dragging(daemon, visit):
    queued(daemon, "one", "two", "three")
    page = visit(daemon.url + "/jobs").page
    expect(page.locator("[data-part=queue] .tw")).to_have_text(["one", "two", "three"])
    start, goal = (
        page.get_by_role("button", name=name, exact=True).bounding_box() for name in ("Move one", "Move three")
    )
    assert start
    assert goal
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(goal["x"] + 10, goal["y"] + goal["height"] - 4, steps=5)
    page.mouse.up()
    expect(page.locator("[data-part=queue] .tw")).to_have_text(["two", "three", "one"])


def test_a_scan_is_paused_resumed_and_cancelled_from_here(daemon, visit):
    job = daemon.scan(**small_scan(24, title="Blue vase", rings=3))
    there = visit(daemon.url + "/jobs")
    page = there.page
    card = page.locator(f"[data-job={job['id']}]")
    expect(card.locator(".st")).to_have_text("Running")
    expect(page.locator("#rail .badge")).to_contain_text("1")
    before = there.shift
    daemon.until(lambda: len(daemon.photos(job["session_id"])) >= 10, "photos come", 60.0)
    steps.until(page, lambda: counted(card) >= 10, "the card counts")
    assert round(there.shift - before, 3) == 0, there.shifted  # jobs, locks and history stand still meanwhile
    steps.act(card, "pause")
    expect(card.locator(".st")).to_have_text("Paused")
    steps.act(card, "pause")
    expect(card.locator(".st")).to_have_text("Running")
    steps.act(card, "cancel")
    steps.answer(page, "cancel")
    expect(page.locator("[data-job=none]")).to_be_visible()
    page.get_by_role("button", name="Jobs of the last day").click()
    row = page.locator("[data-part=history] .jobs-t tbody tr")
    expect(row).to_contain_text("Blue vase")
    expect(row.locator(".st")).to_have_text("Cancelled")


def test_locks_show_by_themselves_who_works_where(pair, visit):
    first, second = pair
    page = visit(second.url + "/jobs").page
    locks = page.locator("[data-part=locks]")
    expect(locks).to_contain_text("no pass is held")
    session = first.scan(**small_scan(1500, title="Limestone 0388"))["session_id"]
    row = locks.locator("tbody tr")
    expect(row).to_have_count(1, timeout=40_000)  # nobody pressed anything
    expect(row).to_contain_text("Limestone 0388")
    expect(row.locator(".lock")).to_have_text("alive")
    expect(row.locator(".last")).to_have_text(re.compile(r"^\d+ s ago$|^none seen yet$"))
    assert "this scanner" not in (row.text_content() or "")
    page.goto(first.url + "/jobs")
    expect(row).to_contain_text("this scanner")
    expect(row.locator("[data-action=release]")).to_be_hidden()  # its own job can be paused or cancelled
    page.goto(f"{second.url}/sessions/{session}")
    expect(page.locator("[data-part=passes] .lock")).to_be_visible()
    expect(page.locator("[data-part=passes] .do > *")).to_have_text(["See its lock"])  # it is not this scanner's
    owner = holder_of(second)
    expect(page.locator("[data-part=passes] .lock")).to_have_text(owner)
    expect(page.locator("[data-part=passes] .reason")).to_have_text(f"{owner} works on it.")


def test_force_release_asks_names_the_owner_and_wants_a_reason(pair, visit):
    first, second = pair
    job = first.scan(**small_scan(1500, title="River cobble"))
    first.until(lambda: len(first.photos(job["session_id"])) >= 2, "photos are saved", 60.0)
    there = visit(second.url + "/jobs")
    page = there.page
    row = page.locator("[data-part=locks] tbody tr").first
    expect(row).to_be_visible(timeout=40_000)
    owner = holder_of(second)
    expect(row.locator(".holder span")).to_have_text(owner)
    steps.act(row, "release")
    form = page.locator("[data-part=locks] form")
    expect(form).to_contain_text(f"River cobble, main, from {owner}?{owner} works on it and gives signs of life")
    expect(form.locator("[data-action=keep-lock]")).to_be_focused()
    assert there.axe() == []
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(row.locator("[data-action=release]")).to_be_focused()

    steps.act(row, "release")
    steps.act(form, "force-release")
    expect(form.locator(".hint")).to_have_text("Say why: the owner will want to know.")
    assert first.job_state(job["id"]) == "running"
    form.locator("[data-part=why]").fill("Bench 1 has no power")
    form.locator("[data-part=why]").press("Enter")
    steps.toasted(page, "is free again")
    expect(page.locator("[data-part=locks] tbody tr")).to_have_count(0)
    first.until(lambda: first.job_state(job["id"]) == "failed", "the forced-out daemon gives up", 30.0)
    assert first.get(f"/api/jobs/{job['id']}")["error"]["code"] == "lock_lost"
    (entry,) = [one for one in second.get("/api/audit")["items"] if "lock" in one["what"]]
    assert "Bench 1 has no power" in entry["detail"]


def test_long_names_of_holders_fit_a_phone(daemon, visit):
    session = daemon.scan(**small_scan(1500, title="Held"))["session_id"]
    daemon.until(lambda: daemon.get("/api/locks")["items"], "its lock is there", 60.0)
    long = {"origin": f"web:{'wilhelmine' * 6}", "user": f"web:{'wilhelmine' * 6}", "host": "bench-" * 10, "own": False}

    def renamed(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        for one in found["items"] if "items" in found else found["passes"]:
            (one if "beats" in one else one["lock"]).update(long)
        route.fulfill(response=answer, json=found)

    there = visit("about:blank", viewport={"width": 390, "height": 844}, has_touch=True)
    page = there.page
    page.route("**/api/locks", renamed)
    page.route(f"**/api/sessions/{session}", renamed)
    page.goto(daemon.url + "/jobs")
    row = page.locator("[data-part=locks] tbody tr").first
    expect(row.locator(".holder span")).to_have_text(f"{long['origin']} on {long['host']}")
    steps.act(row, "release")
    expect(page.locator("[data-part=locks] form")).to_contain_text(long["origin"])
    assert there.overflow == 0
    page.goto(f"{daemon.url}/sessions/{session}")
    expect(page.locator("[data-part=passes] .lock")).to_be_visible()
    expect(page.locator("[data-part=passes] .reason")).to_contain_text(long["host"])
    box, window = page.locator("[data-part=passes] .lock").bounding_box(), page.viewport_size
    assert box
    assert window
    assert box["x"] + box["width"] <= window["width"]
    assert there.overflow == 0
    page.unroute_all(behavior="ignoreErrors")


def test_history_is_searched_while_typing_and_taken_home(daemon, visit):
    for title in ("Blue vase", "Red jug", "Blue bowl"):
        job = daemon.scan(**small_scan(3, title=title))
        daemon.until(lambda j=job: daemon.job_state(j["id"]) == "completed", "the scan is complete", 60.0)
    page = visit(daemon.url + "/jobs").page
    rows = page.locator("[data-part=history] .passes-t tbody tr")
    expect(rows).to_have_count(3)
    page.keyboard.press("/")
    field = page.get_by_label("Search the history")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("maxlength", steps.longest_search(daemon, "/api/passes"))
    field.press_sequentially("blue", delay=20)
    expect(rows).to_have_count(2)
    expect(field).to_be_focused()
    link = page.get_by_role("link", name="Passes as CSV")
    assert "q=blue" in (link.get_attribute("href") or "")
    with page.expect_download() as taken:
        link.click()
    lines = taken.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), lines[0].split(",")[:3]) == (3, ["session_id", "pass", "title"])
    with page.expect_download() as taken:
        page.get_by_role("link", name="Passes as JSON").click()
    items = json.loads(taken.value.path().read_text())
    assert len(items["items"] if isinstance(items, dict) else items) == 2
    field.press_sequentially(" teapot")
    expect(page.locator("[data-part=history]")).to_contain_text("No pass fits the search.")
    page.get_by_role("button", name="Jobs of the last day").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="as CSV").click()
    assert len(taken.value.path().read_text(encoding="utf-8-sig").splitlines()) == 4
    page.get_by_role("button", name="Clear the list").click()
    expect(page.locator("[data-part=history]")).to_contain_text("No job has ended in the last day.")


def test_a_pass_that_ends_meanwhile_waits_behind_a_button(daemon, visit):
    job = daemon.scan(**small_scan(3, title="First"))
    daemon.until(lambda: daemon.job_state(job["id"]) == "completed", "the scan is complete", 60.0)
    page = visit(daemon.url + "/jobs").page
    rows = page.locator("[data-part=history] .passes-t tbody tr")
    expect(rows).to_have_count(1)
    daemon.scan(**small_scan(3, title="Second"))
    expect(page.locator("[data-action=show-newer]")).to_be_visible()
    expect(rows).to_have_count(1)
    steps.act(page, "show-newer")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Second")
