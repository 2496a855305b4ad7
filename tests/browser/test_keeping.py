"""A session that is kept: checkpoints back and forward, edited in place, verified, deleted and brought back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import steps
from tests.scanner.storage.formats.support import PLAIN, raspi
from tests.support.daemon import Daemon, small_scan

pytestmark = pytest.mark.browser


def scanned(daemon: Daemon, title: str = "Blue vase", *, photos: int | None = None) -> str:
    """A session: complete, or given up with at least so many photos."""
    job = daemon.scan(**small_scan(12 if photos is None else 24, title=title, rings=1 if photos is None else 4))
    if photos is not None:
        daemon.until(lambda: len(daemon.photos(job["session_id"])) >= photos, "photos are saved", 60.0)
        daemon.post(f"/api/jobs/{job['id']}/cancel")
    ended = ("completed", "cancelled")
    daemon.until(lambda: daemon.job_state(job["id"]) in ended, "the scan has ended", 60.0)
    return str(job["session_id"])


def session(daemon: Daemon, name: str) -> Any:
    """The session as the daemon has it."""
    return daemon.get(f"/api/sessions/{name}")


def open_session(daemon: Daemon, visit: Any, name: str) -> Page:
    """Its page."""
    page: Page = visit(f"{daemon.url}/sessions/{name}").page
    steps.is_live(page)
    page.wait_for_load_state("networkidle")  # photos that are asked for and then deleted would be a fault
    return page


def go_on(daemon: Daemon, name: str, photos: int) -> None:
    """Take its pass up until it has so many photos, and give it up again."""
    job = daemon.post(f"/api/sessions/{name}/passes/main/resume")
    daemon.until(lambda: len(daemon.photos(name)) >= photos, "more photos are saved", 60.0)
    daemon.post(f"/api/jobs/{job['id']}/cancel")
    daemon.until(lambda: daemon.job_state(job["id"]) == "cancelled", "the scan has ended", 60.0)


def names(daemon: Daemon, name: str) -> set[str]:
    """The photos that belong to it now."""
    return {photo["name"] for photo in daemon.photos(name)}


def save(page: Page, panel: Locator) -> None:
    """Save the checkpoint before-more, after a name that cannot be."""
    steps.act(panel, "save-checkpoint")
    page.locator("dialog[open] input[name=name]").fill("Before!")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open] .hint")).to_have_class(re.compile("bad"))
    page.locator("dialog[open] input[name=name]").fill("before-more")
    page.keyboard.press("Enter")
    expect(panel.locator("[data-checkpoint=before-more]")).to_be_visible()


def test_back_to_a_checkpoint_and_forward_again(daemon, visit):
    name = scanned(daemon, photos=3)
    page = open_session(daemon, visit, name)
    panel = steps.foot(page, "checkpoints")
    save(page, panel)
    early = names(daemon, name)

    go_on(daemon, name, len(early) + 3)
    late = names(daemon, name)
    assert early < late

    button = panel.locator("[data-checkpoint=before-more] [data-action=restore]")
    expect(page.locator("[data-part=head] .meta")).to_contain_text(f"{len(late)} photos")
    button.click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text(f"{len(early)} photos in place of {len(late)} photos now")
    steps.answer(page, "keep")
    assert names(daemon, name) == late
    button.click()
    steps.answer(page, "restore")
    expect(panel.locator(".onward")).to_contain_text("This is the state of before-more.")
    assert names(daemon, name) == early
    expect(page.locator("[data-part=head] .meta")).to_contain_text(f"{len(early)} photos")
    expect(panel.locator("[data-checkpoint]")).to_have_count(2)
    expect(panel.locator("[data-checkpoint=auto-1] small")).to_contain_text("automatic")

    steps.act(panel.locator(".onward"), "forward")
    steps.toasted(page, "everything is as before")
    assert names(daemon, name) == late
    expect(page.locator("[data-part=head] .meta")).to_contain_text(f"{len(late)} photos")
    expect(panel.locator(".onward")).to_be_hidden()


def test_delete_and_undo(daemon, visit):
    name = scanned(daemon)
    page = open_session(daemon, visit, name)
    steps.act(steps.foot(page, "keeping"), "delete")
    expect(page).to_have_url(re.compile("/sessions$"))
    toast = steps.toasted(page, "Blue vase is in the trash.")
    assert daemon.get("/api/sessions")["total"] == 0
    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Blue vase")).to_be_visible()
    assert session(daemon, name)["photos"] == 12
    assert daemon.get("/api/trash")["items"] == []


def test_the_trash_gives_back_and_is_emptied(daemon, visit):
    kept, gone = scanned(daemon, "Kept"), scanned(daemon, "Gone")
    for name in (kept, gone):
        daemon.fetch(f"/api/sessions/{name}", method="DELETE")
    there = visit(daemon.url + "/sessions")
    page = there.page
    steps.act(page, "trash")
    drawer = page.locator("dialog.drawer[open]")
    expect(drawer.locator("[data-trash]")).to_have_count(2)
    assert there.axe() == []
    drawer.get_by_role("button", name="Bring back Kept").click()
    expect(drawer.locator("[data-trash]")).to_have_count(1)
    steps.act(drawer, "purge")
    expect(page.locator("dialog[open]").last).to_contain_text("Delete 1 session for ever?")
    steps.answer(page, "keep")
    steps.act(drawer, "purge")
    steps.answer(page, "purge")
    expect(drawer).to_contain_text("The trash is empty.")
    page.keyboard.press("Escape")
    expect(page.locator("[data-part=gallery] [data-session]")).to_have_count(1)
    assert [one["title"] for one in daemon.get("/api/sessions")["items"]] == ["Kept"]
    assert not list(daemon.directory.rglob(f"{gone}/images"))


def test_a_session_that_is_worked_on_cannot_be_deleted(daemon, visit):
    job = daemon.scan(**small_scan(24, title="Busy", rings=3))
    daemon.post(f"/api/jobs/{job['id']}/pause")  # so that it cannot be over before the page looks
    page = open_session(daemon, visit, job["session_id"])
    panel = steps.foot(page, "keeping")
    expect(panel).to_contain_text("A job works on it")
    expect(panel.locator("[data-action=delete]")).to_have_attribute("aria-disabled", "true")


def test_title_tags_operator_and_notes_are_edited_in_place(daemon, visit):
    name = scanned(daemon)
    page = open_session(daemon, visit, name)
    steps.act(page, "edit")
    form = page.get_by_role("form", name="Edit")
    expect(form.get_by_label("Title")).to_be_focused()
    form.get_by_label("Title").fill(" ")
    page.keyboard.press("Enter")
    expect(form.locator(".hint")).to_have_text("A session needs a title.")
    form.get_by_label("Title").fill("Green <b>vase</b>")
    form.get_by_label("Operator").fill("anna")
    form.get_by_label("Tags").fill("museum, batch-3, museum")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Green <b>vase</b>", level=1)).to_be_visible()
    expect(page.locator("[data-action=edit]")).to_be_focused()
    expect(page.locator("[data-part=head] .meta .tag")).to_have_text(["museum", "batch-3"])
    found = session(daemon, name)
    assert (found["title"], found["operator"], found["tags"]) == ("Green <b>vase</b>", "anna", ["museum", "batch-3"])

    notes = steps.foot(page, "notes").get_by_role("textbox")
    notes.fill("Loose paint at 120°.\nDo not touch.")
    notes.blur()
    expect(page.locator("[data-part=notes]")).to_contain_text(re.compile(r"saved \d\d:\d\d"))
    assert session(daemon, name)["notes"] == "Loose paint at 120°.\nDo not touch."
    daemon.fetch(f"/api/sessions/{name}", {"notes": "by somebody else"}, method="PATCH")
    expect(notes).to_have_value("by somebody else")


def test_a_session_whose_document_is_damaged_is_looked_at_and_gets_a_new_one(daemon, visit):
    job = daemon.scan(**small_scan(3, title="Blue vase"))
    daemon.until(lambda: daemon.job_state(job["id"]) == "completed", "the scan is complete", 60.0)
    document = daemon.sessions / job["session_id"] / "metadata/session.json"
    document.write_bytes(b"noise")
    there = visit(daemon.url + "/sessions")
    page = there.page
    card = page.locator("[data-part=gallery] [data-session]")
    expect(card).to_contain_text("3 photos")
    card.click()
    damage = page.locator("[data-part=damage]")
    expect(damage).to_have_text(re.compile(r"wrong with its files\. session\.json cannot be read.*written anew\.$"))
    expect(page.locator("[data-part=head] .meta")).to_contain_text("nobody knows when")
    steps.act(page, "edit")
    form = page.get_by_role("form", name="Edit")
    form.get_by_label("Title").fill("Blue vase again")
    form.get_by_role("button", name="Save").click()
    steps.toasted(page, "session.json was written anew")
    expect(page.get_by_role("heading", name="Blue vase again")).to_be_visible()
    expect(damage).to_have_count(0)
    expect(page.locator("[data-part=head] .meta")).to_contain_text("scanned")
    assert document.with_name("session.damaged-1.json").read_bytes() == b"noise"


def test_verifying_finds_what_was_damaged(daemon, visit):
    name = scanned(daemon)
    page = open_session(daemon, visit, name)
    panel = steps.foot(page, "keeping")
    steps.act(panel, "verify")
    steps.toasted(page, "All photos are whole.")
    expect(panel).to_contain_text("nothing missing or changed")
    photo = next(daemon.sessions.glob(f"{name}/images/**/*.jpg"))
    photo.write_bytes(photo.read_bytes()[:-1] + b"x")
    steps.act(panel, "verify")
    steps.toasted(page, "Verifying found something")
    expect(panel.locator(".found")).to_contain_text(photo.name)
    expect(page.locator("[data-part=passes] .reason")).to_contain_text("damaged or missing")
    steps.act(page.locator("[data-part=passes]"), "resume")
    daemon.until(lambda: session(daemon, name)["passes"][0]["state"] == "completed", "it is taken again", 60.0)
    assert len(daemon.photos(name)) == 12


def test_what_an_old_session_lacks_is_promised_again_only_where_that_is_so(daemon, visit):
    made = raspi(daemon.sessions.parent / "made")
    (made / "images/scan_point_001_camera_0.jpg").unlink()
    made.rename(daemon.sessions / PLAIN)
    daemon.until(lambda: any(one["id"] == PLAIN for one in daemon.get("/api/sessions")["items"]), "it is listed", 60.0)
    page = open_session(daemon, visit, PLAIN)
    reason = page.locator("[data-part=passes] .reason")
    lacks = "1 photo is damaged or missing."
    expect(reason).to_contain_text(f"{lacks} Once migrated, “Verify” opens the pass to take it again.")
    panel = steps.foot(page, "keeping")
    steps.act(panel, "migrate")
    steps.answer(page, "migrate")
    expect(reason).to_contain_text(f"{lacks} “Verify” opens the pass to take it again.")
    steps.act(panel, "verify")
    steps.toasted(page, "Verifying found something")
    expect(reason).to_contain_text("1 photo was damaged or missing and will be taken again.")
    expect(page.locator("[data-part=passes] [data-action=resume]")).to_be_visible()
