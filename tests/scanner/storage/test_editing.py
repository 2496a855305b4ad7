"""A session's title, tags, notes and operator can be changed; nothing else of it is."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from scanner.clock import SystemClock
from scanner.errors import DamagedError, SessionBusyError, SessionNotFoundError, StorageError
from scanner.events import Event, SessionChanged
from scanner.model import SessionId
from scanner.storage import SessionChanges, SessionQuery, StorageManager
from scanner.storage.disk.share import Sharing
from scanner.storage.facets import editlock
from tests.scanner.storage.support import Place, StepClock, new_session, save, working


class PatientClock(StepClock):
    """Sleeping lets others run."""

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - no time passes here
        await asyncio.sleep(0)


async def test_what_is_given_changes_and_the_rest_stays(place, storage, handle):
    before = await storage.get_session(handle.id)
    path = place.sessions / handle.id / "metadata/session.json"
    document = json.loads(path.read_bytes()) | {"colour": {"of": "vase"}}
    path.write_text(json.dumps(document))
    changes = SessionChanges(title="Red vase", tags=("red", "vase"), notes="two\nlines", operator="Anna")
    after = await storage.edit(handle.id, changes, origin="web:anna")
    assert (after.title, after.tags, after.notes, after.operator) == ("Red vase", ("red", "vase"), "two\nlines", "Anna")
    assert (after.id, after.created_at, after.passes) == (before.id, before.created_at, before.passes)
    now = json.loads(path.read_bytes())
    assert now["colour"] == {"of": "vase"}
    assert now | {"title": "", "tags": [], "notes": "", "operator": ""} == document | {
        "title": "", "tags": [], "notes": "", "operator": "",
    }  # fmt: skip
    only = await storage.edit(handle.id, SessionChanges(tags=()))
    assert (only.title, only.tags, only.notes) == ("Red vase", (), "two\nlines")


async def test_what_was_changed_is_found(storage, handle):
    await storage.edit(handle.id, SessionChanges(title="Hydria", notes="from the harbour"))
    await storage.edit(handle.id, SessionChanges(title="Amphora"))
    for words, found in (("amphora", 1), ("harbour", 1), ("hydria", 0)):
        assert (await storage.list_sessions(SessionQuery(q=words))).total == found
    async with working(storage, handle) as writer:
        await save(writer, writer.remaining()[0])
        session = await storage.edit(handle.id, SessionChanges(title="Krater"))
        assert (session.title, session.photos) == ("Krater", 1)
        await save(writer, writer.remaining()[0])
    assert (await storage.get_session(handle.id)).photos == 2


async def test_events_and_audit_only_where_something_changed(place):
    heard: list[Event] = []
    async with place.storage(tell=heard.append) as storage:
        handle = await storage.create_session(new_session())
        await storage.edit(handle.id, SessionChanges(title="Blue vase"), origin="cli")
        assert heard == []
        await storage.edit(handle.id, SessionChanges(title="Red vase", notes=""), origin="web:anna")
        assert heard == [SessionChanged(session_id=handle.id)]
        (entry,) = await storage.audit.list()
        assert (entry.who, entry.what, entry.session_id, entry.detail) == ("web:anna", "edit", handle.id, "title")


async def test_of_a_session_that_does_not_exist(storage):
    for nobody in ("20200101-000000-nothing", "../etc"):
        with pytest.raises(SessionNotFoundError):
            await storage.edit(SessionId(nobody), SessionChanges(title="x"))


@pytest.mark.parametrize("harm", ["gone", "noise"])
async def test_a_session_that_cannot_be_read_is_not_overwritten(place, storage, handle, harm):
    path = place.sessions / handle.id / "metadata/session.json"
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(b"noise")
    with pytest.raises(DamagedError, match=r"session\.json"):
        await storage.edit(handle.id, SessionChanges(title="x"))
    assert path.exists() is (harm == "noise")


@pytest.mark.parametrize(
    "text",
    [
        '{"title": ""}', '{"title": "a\\nb"}', '{"tags": [""]}', '{"tags": "red"}', '{"notes": "\\u0000"}',
        '{"operator": 1}', '{"colour": "red"}',
    ],
)  # fmt: skip
def test_what_cannot_be_asked(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=SessionChanges)
    assert msgspec.json.decode('{"title": "x"}', type=SessionChanges) == SessionChanges(title="x")


@pytest.mark.parametrize("shared", [False, True])
async def test_two_that_change_at_once_do_it_one_after_the_other(tmp_path, shared):
    """Twice the same daemon, and another one: each change is there in the end."""
    place, sharing = Place(tmp_path, SystemClock()), Sharing(shared=shared)  # type: ignore[arg-type] - a clock
    async with place.storage(sharing=sharing) as one:
        handle = await one.create_session(new_session())
        two = await StorageManager.open(
            data_dir=place.data, state_dir=tmp_path / "other", clock=SystemClock(), sharing=sharing
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(one.edit(handle.id, SessionChanges(title="Red vase")))
                group.create_task(one.edit(handle.id, SessionChanges(tags=("red",))))
                group.create_task(two.edit(handle.id, SessionChanges(notes="red")))
                group.create_task(two.edit(handle.id, SessionChanges(operator="Anna")))
            await one.reconcile()
            found = await one.get_session(handle.id)
            assert (found.title, found.tags, found.notes, found.operator) == ("Red vase", ("red",), "red", "Anna")
        finally:
            await two.close()


@pytest.mark.parametrize("shared", [False, True])
async def test_a_session_that_somebody_keeps_is_busy(tmp_path, shared):
    place = Place(tmp_path, PatientClock())
    async with place.storage(sharing=Sharing(shared=shared)) as storage:
        handle = await storage.create_session(new_session())
        release = editlock.take_edit_lock(storage._keeper, handle.id)
        assert release is not None
        assert editlock.take_edit_lock(storage._keeper, handle.id) is None
        with pytest.raises(SessionBusyError, match="is being changed by somebody else"):
            await storage.edit(handle.id, SessionChanges(title="x"))
        release()
        assert (await storage.edit(handle.id, SessionChanges(title="x"))).title == "x"


async def test_a_disk_that_cannot_lock_is_said(storage, handle, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("scanner.storage.facets.editlock.fcntl.flock", refuse)
    with pytest.raises(StorageError, match="could not be locked"):
        await storage.edit(handle.id, SessionChanges(title="x"))
