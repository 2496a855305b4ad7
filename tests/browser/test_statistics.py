"""Statistics: what the daemon counts is what is drawn, and it can be read without seeing it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.daemon import Daemon, small_scan

pytestmark = pytest.mark.browser


def scans(daemon: Daemon) -> None:
    """Two passes of six photos, one by anna."""
    for title, operator in (("Blue vase", "anna"), ("Red jug", "")):
        job = daemon.scan(**small_scan(6, title=title), operator=operator)
        daemon.until(lambda j=job: daemon.job_state(j["id"]) == "completed", "the scan is complete", 60.0)


def test_the_plot_shows_what_was_photographed(daemon, visit):
    scans(daemon)
    there = visit(daemon.url + "/statistics")
    page = there.page
    expect(page.locator("[data-figure=photos] dd")).to_have_text("12")
    expect(page.locator("[data-figure=scans] dd")).to_contain_text("2")
    expect(page.locator("[data-figure=scans] dd")).to_contain_text("of 2 sessions")
    plot = page.get_by_role("slider", name="Photos a day")
    bars = page.locator("[data-plot=photos] .bars-all").get_attribute("d") or ""
    assert bars.count("M") == 1  # all of them today
    plot.focus()
    page.keyboard.press("End")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r": 12 photos$"))
    expect(page.locator("[data-plot=photos] .bars-read")).to_have_text(re.compile(r": 12 photos$"))
    page.keyboard.press("Home")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r": 0 photos$"))
    page.locator("[data-plot=photos] summary").click()
    cells = page.locator("[data-plot=photos] tbody tr")
    expect(cells).to_have_count(1)
    expect(cells.locator("td")).to_have_text("12")
    assert there.axe() == []
    operators = page.locator("[data-group=by_operator] tbody th span").all_text_contents()
    assert sorted(operators) == ["anna", "nobody named"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_stand_out_from_their_ground(daemon, visit, scheme):
    """A picture of the plot has the accent in it, and more than one tone."""
    scans(daemon)
    page = visit(daemon.url + "/statistics?span=7", color_scheme=scheme).page
    bar = page.locator("[data-plot=photos] .bars-all")
    expect(bar).to_be_attached()
    accent, fill = page.evaluate(
        "() => [getComputedStyle(document.documentElement).getPropertyValue('--accent').trim(),"
        " getComputedStyle(document.querySelector('.bars-all')).fill]"
    )
    assert fill == "rgb({}, {}, {})".format(*(int(accent[at : at + 2], 16) for at in (1, 3, 5)))
    box = bar.bounding_box()
    assert box
    assert box["height"] > 60


def test_the_range_is_chosen_and_kept_in_the_address(daemon, visit):
    scans(daemon)
    page = visit(daemon.url + "/statistics").page
    page.get_by_role("button", name="Year").click()
    expect(page).to_have_url(re.compile(r"\?span=365$"))
    expect(page.get_by_role("slider", name="Photos a week")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Year")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Week", exact=True).click()
    expect(page.get_by_role("slider", name="Photos a day")).to_be_visible()
    expect(page.locator("[data-figure=photos] dd")).to_have_text("12")


def test_it_counts_on_while_it_is_looked_at(daemon, visit):
    there = visit(daemon.url + "/statistics")
    page = there.page
    expect(page.locator("[data-figure=photos] dd")).to_have_text("0")
    before = there.shift
    daemon.scan(**small_scan(6, title="Meanwhile"))
    expect(page.locator("[data-figure=photos] dd")).to_have_text("6", timeout=30_000)
    assert round(there.shift - before, 3) == 0, there.shifted
