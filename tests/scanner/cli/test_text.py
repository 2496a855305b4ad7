"""Numbers and moments for people."""

from __future__ import annotations

import time

import pytest

from scanner.cli.text import clean, count, duration, moment, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (3599.7, "1 h 0 min"), (7805, "2 h 10 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [(0, "0 B"), (999, "999 B"), (4_200_000, "4.2 MB"), (99_960_000, "100.0 MB"), (120e9, "120 GB"), (5e15, "5000 TB")],
)
def test_sizes(bytes_, text):
    assert size(bytes_) == text


def test_counts():
    assert [count(1, "photo"), count(0, "photo"), count(10_000, "photo")] == ["1 photo", "0 photos", "10,000 photos"]


def test_moments_are_local(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert moment("2026-11-20T23:15:30.120Z") == "2026-11-21 00:15"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert moment(None) == ""


def test_titles_cannot_command_the_terminal():
    assert clean("a\x1b[31mb\nc\td\x07") == "a [31mb c d"
    assert clean("Ünïcode ✓") == "Ünïcode ✓"
