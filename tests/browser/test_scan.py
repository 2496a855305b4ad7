"""A scan as a person sees it: started, followed, reloaded, paused, resumed, stopped, cancelled, looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import steps

LOADED = "image => image.complete && image.naturalWidth > 300"
pytestmark = pytest.mark.browser


def test_a_whole_scan_from_start_to_its_photos(daemon, visit):
    there = visit(daemon.url)
    page = there.page
    steps.is_live(page)
    for ring in (3, 2):
        page.get_by_role("button", name=f"Remove ring {ring}").click()
    steps.start_scan(page, "Blue vase", preset=None)
    (job,) = daemon.get("/api/jobs/active")["items"]
    steps.state_word(page, "Running")
    steps.has_saved(page, 3)
    expect(page.locator("[data-phase][aria-current=step]")).to_have_count(1)

    page.reload()
    expect(steps.status(page).get_by_role("heading", name=re.compile("Blue vase"))).to_be_visible()
    steps.has_saved(page, 4)

    steps.press(page, "main")
    steps.state_word(page, "Paused")
    daemon.until(lambda: daemon.job_state(job["id"]) == "paused", "the job is paused")
    before = len(daemon.photos(job["session_id"]))
    expect(steps.status(page).get_by_role("group", name="Why it stands")).to_contain_text("Nothing moves")
    assert daemon.get("/api/sessions")["items"][0]["passes"][0]["saved"] == before

    steps.press(page, "main")
    steps.state_word(page, "Running")
    steps.has_saved(page, before + 2)
    steps.is_over(page, "Blue vase is complete")
    photos = daemon.photos(job["session_id"])
    assert sorted(photo["shot"] for photo in photos) == list(range(1, 25))
    assert len(list(daemon.sessions.iterdir())) == 1

    page.get_by_role("button", name="Show photos").click()
    expect(page).to_have_url(re.compile(re.escape(job["session_id"])))
    look_at_photos(page)


def look_at_photos(page: Page) -> None:
    """The viewer shows a photo, and others by its keys."""
    picture = page.locator("[data-part=viewer] img.photo")
    expect(picture).to_be_visible()
    steps.until(page, lambda: picture.evaluate(LOADED), "the photo is loaded")
    seen = picture.get_attribute("alt") or ""
    page.keyboard.press("]")
    expect(picture).not_to_have_attribute("alt", seen)
    page.keyboard.press("[")
    expect(picture).to_have_attribute("alt", seen)


def test_nothing_moves_while_photos_stream_in(daemon, visit):
    there = visit(daemon.url)
    steps.start_scan(there.page, "Still")
    steps.has_saved(there.page, 1)
    before = there.shift
    steps.has_saved(there.page, 10)
    assert round(there.shift - before, 3) == 0, there.shifted


def test_cancelling_asks_and_keeps_what_is_saved(daemon, visit):
    page = visit(daemon.url).page
    steps.start_scan(page, "Half a vase", preset="standard")
    steps.has_saved(page, 2)
    steps.press(page, "cancel")
    steps.answer(page, "keep")
    steps.state_word(page, "Running")
    steps.press(page, "cancel")
    steps.answer(page, "cancel")
    steps.is_over(page, "Half a vase was cancelled")
    (session,) = daemon.get("/api/sessions")["items"]
    assert session["state"] == "cancelled"
    assert 2 <= session["photos"] == len(daemon.photos(session["id"])) < 72


def test_stop_switches_off_at_once_and_the_scan_can_go_on(daemon, visit):
    page = visit(daemon.url).page
    steps.start_scan(page, "Stopped", preset="standard")
    steps.has_saved(page, 2)
    steps.stop(page)
    steps.state_word(page, "Paused")
    (job,) = daemon.get("/api/jobs/active")["items"]
    assert (job["pause"]["by"], job["pause"]["reason"]) == ("operator", "halted")
    assert daemon.get("/api/state")["rig"]["turntable"]["position"] is None
    steps.press(page, "main")
    steps.state_word(page, "Running")
    steps.press(page, "finish")
    steps.answer(page, "finish")
    steps.is_over(page, "Stopped is complete")
    shots = [photo["shot"] for photo in daemon.photos(job["session_id"])]
    assert len(shots) == len(set(shots))


def test_the_keyboard_does_it_all(daemon, visit):
    page = visit(daemon.url).page
    steps.is_live(page)
    page.keyboard.press("n")
    expect(page.get_by_role("form", name="New scan").get_by_label("Title")).to_be_focused()
    page.keyboard.type("By hand")
    page.keyboard.press("Enter")
    steps.has_saved(page, 1)
    page.locator("#main").focus()
    page.keyboard.press("p")
    steps.state_word(page, "Paused")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("Stop the rig")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    steps.state_word(page, "Running")
    page.keyboard.press("!")
    steps.state_word(page, "Paused")


def test_a_key_pressed_before_the_view_has_come_is_kept(daemon, visit):
    tab = visit(f"{daemon.url}/sessions")
    steps.is_live(tab.page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.page.route("**/views/scan.js", hold)
    tab.page.keyboard.press("n")
    steps.until(tab.page, lambda: held, "the view is asked for")
    tab.page.keyboard.press("n")  # once more, by somebody in a hurry
    held[0].continue_()
    expect(tab.page.get_by_role("form", name="New scan").get_by_label("Title")).to_be_focused()


def test_a_fault_of_the_camera_pauses_and_says_what_to_do(daemon, visit):
    page = visit(daemon.url).page
    steps.start_scan(page, "Faulty", preset="standard")
    steps.has_saved(page, 1)
    daemon.post("/api/demo/faults", {"camera_dead": True})
    steps.state_word(page, "Paused")
    expect(steps.status(page).get_by_role("group", name="Why it stands")).to_contain_text(re.compile("camera", re.I))
    daemon.post("/api/demo/faults", {})
    before = steps.saved(page)
    steps.press(page, "main")
    steps.has_saved(page, before + 2)


def test_a_title_is_text_whatever_is_in_it(daemon, visit):
    page = visit(daemon.url).page
    steps.start_scan(page, "<img src=x onerror=alert(1)> & \"quoted\" '𝄞' שלום")
    steps.has_saved(page, 1)
    assert page.locator("main img[src=x]").count() == 0
    page.goto(daemon.url + "/sessions")
    expect(page.locator("main")).to_contain_text("<img src=x")
