"""A session's title, tags, notes and operator can be changed; nothing else of it is."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
from contextlib import suppress

import msgspec
import pytest

from scanner.clock import SystemClock
from scanner.errors import DamagedError, SessionBusyError, SessionNotFoundError, StorageError
from scanner.events import Event, SessionChanged, WarningRaised
from scanner.model import SessionId
from scanner.storage import SessionChanges, SessionQuery, StorageManager
from scanner.storage.disk.share import Sharing
from scanner.storage.facets import editlock
from tests.scanner.storage.oldsessions import running, small_raspi
from tests.scanner.storage.support import (
    FailingFiles,
    Place,
    RecordingFiles,
    StepClock,
    new_session,
    save,
    working,
)


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
        (entry,) = (await storage.audit.list()).items
        assert (entry.who, entry.what, entry.session_id, entry.detail) == ("web:anna", "edit", handle.id, "title")


async def test_of_a_session_that_does_not_exist(storage):
    for nobody in ("20200101-000000-nothing", "../etc"):
        with pytest.raises(SessionNotFoundError):
            await storage.edit(SessionId(nobody), SessionChanges(title="x"))


@pytest.mark.parametrize("harm", [None, b"", b"noise", b"\0" * 400, b'{"title": 7, "tags": ["red"], "colour": "blue"}'])
async def test_a_document_that_is_lost_is_written_anew_and_the_damaged_one_is_kept(place, harm):
    heard: list[Event] = []
    async with place.storage(tell=heard.append) as storage:
        handle = await storage.create_session(new_session())
        before = await storage.get_session(handle.id)
        path = place.sessions / handle.id / "metadata/session.json"
        path.unlink()
        if harm is not None:
            path.write_bytes(harm)
        await storage.reconcile()
        (said,) = (await storage.get_session(handle.id)).damage
        assert "give it a title again" in said
        heard.clear()
        after = await storage.edit(handle.id, SessionChanges(title="Red vase", notes="again"), origin="web:anna")
        assert (after.title, after.notes, after.damage, after.id) == ("Red vase", "again", (), handle.id)
        assert (after.created_at, after.passes, after.photos) == (before.created_at, before.passes, before.photos)
        assert after.tags == (("red",) if harm and b"tags" in harm else ())
        now = json.loads(path.read_bytes())
        assert (now["id"], now["rig"]) == (handle.id, "bench")
        assert now.get("colour") == ("blue" if harm and b"colour" in harm else None)
        kept = sorted(path.parent.glob("session.damaged-*.json"))
        assert [one.read_bytes() for one in kept] == ([] if harm is None else [harm])
        word = "missing" if harm is None else "damaged"
        anew = [event for event in heard if isinstance(event, WarningRaised)]
        assert [(event.session_id, f"was {word} and is written anew" in event.message) for event in anew] == [
            (handle.id, True)
        ]
        (entry,) = (await storage.audit.list()).items
        assert entry.detail.startswith("title, notes, session.json was")
        assert all(one.name in entry.detail for one in kept)
        again = await storage.edit(handle.id, SessionChanges(title="Blue vase"))
        assert again.title == "Blue vase"
        assert sorted(path.parent.glob("session.damaged-*.json")) == kept


async def test_the_damaged_document_is_kept_durably_before_another_takes_its_place(place):
    files = RecordingFiles()
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        (place.sessions / handle.id / "metadata/session.json").write_bytes(b"noise")
        del files.done[:]
        await storage.edit(handle.id, SessionChanges(title="Red vase"))
    changes = [done for done in files.done if "session" in done[1] or done == ("fsync_dir", "metadata")]
    assert changes == [
        ("write", "session.damaged-1.json.part"),
        ("fsync", "session.damaged-1.json.part"),
        ("rename", "session.damaged-1.json"),
        ("fsync_dir", "metadata"),
        ("write", "session.json.part"),
        ("fsync", "session.json.part"),
        ("rename", "session.json"),
        ("fsync_dir", "metadata"),
    ]


async def test_when_it_was_created_is_told_by_its_name_where_nothing_else_does(place, storage, handle):
    root = place.sessions / handle.id
    odd = place.sessions / "any-name"
    shutil.copytree(root, odd)
    for one in (root, odd):
        (one / "metadata/session.json").unlink()
        for document in one.rglob("pass.json"):
            document.unlink()
    await storage.reconcile()
    named = await storage.edit(handle.id, SessionChanges(notes="x"))
    assert (named.created_at, named.title) == ("2026-11-20T04:15:30.000Z", handle.id)
    assert (await storage.edit(SessionId("any-name"), SessionChanges(notes="x"))).created_at == ""


async def test_a_migrated_session_is_still_known_to_be_one(place):
    small_raspi(place.sessions)
    async with running(place) as storage:
        (old,) = (await storage.list_sessions()).items
        await storage.legacy.migrate(old.id, origin="cli")
        before = await storage.get_session(old.id)
        (place.sessions / old.id / "metadata/session.json").write_bytes(b"noise")
        for path in (place.sessions / old.id).rglob("pass.json"):
            path.write_bytes(path.read_bytes().replace(before.created_at.encode(), b"2026-11-20T04:15:30.000Z"))
        after = await storage.edit(old.id, SessionChanges(title=before.title))
        assert (after.migrated_from, after.created_at) == (before.migrated_from, before.created_at)
        assert after.migrated_from is not None


async def test_what_a_newer_version_wrote_is_not_written_anew(place, storage, handle):
    path = place.sessions / handle.id / "metadata/session.json"
    newer = json.dumps({"format": "scanner-session", "version": 9, "title": {"en": "Vase"}}).encode()
    path.write_bytes(newer)
    with pytest.raises(DamagedError, match="newer version"):
        await storage.edit(handle.id, SessionChanges(title="x"))
    assert path.read_bytes() == newer
    assert not list(path.parent.glob("session.damaged-*"))


async def test_what_tells_of_no_session_any_more_is_not_made_one(place, storage, handle):
    root = place.sessions / handle.id
    shutil.rmtree(root / "metadata/passes")
    (root / "metadata/session.json").unlink()
    with pytest.raises(SessionNotFoundError):
        await storage.edit(handle.id, SessionChanges(title="x"))
    assert not (root / "metadata/session.json").exists()


async def test_whatever_the_disk_refuses_the_damaged_document_is_there_and_the_next_edit_does_it(place):
    files, refused = FailingFiles(), 0
    async with place.storage(files) as storage:
        handle = await storage.create_session(new_session())
        path = place.sessions / handle.id / "metadata/session.json"
        for number in range(1, 30):
            path.write_bytes(b"noise %d" % number)
            files.arm(number, errno.EIO)
            with suppress(StorageError):
                await storage.edit(handle.id, SessionChanges(title="Red vase"))
            refused += bool(files.failed)
            files.arm(None)
            there = [path, *path.parent.glob("session.damaged-*.json")]
            assert b"noise %d" % number in [one.read_bytes() for one in there]
            assert (await storage.edit(handle.id, SessionChanges(title="Red vase"))).damage == ()
        assert 8 <= refused < 29


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
