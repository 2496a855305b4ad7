"""Sessions from edit to trash and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from scanner.clock import SystemClock
from scanner.storage import StorageManager
from tests.web.conftest import QUICK, ended, reached, scanned
from tests.web.test_sessions import halfway

if TYPE_CHECKING:
    from scanner.app import App


async def test_words_about_a_session_are_changed_and_others_stay(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask, {**QUICK, "operator": "anna", "tags": ["old"]})
    url = f"/api/sessions/{session}"
    answer = await ask("PATCH", url, {"title": "Red vase", "notes": "two\nlines", "tags": ["a", "b"]})
    assert answer.status == 200
    told = (await ask("GET", url)).body
    assert told == answer.body
    assert (told["id"], told["title"], told["notes"], told["tags"], told["operator"]) == (
        session,
        "Red vase",
        "two\nlines",
        ["a", "b"],
        "anna",
    )
    assert (await ask("PATCH", url, {})).body["title"] == "Red vase"
    assert [one["id"] for one in (await ask("GET", "/api/sessions?q=red")).body["items"]] == [session]
    assert [one["id"] for one in (await ask("GET", "/api/sessions?tag=b&operator=anna")).body["items"]] == [session]
    assert (await ask("GET", "/api/sessions?tag=old")).body["items"] == []
    assert (await ask("GET", "/api/sessions?format=raspi_v2")).body["items"] == []


async def test_a_deleted_session_comes_back_as_it_was(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    url = f"/api/sessions/{session}"
    before = (await ask("GET", url)).body
    entry = await ask("DELETE", url)
    assert entry.status == 200
    assert (entry.body["session_id"], entry.body["title"], entry.body["photos"]) == (session, "Blue vase", 3)
    assert entry.body["origin"] == "web"
    assert (await ask("GET", url)).code == "session_not_found"
    assert (await ask("DELETE", url)).code == "session_not_found"
    assert (await ask("GET", "/api/trash")).body == {"items": [entry.body], "next": None, "total": 1}
    back = await ask("POST", f"{url}/undelete")
    assert (back.status, back.body) == (200, before)
    assert (await ask("GET", url)).body == before
    assert (await ask("GET", "/api/trash")).body["items"] == []
    assert (await ask("POST", f"{url}/undelete")).status == 404


async def test_what_a_job_has_is_not_deleted_and_the_job_is_named(app: App, ask: Callable[..., Any]) -> None:
    job = await halfway(app, ask)
    answer = await ask("DELETE", f"/api/sessions/{job['session_id']}")
    assert (answer.status, answer.code) == (409, "session_busy")
    assert answer.body["error"]["detail"]["job_id"] == job["id"]
    assert (await ask("GET", f"/api/sessions/{job['session_id']}")).status == 200


async def test_the_trash_is_emptied_for_ever(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    await ask("DELETE", f"/api/sessions/{session}")
    told = await ask("POST", "/api/trash/purge", {"dry_run": True})
    assert [one["session_id"] for one in told.body["items"]] == [session]
    assert (await ask("GET", "/api/trash")).body["total"] == 1
    gone = await ask("POST", "/api/trash/purge", {})
    assert gone.body == told.body
    assert (await ask("GET", "/api/trash")).body["items"] == []
    assert (await ask("POST", f"/api/sessions/{session}/undelete")).status == 404
    assert not list(app.config.data_dir.glob(f"trash/**/{session}"))


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the kernel trusts the clock: what the test leaves in the list."""
    answers = [True]
    kernel = cast("Any", StorageManager.open).__func__.__kwdefaults__
    monkeypatch.setitem(kernel, "synchronised", lambda: answers[0])
    return answers


async def test_old_sessions_are_cleaned_up_and_the_trash_of_old_ones(
    trusted: list[bool], app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, job = await scanned(app, ask), await halfway(app, ask)
    order = {"older_than": "1w"}
    assert (await ask("POST", "/api/sessions/clean", order)).body["items"] == []
    real = SystemClock.now
    monkeypatch.setattr(SystemClock, "now", lambda clock: real(clock) + timedelta(days=8))
    told = (await ask("POST", "/api/sessions/clean", {**order, "dry_run": True})).body["items"]
    assert [one["id"] for one in told] == [session]
    assert (await ask("GET", f"/api/sessions/{session}")).status == 200
    assert (await ask("POST", "/api/sessions/clean", order)).body["items"] == told
    assert [one["id"] for one in (await ask("GET", "/api/sessions")).body["items"]] == [job["session_id"]]
    assert (await ask("POST", "/api/trash/purge", order)).body["items"] == []
    assert (await ask("GET", "/api/trash")).body["total"] == 1
    monkeypatch.setattr(SystemClock, "now", lambda clock: real(clock) + timedelta(days=16))
    trusted[0] = False
    for path in ("/api/sessions/clean", "/api/trash/purge"):
        answer = await ask("POST", path, order)
        assert (answer.status, answer.code) == (409, "clock_not_synchronised")
    trusted[0] = True
    assert (await ask("POST", "/api/trash/purge", order)).body["total"] == 1
    assert (await ask("GET", "/api/trash")).body["total"] == 0


async def test_verifying_is_a_job_that_plans_again_what_is_damaged(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    url = f"/api/sessions/{session}"
    answer = await ask("POST", f"{url}/verify")
    assert (answer.status, answer.body["kind"]) == (202, "verify")
    assert answer.headers["Location"] == f"/api/jobs/{answer.body['id']}"
    assert (await ended(ask, app, answer.body["id"]))["state"] == "completed"
    assert (await ask("GET", url)).body["state"] == "completed"
    photo = next((app.config.data_dir / "sessions" / session / "images" / "main").glob("*.jpg"))
    photo.write_bytes(photo.read_bytes()[:-1] + b"x")
    job = (await ask("POST", f"{url}/verify")).body
    done = await ended(ask, app, job["id"])
    assert any(photo.name in note for note in done["result"]["notes"]), done
    (one,) = (await ask("GET", url)).body["passes"]
    assert (one["state"], one["pause"]["reason"], one["damaged"]) == ("paused", "damaged", 1)
    again = (await ask("POST", f"{url}/passes/main/resume")).body
    assert (await ended(ask, app, again["id"]))["state"] == "completed"
    (one,) = (await ask("GET", url)).body["passes"]
    assert (one["state"], one["saved"], one["damaged"]) == ("completed", 3, 0)


async def test_all_are_verified_and_indexed_anew_as_jobs(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    for path, kind in [("/api/sessions/verify", "verify"), ("/api/sessions/reindex", "reindex")]:
        answer = await ask("POST", path)
        assert (answer.status, answer.body["kind"]) == (202, kind)
        assert (await reached(ask, app, answer.body["id"], "completed"))["state"] == "completed"
    assert [one["id"] for one in (await ask("GET", "/api/sessions")).body["items"]] == [session]
