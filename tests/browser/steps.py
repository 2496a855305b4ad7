"""What a person does on the page, in one place: where the page changes its words, this changes with it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.support.daemon import Daemon

A_SCAN = 90_000  # milliseconds that a scan may take to its end on a machine that does much else


def is_live(page: Page) -> None:
    """The page has its state and follows the daemon."""
    expect(page.locator("#bar .rig .st.ok")).to_be_visible()


def longest_search(daemon: Daemon, path: str) -> str:
    """How many characters the daemon takes as a search text."""
    asked = daemon.get("/api/openapi.json")["paths"][path]["get"]["parameters"]
    return str(next(one["schema"]["maxLength"] for one in asked if one["name"] == "q"))


def start_scan(page: Page, title: str, preset: str | None = "quick") -> None:
    """Fill in the form and press Start; the card of the scan is there. Without a preset the form stays as it is."""
    is_live(page)
    form = page.get_by_role("form", name="New scan")
    form.get_by_label("Title").fill(title)
    if preset:
        form.get_by_label("Preset").select_option(preset)
    form.get_by_role("button", name=re.compile("Start scan")).click()
    expect(status(page).get_by_role("heading", name=re.compile(re.escape(title)))).to_be_visible()


def status(page: Page) -> Locator:
    """The card that says what the scan does."""
    return page.locator("[data-status=scan]")


def state_word(page: Page, word: str) -> None:
    """The card says so."""
    expect(status(page).locator(".now .st")).to_have_text(word)


def saved(page: Page) -> int:
    """How many photos the status card says are saved."""
    return int(status(page).locator("scan-dial text").first.text_content() or 0)


def has_saved(page: Page, count: int) -> None:
    """Wait until at least ``count`` photos are said to be saved."""
    until(page, lambda: saved(page) >= count, f"{count} photos saved")


def until(page: Page, holds: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until something is true. (Playwright's own way needs ``eval`` in the page, which it forbids.)"""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        page.wait_for_timeout(20)  # lets Playwright hear of what happened meanwhile


def press(page: Page, act: str) -> None:
    """Press one of the card's buttons: main (Pause or Resume), cancel, finish, skip."""
    status(page).locator(f"[data-act={act}]").click()


def answer(page: Page, which: str) -> None:
    """Answer the dialog that is open."""
    page.locator(f"dialog[open] [data-answer={which}]").click()


def stop(page: Page) -> None:
    """Press the Stop in the corner."""
    page.locator("[data-stop]").click()


def is_over(page: Page, said: str) -> None:
    """The scan is over, and the idle card says how it ended."""
    expect(page.locator("[data-status=scan]")).to_have_count(0, timeout=A_SCAN)
    expect(page.locator("main")).to_contain_text(said)


def restore_row(page: Page, title: str) -> Locator:
    """The row of an unfinished pass in the card that greets after an interruption."""
    return page.locator("[data-part=restore] [data-restore]").filter(has_text=title)


def foot(page: Page, part: str) -> Locator:
    """A panel at the foot of a session: checkpoints, notes, keeping. It is loaded when it comes near the window."""
    page.locator("[data-part=foot]").scroll_into_view_if_needed()
    panel = page.locator(f"[data-part={part}]")
    expect(panel).to_be_visible()
    return panel


def act(panel: Locator | Page, action: str) -> None:
    """Press the button with this action."""
    panel.locator(f"[data-action={action}]:visible").first.click()


def toasted(page: Page, text: str | re.Pattern[str]) -> Locator:
    """The toast that says so."""
    toast = page.locator("[data-toast]").filter(has_text=text).last
    expect(toast).to_be_visible()
    return toast
