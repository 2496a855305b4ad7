"""Lists as files: CSV as RFC 4180 has it, JSON as every list, piece by piece."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from web import reports
from web.reports import Report, lines, pieces_of


def cells(data: bytes) -> list[list[str]]:
    """What a spreadsheet reads."""
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@pytest.mark.parametrize(
    "text", ["a,b", 'the "blue" vase', "two\r\nlines", "two\nlines", "", " spaced ", "Väse 花瓶", "a;b"]
)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert cells(lines([(text, 1, None, 2.5)])) == [[text, "1", "", "2.5"]]


def test_lines_end_as_the_standard_says() -> None:
    assert lines([("a", "b"), (1, 2)]) == b"a,b\r\n1,2\r\n"
    assert lines([]) == b""


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 30", "-vase", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://evil")']
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert cells(lines([("before", text)])) == [["before", f"'{text}"]]


@pytest.mark.parametrize("text", ["a=b", "1-2", "vase@home", "'=1"])
def test_what_is_harmless_gets_none(text: str) -> None:
    assert cells(lines([(text,)])) == [[text]]


def test_numbers_below_zero_stay_numbers() -> None:
    assert lines([(-1, -2.5)]) == b"-1,-2.5\r\n"


def page(items: tuple[Any, ...], following: str | None, total: int) -> Any:
    return SimpleNamespace(items=items, next=following, total=total)


def report(*pages: Any) -> Report[Any]:
    """A report of these pages."""

    async def come() -> AsyncIterator[Any]:
        for one in pages:
            await asyncio.sleep(0)
            yield one

    return Report(name="x", day="20261120", columns={"a": lambda one: one["a"]}, pages=come())


async def test_pages_follow_each_other_under_one_heading() -> None:
    parts = [part async for part in reports._csv(report(page(({"a": 1},), "c", 2), page(({"a": "=x"},), None, 2)))]
    assert parts == [b"a\r\n1\r\n", b"'=x\r\n"]
    assert b"".join([part async for part in reports._csv(report(page((), None, 0)))]) == b"a\r\n"


async def test_json_has_the_shape_of_every_list() -> None:
    told = report(page(({"a": 1}, {"a": 2}), "c", 3), page((), "d", 3), page(({"a": 3},), "e", 3))
    parts = [part async for part in reports._json(told)]
    assert json.loads(b"".join(parts)) == {"items": [{"a": 1}, {"a": 2}, {"a": 3}], "next": "e", "total": 3}
    nothing = [part async for part in reports._json(report(page((), None, 0)))]
    assert json.loads(b"".join(nothing)) == {"items": [], "next": None, "total": 0}


def test_a_list_in_pieces() -> None:
    assert [len(piece) for piece in pieces_of(range(reports.PIECE * 2 + 1))] == [reports.PIECE, reports.PIECE, 1]
    assert list(pieces_of(())) == [()]
