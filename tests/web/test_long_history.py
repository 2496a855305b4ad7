"""A history of more passes than one answer should hold: page by page, whatever the client does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from scanner.errors import StorageError
from tests.support.many import PASSES, make_sessions
from tests.web.conftest import connection
from tests.web.test_history import table
from web.api import history
from web.streams import PIECE

if TYPE_CHECKING:
    from scanner.app import App
    from scanner.config import Config
    from scanner.storage import HistoryPage, HistoryQuery
    from web.app import Server

SESSIONS = 500
TOTAL = SESSIONS * len(PASSES)


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    """Without a rig, with many sessions."""
    make_sessions(safe_mode.data_dir / "sessions", SESSIONS)
    return safe_mode


@pytest.fixture
async def asked(app: App, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pages that storage is asked for, from when it knows all sessions."""
    await app.storage.reconcile()
    sizes: list[int] = []
    really = app.storage.history.passes

    async def passes(query: HistoryQuery) -> HistoryPage:
        sizes.append(query.limit)
        return await really(query)

    monkeypatch.setattr(app.storage.history, "passes", passes)
    return sizes


async def test_all_of_it_comes_page_by_page_each_pass_once(asked: list[int], ask: Callable[..., Any]) -> None:
    rows = table((await ask("GET", "/api/passes?format=csv")).body)
    assert len({(row["session_id"], row["pass"]) for row in rows}) == len(rows) == TOTAL
    assert set(asked) == {PIECE}
    began = [row["started_at"] for row in rows if row["started_at"]]
    assert began == sorted(began, reverse=True)
    whole = (await ask("GET", "/api/passes?format=json")).body
    assert [one["session_id"] for one in whole["items"]] == [row["session_id"] for row in rows]
    assert (whole["next"], whole["total"]) == (None, TOTAL)


async def test_a_limit_is_kept_and_the_rest_follows(asked: list[int], ask: Callable[..., Any]) -> None:
    many = PIECE * 2 + 7
    first = (await ask("GET", f"/api/passes?format=json&limit={many}")).body
    assert (len(first["items"]), first["total"]) == (many, TOTAL)
    assert asked == [PIECE, PIECE, 7]
    rest = (await ask("GET", "/api/passes", params={"format": "json", "after": first["next"]})).body
    both = [(one["session_id"], one["pass"]) for one in (*first["items"], *rest["items"])]
    assert len(set(both)) == len(both) == TOTAL
    page = (await ask("GET", f"/api/passes?limit={TOTAL}")).body
    assert len(page["items"]) == history.MOST
    assert len((await ask("GET", "/api/passes")).body["items"]) == history.PAGE
    assert len(table((await ask("GET", "/api/passes?format=csv&limit=3")).body)) == 3


async def test_who_does_not_read_is_not_read_ahead_for(
    asked: list[int], server: Server, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PIECE", 10)
    async with connection(server, stalls=True) as (_, writer):
        writer.write(b"GET /api/passes?format=json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        before = -1
        while not asked or before != len(asked):  # until nothing more is asked for between some other answers
            before = len(asked)
            for _ in range(20):
                await ask("GET", "/healthz")
        assert len(asked) < TOTAL / 10


async def test_a_disk_that_fails_on_the_way_breaks_the_file_off(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await app.storage.reconcile()
    really = app.storage.history.passes

    async def passes(query: HistoryQuery) -> HistoryPage:
        if query.after is not None:
            message = "the index could not be read"
            raise StorageError(message, reason="io_error")
        return await really(query)

    monkeypatch.setattr(app.storage.history, "passes", passes)
    for kind in ("csv", "json"):
        with pytest.raises(aiohttp.ClientError):
            await ask("GET", f"/api/passes?format={kind}")
    said = [record.getMessage() for record in caplog.records if "broke off" in record.getMessage()]
    assert said == ["GET /api/passes broke off: the index could not be read"] * 2
    assert (await ask("GET", "/api/passes")).status == 200
