"""``python -m tests.browser.take_pictures``: the README's pictures, taken of the real page, into ``pictures/``."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.support.daemon import Daemon
from tests.support.many import SPAN, make_sessions

PICTURES = Path(__file__).parent / "pictures"
CHROMIUM = "/usr/bin/chromium"
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
MOMENT = 1500  # milliseconds in which a page comes to rest


def main() -> None:
    """A scan in the middle, at a desk and on a phone; a finished session; the queue; statistics of 90 days."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with Daemon(Path(directory) / "demo", speed=12.0) as daemon:
            done = daemon.scan(title="Painted stone 0416")
            daemon.until(lambda: daemon.job_state(done["id"]) == "completed", "the first scan is complete", 300.0)
            running = daemon.scan(title="Painted stone 0417")
            daemon.until(lambda: len(daemon.photos(running["session_id"])) >= 40, "the second is half done", 300.0)
            take(browser, daemon.url + "/", "scan", DESKTOP, "light")
            for title in ("Agate nodule 0412", "Lapis lazuli 0376"):
                daemon.scan(title=title)
            take(browser, daemon.url + "/jobs", "jobs", DESKTOP, "light")
            take(browser, daemon.url + "/", "scan-phone", PHONE, "light")
            take(browser, f"{daemon.url}/sessions/{done['session_id']}", "session", DESKTOP, "dark")
            daemon.stop()
        museum = Path(directory) / "museum"
        make_sessions(museum / "data/sessions", 400, of=3000, first=2600, begin=datetime.now(UTC) - SPAN)
        with Daemon(museum) as daemon:
            daemon.until(lambda: daemon.get("/api/sessions")["total"] == 400, "all are listed", 60.0)
            take(browser, daemon.url + "/statistics?span=90", "statistics", DESKTOP, "dark")
            daemon.stop()
        browser.close()


def take(browser: Browser, address: str, name: str, options: dict[str, Any], scheme: str) -> None:
    """One picture as WebP."""
    context = browser.new_context(**options, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(MOMENT)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.save(PICTURES / f"{name}.webp", quality=80, method=6)
    context.close()


if __name__ == "__main__":
    main()
