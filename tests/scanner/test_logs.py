"""One line a fact, with whom it is about; on a terminal and for the journal."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from scanner.logs import set_up

log = logging.getLogger("scanner.test")


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """Whatever is set up here is gone afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    noisy = {name: logging.getLogger(name).level for name in ("aiohttp.access", "asyncio", "PIL")}
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    for name, level in noisy.items():
        logging.getLogger(name).setLevel(level)


def test_on_a_terminal_with_time_and_level(capsys):
    set_up({})
    log.warning("photo saved", extra={"job": "j-1", "pass_name": "main", "shot": 3, "other": "unseen"})
    assert capsys.readouterr().err.split(" ", 1)[1] == "WARNING photo saved [pass=main job=j-1 shot=3]\n"


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2), (25, 6)],
)
def test_for_the_journal_with_its_priority(capsys, level, priority):
    set_up({"JOURNAL_STREAM": "8:1"}, debug=True)
    log.log(level, "ready")
    assert capsys.readouterr().err == f"<{priority}>ready\n"


def test_what_is_said_and_what_is_not(capsys):
    set_up({})
    log.debug("a detail")
    logging.getLogger("aiohttp.access").info("GET /")
    assert capsys.readouterr().err == ""


def test_setting_up_twice_says_things_once(capsys):
    set_up({})
    set_up({})
    log.info("ready")
    assert capsys.readouterr().err.count("ready") == 1
