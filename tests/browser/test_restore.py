"""The page greets after an interruption: every unfinished pass, each with what can be done about it."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.support.daemon import Daemon, small_scan

SHOTS = 36
pytestmark = pytest.mark.browser


def interrupted(daemon: Daemon, *titles: str) -> list[str]:
    """Power fails in the middle of a scan, once for each title; the sessions."""
    sessions = []
    for title in titles:
        job = daemon.scan(**small_scan(12, title=title, rings=3))
        daemon.until(lambda j=job: len(daemon.photos(j["session_id"])) >= 2, "photos are saved", 60.0)
        daemon.kill()
        daemon.start()
        sessions.append(job["session_id"])
    return sessions


def pass_of(daemon: Daemon, session: str) -> dict[str, object]:
    """The one pass of a session."""
    return dict(daemon.get(f"/api/sessions/{session}")["passes"][0])


def test_one_interrupted_scan_is_what_the_page_shows_first(daemon, visit):
    (session,) = interrupted(daemon, "Cut off")
    page = visit(daemon.url).page
    steps.state_word(page, "Paused")
    expect(steps.status(page).get_by_role("group", name="Why it stands")).to_contain_text("Interrupted by a restart")
    expect(page.locator("[data-part=restore]")).to_have_count(0)  # it is the only one
    before = {photo["name"]: photo["sha256"] for photo in daemon.photos(session)}
    steps.press(page, "main")
    steps.is_over(page, "Cut off is complete")
    photos = daemon.photos(session)
    assert sorted(photo["shot"] for photo in photos) == list(range(1, SHOTS + 1))
    assert before.items() <= {photo["name"]: photo["sha256"] for photo in photos}.items()


def test_each_unfinished_pass_is_resumed_finished_or_cancelled_alone(daemon, visit):
    sessions = dict(zip(("Vase", "Jug", "Bowl"), interrupted(daemon, "Vase", "Jug", "Bowl"), strict=True))
    page = visit(daemon.url).page
    steps.state_word(page, "Paused")
    card = page.locator("[data-part=restore]")
    expect(card.get_by_role("heading", level=1)).to_have_text("2 more passes are unfinished")
    (shown,) = [title for title in sessions if title in (steps.status(page).locator("h1").text_content() or "")]
    ended, given_up = [title for title in sessions if title != shown]
    row = steps.restore_row(page, ended)
    expect(row).to_contain_text(re.compile(rf"\d+ of {SHOTS}"))
    expect(row).to_contain_text(re.compile("interrupt", re.I))

    steps.act(row, "finish")
    daemon.until(lambda: pass_of(daemon, sessions[ended])["state"] == "completed", "it counts as completed")
    expect(row).to_contain_text("Completed now.")
    expect(row.locator("button:visible")).to_have_count(0)

    row = steps.restore_row(page, given_up)
    steps.act(row, "cancel")
    steps.answer(page, "keep")
    assert pass_of(daemon, sessions[given_up])["state"] == "paused"
    steps.act(row, "cancel")
    steps.answer(page, "cancel")
    daemon.until(lambda: pass_of(daemon, sessions[given_up])["state"] == "cancelled", "it is given up")
    expect(row).to_contain_text("Given up now.")

    steps.press(page, "main")
    steps.is_over(page, f"{shown} is complete")
    assert len(daemon.photos(sessions[shown])) == SHOTS
    assert 2 <= len(daemon.photos(sessions[ended])) < SHOTS


def test_a_job_whose_session_is_gone_hides_no_other(daemon, visit):
    gone, *_ = interrupted(daemon, "Taken away", "Jug", "Bowl")
    shutil.rmtree(daemon.sessions / gone)
    daemon.post("/api/sessions/reindex", {})
    daemon.until(lambda: gone not in {one["id"] for one in daemon.get("/api/sessions")["items"]}, "it is gone")
    assert gone in {job["session_id"] for job in daemon.get("/api/jobs/active")["items"]}
    page = visit(daemon.url, away=True).page  # Chromium says that a session is not there
    expect(page.locator("[data-part=restore] li")).not_to_have_count(0)
    page.goto(f"{daemon.url}/sessions")
    expect(page.locator("[data-part=offers] .resume")).not_to_have_count(0)


def test_without_its_jobs_too_a_free_rig_shows_what_is_unfinished_first(daemon, visit):
    (session,) = interrupted(daemon, "Orphan")
    daemon.stop()
    for path in daemon.directory.rglob("jobs.db*"):
        path.unlink()
    daemon.start()
    there = visit(daemon.url)
    page = there.page
    expect(page.locator("main > :first-child")).to_have_attribute("data-part", "restore")
    expect(page.get_by_role("heading", name="1 pass is unfinished")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert round(there.shift, 3) == 0, there.shifted
    assert there.axe() == []
    steps.act(steps.restore_row(page, "Orphan"), "resume")
    expect(steps.status(page).get_by_role("heading", name=re.compile("Orphan"))).to_be_visible()
    expect(page.locator("[data-part=restore]")).to_have_count(0)
    steps.is_over(page, "Orphan is complete")
    assert len(daemon.photos(session)) == SHOTS


def test_sessions_offers_the_unfinished_first(daemon, visit):
    done = daemon.scan(**small_scan(6, title="Done before"))
    daemon.until(lambda: daemon.job_state(done["id"]) == "completed", "the first is complete", 60.0)
    interrupted(daemon, "In the middle")
    page = visit(daemon.url + "/sessions").page
    offer = page.locator("[data-part=offers] .resume")
    expect(offer.get_by_role("heading", name="In the middle")).to_be_visible()
    assert page.locator("[data-part=offers] ~ [data-part=gallery] [data-session]").count() == 1
    steps.act(offer, "resume")
    expect(offer.locator("[data-action=watch]")).to_be_visible()


def test_a_pass_whose_scanner_was_killed_elsewhere_is_told_and_taken_up(pair, visit):
    """Its journal says that it runs until somebody goes on with it; a person is told what is so."""
    first, second = pair
    session = first.scan(**small_scan(12, title="Left behind", rings=3))["session_id"]
    first.until(lambda: len(first.photos(session)) >= 2, "photos are saved", 60.0)
    second.post("/api/sessions/reindex", {})
    second.until(lambda: second.get("/api/sessions")["total"] == 1, "the other has heard of it")
    page = visit(second.url + "/sessions").page
    card = page.locator("[data-part=gallery] [data-session]")
    expect(card.locator(".pic .st")).to_have_text("Running")
    expect(page.locator("[data-part=offers] .resume")).to_have_count(0)
    first.kill()
    second.get("/api/locks")  # as the page of the locks asks all the time
    expect(card.locator(".pic .st")).to_have_text("Interrupted")  # and nobody pressed anything
    page.reload()
    offer = page.locator("[data-part=offers] .resume")
    expect(offer.locator(".st").first).to_have_text("Interrupted")
    expect(offer).to_contain_text("ended while it worked on it")
    offer.get_by_role("link", name="Left behind").click()
    passes = page.locator("[data-part=passes]")
    expect(passes.locator(".st")).to_have_text("Interrupted")
    expect(passes.locator(".reason")).to_contain_text("ended while it worked on it")
    assert pass_of(second, session)["state"] == "running"  # to programs, until the journal says more
    page.goto(second.url)
    expect(steps.restore_row(page, "Left behind").locator(".why-t")).to_contain_text("ended while it worked on it")
    page.goto(f"{second.url}/sessions/{session}")
    steps.act(passes, "resume")
    second.until(lambda: pass_of(second, session)["state"] == "completed", "it was taken up", 60.0)
    assert len(second.photos(session)) == SHOTS
    expect(passes.locator(".st")).to_have_text("Completed")
    first.start()


def test_it_can_be_put_off(daemon, visit):
    interrupted(daemon, "Now", "Later")
    page = visit(daemon.url).page
    steps.act(page.locator("[data-part=restore]"), "put-off")
    expect(page.locator("[data-part=restore]")).to_have_count(0)
    steps.state_word(page, "Paused")
