"""``scanner logs``."""

from __future__ import annotations

import json
from typing import Any

from tests.scanner.cli.conftest import listed


def line(number: int, message: str, **more: Any) -> dict[str, Any]:
    """A line of the log."""
    return {"number": number, "at": f"2026-11-20T04:15:{number:02}.120Z", "level": "info", "message": message} | more


def test_the_newest_lines_are_printed_oldest_first(cli, stub):
    about = {"session": "s-1", "pass": "main", "job": "j-1", "shot": 3, "camera": "left"}
    stub.answers["GET /api/logs?level=debug&limit=50"] = listed(
        line(2, "saved", level="warning", **about), line(1, "ready")
    )
    assert cli("logs").out.splitlines() == [
        "04:15:01 INFO    ready",
        "04:15:02 WARNING saved [session=s-1 pass=main job=j-1 shot=3 camera=left]",
    ]
    assert [json.loads(text)["number"] for text in cli("logs", "--json").out.splitlines()] == [1, 2]


def test_lines_are_asked_for_by_what_they_are_about(cli, stub):
    url = "GET /api/logs?session=s-1&job=j-1&level=error&limit=5"
    stub.answers[url] = listed()
    assert cli("logs", "--session", "s-1", "--job", "j-1", "--level", "error", "-n", "5").code == 0
    assert stub.asked(url)


def test_lines_are_followed_until_the_daemon_ends(cli, stub):
    stub.streams = [[("log", line(1, "one")), ("log", line(2, "two")), ("other", {})]]
    call = cli("logs", "-f")
    assert call.code == 0
    assert [text[17:] for text in call.out.splitlines()] == ["one", "two"]
