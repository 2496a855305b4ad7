"""Sessions of older formats: in the same list, migrated and back, put together, copied in from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.scanner.storage.formats.support import IMAGES, PLAIN, WEB, dual, raspi, tree_hash
from tests.web.conftest import ended

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.app import App
    from scanner.config import Config


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    """Without a rig, with sessions of the predecessor: one whole, one in two folders that may belong together."""
    raspi(safe_mode.data_dir / "sessions", title="Old vase")
    dual(safe_mode.data_dir / "sessions", linked=False)
    return safe_mode


@pytest.fixture
async def known(app: App) -> App:
    """The daemon once it has looked through all directories."""
    await app.storage.reconcile()
    return app


async def test_they_are_in_the_same_list_with_their_format(known: App, ask: Callable[..., Any]) -> None:
    before = tree_hash(known.config.data_dir / "sessions")
    listed = {one["id"]: one for one in (await ask("GET", "/api/sessions")).body["items"]}
    assert set(listed) == {PLAIN, WEB, IMAGES}
    assert (listed[PLAIN]["format"], listed[PLAIN]["title"], listed[PLAIN]["photos"]) == ("raspi_v2", "Old vase", 6)
    only = (await ask("GET", "/api/sessions?format=raspi_v2&q=old")).body["items"]
    assert [one["id"] for one in only] == [PLAIN]
    shown = (await ask("GET", f"/api/sessions/{PLAIN}")).body
    assert shown["format"] == "raspi_v2"
    photos = (await ask("GET", f"/api/sessions/{PLAIN}/photos")).body["items"]
    assert len(photos) == 6
    assert (await ask("GET", photos[0]["url"])).body.startswith(b"\xff\xd8")
    assert tree_hash(known.config.data_dir / "sessions") == before


async def test_one_is_migrated_and_goes_back(known: App, ask: Callable[..., Any]) -> None:
    sessions = known.config.data_dir / "sessions"
    before = tree_hash(sessions / PLAIN)
    trial = await ask("POST", f"/api/sessions/{PLAIN}/migrate", {"dry_run": True})
    assert trial.status == 202
    assert (await ended(ask, known, trial.body["id"]))["state"] == "completed"
    assert tree_hash(sessions / PLAIN) == before

    job = (await ask("POST", f"/api/sessions/{PLAIN}/migrate")).body
    assert (await ended(ask, known, job["id"]))["state"] == "completed"
    assert (await ask("GET", f"/api/sessions/{PLAIN}")).body["format"] == "current"
    job = (await ask("POST", f"/api/sessions/{PLAIN}/migrate", {"undo": True})).body
    assert (await ended(ask, known, job["id"]))["state"] == "completed"
    assert (await ask("GET", f"/api/sessions/{PLAIN}")).body["format"] == "raspi_v2"
    assert tree_hash(sessions / PLAIN) == before


async def test_all_are_migrated(known: App, ask: Callable[..., Any]) -> None:
    trial = (await ask("POST", "/api/sessions/migrate", {"dry_run": True})).body
    done = await ended(ask, known, trial["id"])
    assert any(PLAIN in note for note in done["result"]["notes"])
    assert sum("was left alone" in note for note in done["result"]["notes"]) == 2
    assert (await ask("GET", f"/api/sessions/{PLAIN}")).body["format"] == "raspi_v2"
    job = (await ask("POST", "/api/sessions/migrate")).body
    assert (await ended(ask, known, job["id"]))["state"] == "completed"
    listed = (await ask("GET", "/api/sessions")).body["items"]
    assert {one["id"] for one in listed if one["format"] == "current"} == {PLAIN}
    assert len((await ask("GET", "/api/sessions/questions")).body["items"]) == 1


@pytest.mark.usefixtures("known")
async def test_the_first_change_migrates(ask: Callable[..., Any]) -> None:
    answer = await ask("PATCH", f"/api/sessions/{PLAIN}", {"title": "Older vase"})
    assert (answer.status, answer.body["title"], answer.body["format"]) == (200, "Older vase", "current")


@pytest.mark.usefixtures("known")
async def test_two_that_may_be_one_are_asked_about_and_merged(ask: Callable[..., Any]) -> None:
    (question,) = (await ask("GET", "/api/sessions/questions")).body["items"]
    assert {question["first"], question["second"]} == {WEB, IMAGES}
    assert question["text"]
    merged = await ask("POST", "/api/sessions/merge", {"a": IMAGES, "b": WEB})
    assert merged.status == 200, merged.body
    assert merged.body["photos"] == 6
    assert merged.body["id"] in {WEB, IMAGES}
    assert (await ask("GET", "/api/sessions/questions")).body["items"] == []
    assert len((await ask("GET", "/api/sessions")).body["items"]) == 2


async def test_a_deleted_one_comes_back_unmigrated(known: App, ask: Callable[..., Any]) -> None:
    before = tree_hash(known.config.data_dir / "sessions" / PLAIN)
    entry = await ask("DELETE", f"/api/sessions/{PLAIN}")
    assert (entry.status, entry.body["photos"]) == (200, 6)
    assert not (known.config.data_dir / "sessions" / PLAIN).exists()
    back = await ask("POST", f"/api/sessions/{PLAIN}/undelete")
    assert (back.status, back.body["format"]) == (200, "raspi_v2")
    assert tree_hash(known.config.data_dir / "sessions" / PLAIN) == before


async def test_they_are_copied_in_from_elsewhere(known: App, ask: Callable[..., Any], tmp_path: Path) -> None:
    raspi(tmp_path / "card", "another", title="From a card")
    before = tree_hash(tmp_path / "card")
    order = {"directory": str(tmp_path / "card"), "timezone": "Europe/Berlin"}
    trial = (await ask("POST", "/api/sessions/import", {**order, "dry_run": True})).body
    done = await ended(ask, known, trial["id"])
    assert any("another" in note for note in done["result"]["notes"])
    assert (await ask("GET", "/api/sessions/another")).status == 404
    job = await ask("POST", "/api/sessions/import", {"directory": order["directory"]})
    assert (job.status, job.body["kind"]) == (202, "import")
    assert (await ended(ask, known, job.body["id"]))["state"] == "completed"
    shown = (await ask("GET", "/api/sessions/another")).body
    assert (shown["title"], shown["photos"], shown["format"]) == ("From a card", 6, "current")
    assert tree_hash(tmp_path / "card") == before
