"""The composition root: everything built, everything let go, what runs behind says when it breaks."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from scanner.app import open_app
from scanner.errors import DaemonRunningError, RigMissingError, StorageError
from scanner.events import WarningRaised
from scanner.guards import Guards
from scanner.jobs import JobQueue
from scanner.rig import RigPhase
from scanner.storage import StorageManager
from tests.scanner.jobs.following import Follower, a_scan
from tests.support.doubles import Failing, Held
from tests.support.twin import dark


async def test_what_fails_while_opening_leaves_nothing_open(demo, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(JobQueue, "start", Failing(JobQueue.start, StorageError("the disk is gone")))
        with pytest.raises(StorageError):
            await open_app(demo)
    app = await open_app(demo)  # nobody holds the lock, the rig or the threads: the leak checks see to the rest
    assert app.rig.phase is RigPhase.READY
    await app.close()


async def test_two_daemons_on_one_directory(app, demo):
    with pytest.raises(DaemonRunningError):
        await open_app(demo)
    assert dark(app.devices)


async def test_without_a_rig_sessions_are_there_and_scans_are_refused(demo):
    app = await open_app(replace(demo, rig=None))
    assert app.rig.phase is RigPhase.MISSING
    assert (app.devices, app.faults) == (None, None)
    with pytest.raises(RigMissingError):
        await app.jobs.submit_scan(a_scan(), "test")
    assert (await app.storage.list_sessions()).total == 0
    await app.close()
    await app.close()


async def test_faults_are_for_demos(demo):
    app = await open_app(demo)
    assert app.faults is None
    await app.close()


async def test_an_index_that_cannot_be_checked_is_said(demo, monkeypatch, caplog):
    checking = Held(Failing(StorageManager.reconcile, StorageError("the index is damaged")))
    monkeypatch.setattr(StorageManager, "reconcile", checking)
    app = await open_app(demo)
    follower = Follower(app)
    checking.let_go()
    async with asyncio.timeout(5):
        while not isinstance(event := (await follower.next()).event, WarningRaised):
            pass
    assert event.message == "the index is damaged"
    assert "the index is damaged" in caplog.text
    follower.close()
    await app.close()


async def test_what_was_found_at_the_start_is_said(demo, monkeypatch, caplog):
    monkeypatch.setattr(StorageManager, "notices", ("a pass was brought into order",))
    app = await open_app(demo)
    assert "a pass was brought into order" in caplog.text
    await app.close()


async def test_what_breaks_behind_is_said_and_keeps_nothing_from_closing(demo, monkeypatch, caplog):
    broken = asyncio.Event()

    async def watch(_: Guards) -> None:
        broken.set()
        raise ZeroDivisionError

    monkeypatch.setattr(Guards, "watch", watch)
    app = await open_app(demo)
    await broken.wait()
    await app.close()
    assert "guards ended by a fault in the program" in caplog.text
