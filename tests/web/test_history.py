"""History, statistics and the reports that are downloaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scanner.records import PassHistory
from tests.web.conftest import QUICK, scanned
from web.api.history import JOB_COLUMNS, PASS_COLUMNS

if TYPE_CHECKING:
    from scanner.app import App


def table(data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by its heading."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


async def test_one_record_for_each_pass(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask, {**QUICK, "operator": "anna", "object": {"id": "INV-1", "label": "vase"}})
    page = (await ask("GET", "/api/passes")).body
    assert (page["next"], page["total"]) == (None, 1)
    (one,) = page["items"]
    assert (one["session_id"], one["pass"], one["state"], one["photos"]) == (session, "main", "completed", 3)
    assert (one["operator"], one["object"]["id"], one["title"]) == ("anna", "INV-1", "Blue vase")
    assert (await ask("GET", "/api/passes?q=nothing")).body["items"] == []
    assert (await ask("GET", "/api/passes?q=vase&state=completed&operator=anna&limit=1")).body["total"] == 1
    assert (await ask("GET", "/api/passes?since=2000-01-01&until=2001-01-01")).body["items"] == []


async def test_sums(app: App, ask: Callable[..., Any]) -> None:
    await scanned(app, ask, {**QUICK, "operator": "anna"})
    sums = (await ask("GET", "/api/statistics")).body
    assert (sums["total"]["passes"], sums["total"]["photos"]) == (1, 3)
    assert [one["key"] for one in sums["by_operator"]] == ["anna"]
    nothing = (await ask("GET", "/api/statistics?since=2000-01-01&until=2001-01-01")).body
    assert (nothing["since"], nothing["total"]["passes"]) == ("2000-01-01", 0)


async def test_passes_as_files(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask, {**QUICK, "title": '=cmd|"x",1', "object": {"id": "@1", "label": "+v"}})
    answer = await ask("GET", "/api/passes?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    name = answer.headers["Content-Disposition"].removeprefix('attachment; filename="passes-').removesuffix('.csv"')
    assert len(name) == 8
    assert name.isdigit()
    (row,) = table(answer.body)
    assert list(row) == list(PASS_COLUMNS)
    assert (row["session_id"], row["title"], row["photos"]) == (session, '\'=cmd|"x",1', "3")
    assert (row["object_id"], row["object_label"], row["worklist"]) == ("'@1", "'+v", "")
    whole = await ask("GET", "/api/passes?format=json")
    assert whole.headers["Content-Disposition"].endswith('.json"')
    assert whole.body == (await ask("GET", "/api/passes")).body
    assert table((await ask("GET", "/api/passes?format=csv&q=nothing")).body) == []
    for kind in ("csv", "json"):
        head = await ask("HEAD", f"/api/passes?format={kind}")
        assert (head.status, head.body) == (200, b"")


async def test_jobs_as_files(app: App, ask: Callable[..., Any]) -> None:
    assert table((await ask("GET", "/api/jobs/report")).body) == []
    session = await scanned(app, ask)
    answer = await ask("GET", "/api/jobs/report")
    (row,) = table(answer.body)
    assert list(row) == list(JOB_COLUMNS)
    assert (row["kind"], row["session_id"], row["state"], row["photos"]) == ("scan", session, "completed", "3")
    whole = (await ask("GET", "/api/jobs/report?format=json")).body
    assert (whole["total"], whole["items"][0]["id"]) == (1, row["id"])


def test_every_field_is_in_the_file() -> None:
    fields = {field.removesuffix("_") for field in PassHistory.__struct_fields__} - {"object"}
    assert fields <= set(PASS_COLUMNS)
