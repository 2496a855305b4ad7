"""Does what a reader of the README does with its first command: run it, open the page, see the example scan, stop.

``python3 -m tests.support.smoke COMMAND``, with the standard library only; the page is expected where the README says
it is, at http://localhost:8080.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAGE = "http://localhost:8080"
INSTALL = 240.0  # seconds until the page must answer, installation included
FIRST_PHOTO = 30.0
STOP = 5.0  # a daemon in mid-scan may take as long


def get(path: str) -> bytes:
    """The body of the page's answer."""
    with urllib.request.urlopen(PAGE + path, timeout=5) as answer:  # noqa: S310 - PAGE is http
        return answer.read()


def until(seconds: float, process: subprocess.Popen[bytes], what: str, holds: Callable[[], T]) -> T:
    """What ``holds`` answers, as soon as it is true; an error once ``seconds`` are over or the process has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"the command ended with {process.returncode} before {what}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if value := holds():
                return value
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    sys.exit(f"not within {seconds:.0f} s: {what}")


def photos() -> int:
    """How many photos are saved."""
    sessions = json.loads(get("/api/sessions"))["items"]
    return sum(session["photos"] for session in sessions)


def main(command: str) -> None:
    """Run ``command`` and leave with a sentence if anything is not as the README promises."""
    # The trap lets bash outlive the signal and hand on the daemon's own exit status.
    process = subprocess.Popen(["bash", "-c", f"trap : TERM\n{command}"], start_new_session=True)
    page = until(INSTALL, process, "the page answers", lambda: get("/"))
    if b"<html" not in page:
        sys.exit("what answers at / is no page")
    saved = until(FIRST_PHOTO, process, "the example scan has saved a photo", photos)
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGTERM)
    try:
        status = process.wait(STOP + 5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        sys.exit("it does not stop")
    took = time.monotonic() - begin
    if status != 0 or took > STOP:
        sys.exit(f"stopped with status {status} after {took:.1f} s; wanted 0 within {STOP:.0f} s")
    print(f"page answered, {saved} photos, stopped within {took:.2f} s with status 0")


if __name__ == "__main__":
    main(sys.argv[1])
