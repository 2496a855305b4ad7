"""The newest lines of the log are kept, found and followed."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from scanner.logbook import LogBook, LogQuery

ALL = LogQuery()


@pytest.fixture
def book() -> Iterator[LogBook]:
    """One that hears a logger of its own."""
    made = LogBook(kept=50)
    log.addHandler(made)
    log.setLevel(logging.DEBUG)
    yield made
    log.removeHandler(made)


log = logging.getLogger("scanner.jobs.test")


def messages(book: LogBook, query: LogQuery = ALL) -> list[str]:
    """Newest first."""
    return [entry.message for entry in book.newest(query, 100)[0]]


def test_a_line_is_kept_with_what_it_is_about(book: LogBook):
    extra = {"session": "s-1", "pass_name": "main", "job": "j-1", "shot": 3, "camera": "left"}
    log.warning("photo %d saved", 3, extra=extra)
    ((entry,), more) = book.newest(ALL, 5)
    assert not more
    assert (entry.number, entry.level, entry.message, entry.source) == (1, "warning", "photo 3 saved", "jobs.test")
    assert (entry.session, entry.pass_, entry.job, entry.shot, entry.camera) == ("s-1", "main", "j-1", 3, "left")
    assert entry.at.endswith("Z")


def test_the_oldest_make_room_and_numbers_go_on(book: LogBook):
    for number in range(70):
        log.info("line %d", number)
    found, more = book.newest(ALL, 100)
    assert [entry.number for entry in found] == list(range(70, 20, -1))
    assert not more


def test_lines_are_found_page_by_page(book: LogBook):
    for number in range(5):
        log.info("line %d", number)
    first, more = book.newest(ALL, 2)
    second, _ = book.newest(ALL, 2, first[-1].number)
    third, end = book.newest(ALL, 2, second[-1].number)
    assert [entry.message for entry in (*first, *second, *third)] == [f"line {n}" for n in (4, 3, 2, 1, 0)]
    assert (more, end) == (True, False)


def test_lines_are_found_by_what_they_are_about(book: LogBook):
    log.debug("detail")
    log.info("Begins", extra={"session": "s-1", "job": "j-1"})
    log.warning("waits", extra={"session": "s-2", "job": "j-2"})
    log.error("fails", extra={"session": "s-1", "job": "j-3"})
    log.critical("worse")
    assert messages(book, LogQuery(session="s-1")) == ["fails", "Begins"]
    assert messages(book, LogQuery(job="j-2")) == ["waits"]
    assert messages(book, LogQuery(level="warning")) == ["worse", "fails", "waits"]
    assert messages(book, LogQuery(text="bEGin")) == ["Begins"]
    at = book.newest(LogQuery(job="j-2"), 1)[0][0].at
    assert "waits" in messages(book, LogQuery(since=at))
    assert messages(book, LogQuery(since="9999")) == []


def test_a_fault_of_ours_is_named_without_its_traceback(book: LogBook):
    try:
        raise KeyError("/secret/path")  # noqa: EM101, TRY301 - an example
    except KeyError:
        log.exception("the guards failed")
    assert messages(book) == ["the guards failed (KeyError)"]


def test_what_does_not_fit_its_own_form_harms_nobody(book: LogBook, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.info("photo %d saved", "three")
    log.info("x" * 5000)
    assert [len(text) for text in messages(book)] == [1000]


async def test_who_follows_hears_what_any_thread_says(book: LogBook):
    log.info("before")
    with book.following() as follower:
        _, last = book.after(ALL, 0)
        thread = threading.Thread(target=lambda: log.info("from a thread"))
        thread.start()
        async with asyncio.timeout(5):
            await follower.wait()
        thread.join()
        entries, last = book.after(ALL, last)
        assert [entry.message for entry in entries] == ["from a thread"]
        assert book.after(ALL, last) == ([], last)
    log.info("nobody listens")


def test_a_loop_that_is_closed_follows_no_more(book: LogBook):
    async def leave_behind() -> object:
        following = book.following()
        following.__enter__()
        return following

    kept = asyncio.run(leave_behind())
    log.info("said")
    assert messages(book) == ["said"]
    del kept
