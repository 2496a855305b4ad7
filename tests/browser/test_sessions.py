"""The list of sessions: search while typing, and the old folders beside the new ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.scanner.storage.formats import support as old
from tests.support.daemon import Daemon, small_scan

pytestmark = pytest.mark.browser


def folders(daemon: Daemon) -> dict[str, str]:
    """Every session directory by name, as the hash of all that is in it."""
    return {path.name: old.tree_hash(path) for path in daemon.sessions.iterdir() if not path.name.startswith(".")}


def restarted_with(daemon: Daemon, make: Callable[[Path], object], count: int = 1) -> list[Any]:
    """Old folders come into the data directory while the daemon is away; the sessions that come of them."""
    daemon.stop()
    make(daemon.sessions)
    daemon.start()
    daemon.until(lambda: daemon.get("/api/sessions")["total"] == count, "they are listed")
    return list(daemon.get("/api/sessions")["items"])


def test_search_while_typing_keeps_focus_and_cards(daemon, visit):
    for title in ("Blue vase", "Red jug", "Blue bowl"):
        job = daemon.scan(**small_scan(3, title=title))
        daemon.until(lambda j=job: daemon.job_state(j["id"]) == "completed", "the scan is complete", 60.0)
    asked: list[str] = []
    there = visit(daemon.url + "/sessions")
    page = there.page
    cards = page.locator("[data-part=gallery] [data-session]")
    expect(cards).to_have_count(3)
    page.evaluate("document.querySelector('[data-part=gallery] [data-session]').dataset.mine = 'kept'")
    page.on("request", lambda request: asked.append(request.url) if "/api/sessions?" in request.url else None)
    page.keyboard.press("/")
    field = page.get_by_label("Search sessions")
    expect(field).to_have_attribute("maxlength", steps.longest_search(daemon, "/api/sessions"))
    field.press_sequentially("blu", delay=30)
    expect(cards).to_have_count(2)
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=blu$"))
    assert sum("q=blu" in url for url in asked) == 1  # of three letters, one question
    assert page.locator("[data-mine=kept]").count() == 1  # its card is still the same one
    field.press_sequentially("e bo")
    expect(cards).to_have_count(1)
    field.press_sequentially("xx")
    expect(page.locator("main")).to_contain_text("Nothing matches “blue boxx”")
    page.keyboard.press("Escape")
    expect(cards).to_have_count(3)
    expect(field).to_be_focused()


def test_a_legacy_session_is_shown_migrated_and_brought_back(daemon, visit):
    restarted_with(daemon, lambda sessions: old.raspi(sessions, title="Old vase"))
    before = folders(daemon)
    there = visit(daemon.url + "/sessions")
    page = there.page
    card = page.locator("[data-part=gallery] [data-session]")
    expect(card.locator(".tag.legacy")).to_have_text("Legacy, raspi v2")
    page.get_by_role("button", name="Legacy").click()
    expect(card).to_have_count(1)
    card.click()
    expect(page.get_by_role("heading", name="Old vase")).to_be_visible()
    expect(page.locator("[data-part=head] .tag.legacy")).to_have_text("Legacy, raspi v2")
    panel = steps.foot(page, "keeping")
    page.wait_for_load_state("networkidle")
    assert folders(daemon) == before  # looking changes nothing
    assert there.axe() == []

    steps.act(panel, "migrate")
    expect(page.locator("dialog[open]")).to_contain_text(
        "The old folder is kept, unchanged, and the migration can be undone"
    )
    steps.answer(page, "keep")
    assert folders(daemon) == before
    steps.act(panel, "migrate")
    steps.answer(page, "migrate")
    steps.toasted(page, "The session is in the new format.")
    expect(page.locator("[data-part=head] .tag.legacy")).to_have_count(0)
    (found,) = daemon.get("/api/sessions")["items"]
    assert (found["format"], found["photos"]) == ("current", 6)

    steps.act(panel, "undo-migration")
    steps.answer(page, "undo")
    steps.toasted(page, "The old folder is back as it was.")
    expect(page.locator("[data-part=head] .tag.legacy")).to_be_visible()
    assert folders(daemon) == before


def test_photos_taken_since_a_migration_go_aside_only_when_that_was_said(daemon, visit):
    (found,) = restarted_with(daemon, lambda sessions: old.raspi(sessions, title="Old vase"))
    before, path = folders(daemon), f"/api/sessions/{found['id']}"
    migration = daemon.post(f"{path}/migrate")
    daemon.until(lambda: daemon.job_state(migration["id"]) == "completed", "it is migrated", 60.0)
    again = {"name": "again", "plan": {"kind": "rings", "rings": [{"elevation": 10.0, "count": 4}]}}
    job = daemon.post(f"{path}/passes", again)
    daemon.until(lambda: daemon.job_state(job["id"]) == "completed", "photos were taken since", 60.0)

    there = visit(f"{daemon.url}/sessions/{found['id']}")
    page, dialog = there.page, there.page.locator("dialog[open]")
    panel = steps.foot(page, "keeping")
    for which in ("keep", "force"):
        steps.act(panel, "undo-migration")
        expect(dialog).to_contain_text(f"it is kept in sessions/.undone_{found['id']}.")
        steps.answer(page, "undo")
        expect(dialog).to_contain_text("4 photos were taken since the migration.")
        expect(dialog).to_contain_text(f"disk in sessions/.undone_{found['id']}.")
        expect(dialog.locator("[data-answer=keep]")).to_be_focused()
        assert there.axe() == []
        assert len(daemon.photos(found["id"])) == 10
        steps.answer(page, which)
    steps.toasted(page, f"kept in sessions/.undone_{found['id']}, with 4 photos taken since.")
    expect(page.locator("[data-part=head] .tag.legacy")).to_be_visible()
    assert folders(daemon) == before
    assert len(list(daemon.sessions.glob(f".undone_{found['id']}/images/again/*.jpg"))) == 4
    expect(page.locator("[data-toast=bad]")).to_have_count(0)


def test_the_first_change_migrates_and_says_so(daemon, visit):
    (found,) = restarted_with(daemon, lambda sessions: old.raspi(sessions, title="Old vase"))
    page = visit(f"{daemon.url}/sessions/{found['id']}").page
    steps.act(page, "edit")
    form = page.get_by_role("form", name="Edit")
    expect(form.locator(".hint")).to_contain_text("the old folder is kept")
    form.get_by_label("Title").fill("Older vase")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Older vase")).to_be_visible()
    expect(page.locator("[data-part=head] .tag.legacy")).to_have_count(0)
    (found,) = daemon.get("/api/sessions")["items"]
    assert (found["format"], found["title"]) == ("current", "Older vase")


def test_folders_that_may_be_one_scan_are_a_question(daemon, visit):
    restarted_with(daemon, lambda sessions: old.dual(sessions, linked=False), 2)
    there = visit(daemon.url + "/sessions")
    page = there.page
    question = page.locator("[data-question]")
    expect(question).to_contain_text("Two folders may be one scan.")
    expect(page.locator("[data-part=gallery] [data-session]")).to_have_count(2)
    assert there.axe() == []
    steps.act(question, "merge")
    steps.answer(page, "keep")
    steps.act(question, "merge")
    steps.answer(page, "merge")
    expect(page.get_by_role("heading", name="Chess knight", level=1)).to_be_visible()
    (found,) = daemon.get("/api/sessions")["items"]
    assert (found["format"], found["photos"]) == ("current", 6)
    page.goto(daemon.url + "/sessions")
    expect(page.locator("[data-part=gallery] [data-session]")).to_have_count(1)
    expect(question).to_have_count(0)
