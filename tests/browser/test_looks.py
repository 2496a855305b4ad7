"""Every view at phone, tablet and desktop width, light and dark: nothing sticks out, axe finds nothing, it is light."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser import steps
from tests.support.daemon import Daemon
from tests.support.sample import FULL, turn

WIDTHS = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
SCHEMES = ["light", "dark"]
# In the gate phone and desktop, one of them light and one dark, by turns.
CHECKED = (
    [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
    if FULL
    else list(zip(["phone", "desktop"], turn("looks").sample(SCHEMES, 2), strict=True))
)
TARGET = 44  # pixels that a finger needs
WEIGHT = 100_000  # bytes, gzip, without photos
SMALL = """least => [...document.querySelectorAll('button, a, input, select, summary, [tabindex="0"]')]
  .filter(element => element.checkVisibility() && !element.closest('.vh, .skip, p, td'))
  .map(element => [element.outerHTML.slice(0, 90), element.getBoundingClientRect()])
  .filter(([_, box]) => box.width && (box.height < least || box.width < least))
  .map(([text, box]) => `${text} ${Math.round(box.width)} x ${Math.round(box.height)}`)"""

pytestmark = pytest.mark.browser


def addresses(daemon: Daemon) -> dict[str, str]:
    """Every view with something in it."""
    sessions = daemon.get("/api/sessions")["items"]
    return {"scan": "/", "sessions": "/sessions", "jobs": "/jobs", "statistics": "/statistics"} | {
        f"session {session['title'][:10]}": f"/sessions/{session['id']}" for session in sessions
    }


def whole(page: Page) -> None:
    """Everything is there, what is loaded when it comes near the window too."""
    page.wait_for_load_state("networkidle")
    if page.locator("[data-part=foot]").count():
        page.locator("[data-part=foot]").scroll_into_view_if_needed()
        expect(page.locator("[data-part=keeping]")).to_be_visible()
        page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(("width", "scheme"), CHECKED)
def test_every_view_fits_and_is_accessible(furnished, visit, width, scheme):
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    found = {}
    for name, path in addresses(furnished).items():
        there = visit(furnished.url + path, viewport=size, color_scheme=scheme, has_touch=width == "phone")
        steps.is_live(there.page)
        expect(there.page.locator("main h1, main h2").first).to_be_visible()
        whole(there.page)
        problems = there.axe()
        if there.overflow > 0:
            problems.append(f"sticks out by {there.overflow} px")
        if width == "phone":
            problems += [f"too small for a finger: {one}" for one in there.page.evaluate(SMALL, TARGET)]
        if problems:
            found[name] = problems
        there.page.close()
    assert found == {}


def test_every_view_is_light_to_load(furnished, visit, figures):
    """What a first visit to each view costs, as it comes over the wire, without photos and data."""
    weights = {}
    for name, path in addresses(furnished).items():
        there = visit("about:blank")
        loaded: dict[str, int] = {}
        there.page.on("response", lambda response, loaded=loaded: loaded.update(weigh(response)))
        there.page.goto(furnished.url + path, wait_until="networkidle")
        weights[name] = sum(loaded.values())
        assert any(one.endswith("/app.js") for one in loaded), loaded
        figures(f"first load of {name}: {weights[name] / 1000:.1f} kB in {len(loaded)} files")
        assert weights[name] < WEIGHT, sorted(loaded.items(), key=lambda item: -item[1])[:10]


def weigh(response: Response) -> dict[str, int]:
    """Bytes on the wire of an answer, by its address; nothing for data and photos."""
    path = urlsplit(response.url).path
    return {} if path.startswith("/api/") else {path: int(response.headers.get("content-length", 0))}


@pytest.mark.parametrize("width", WIDTHS if FULL else turn("shift").sample(list(WIDTHS), 1))
def test_nothing_moves_while_a_page_loads(furnished, visit, width):
    """Nor while what lies below the window is loaded."""
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    for path in addresses(furnished).values():
        there = visit(furnished.url + path, viewport=size, has_touch=width == "phone")
        steps.is_live(there.page)
        whole(there.page)
        assert round(there.shift, 4) == 0, (path, there.shifted)
        there.page.close()


def test_it_works_by_its_name_on_the_network(furnished, visit):
    """On plain http, away from localhost, there is no secure context; it must do without."""
    there = visit(f"http://{socket.gethostname().partition('.')[0].lower()}.local:{furnished.port}/")
    assert not there.page.evaluate("isSecureContext")
    steps.is_live(there.page)
