"""Who looks at a session in the very moment in which its folders change places sees what is there afterwards; only
what is not there then either is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from scanner.errors import PhotoNotFoundError, SessionNotFoundError
from scanner.model import PassName, SessionId
from scanner.storage import StorageManager
from scanner.storage.facets import migrating
from scanner.storage.facets.migrating import Migrations
from tests.scanner.storage.oldsessions import KINDS, running, the_one

Look = Callable[[StorageManager, SessionId], Awaitable[object]]
LOOKS: dict[str, Look] = {
    "session": lambda storage, session_id: storage.get_session(session_id),
    "handle": lambda storage, session_id: storage.handle(session_id),
    "photos": lambda storage, session_id: storage.photos(session_id),
    "files": lambda storage, session_id: storage.session_files(session_id),
    "exports": lambda storage, session_id: storage.exports(session_id),
}


async def shots(name: PassName, storage: StorageManager, session_id: SessionId) -> object:
    return await storage.shots(session_id, name)


class Moment:
    """What is looked at in the moment of the move: begun in it, ended after it where it has to wait."""

    def __init__(self, storage: StorageManager, session_id: SessionId, monkeypatch: pytest.MonkeyPatch) -> None:
        self.storage, self.session_id = storage, session_id
        self.looks: dict[str, asyncio.Task[object]] = {}
        self.passes: tuple[PassName, ...] = ()
        self._waiting: set[asyncio.Task[object]] = set()
        self._changed = asyncio.Event()
        moved = Migrations.moved

        async def noted(migrations: Migrations, session_id: SessionId, since: int) -> bool:
            task = asyncio.current_task()
            assert task is not None
            self._waiting.add(task)
            self._changed.set()
            return await moved(migrations, session_id, since)

        monkeypatch.setattr(Migrations, "moved", noted)

    async def come(self) -> None:
        """Begin all looks; each is answered, or waits for the end of the move, when this ends."""
        looks = LOOKS | {f"shots of {name}": partial(shots, name) for name in self.passes}
        for name, look in looks.items():
            self.looks[name] = asyncio.ensure_future(look(self.storage, self.session_id))
            self.looks[name].add_done_callback(lambda _: self._changed.set())
        while not all(task.done() or task in self._waiting for task in self.looks.values()):
            await self._changed.wait()
            self._changed.clear()

    async def answers(self) -> dict[str, object]:
        """By look, what it answered."""
        return {name: await task for name, task in self.looks.items()}


@pytest.fixture(params=sorted(KINDS))
def kind(request) -> str:
    return request.param


async def test_whoever_looks_while_a_migration_changes_places_is_answered(place, kind, monkeypatch):
    session_id = KINDS[kind](place.sessions)
    async with running(place) as storage:
        moment = Moment(storage, session_id, monkeypatch)
        moment.passes = tuple(info.name for info in (await storage.get_session(session_id)).passes)
        loop, build = asyncio.get_running_loop(), Migrations._build

        def moved(migrations: Migrations, *args: object) -> None:
            build(migrations, *args)  # the folders have changed places; the index does not know it yet
            asyncio.run_coroutine_threadsafe(moment.come(), loop).result()

        monkeypatch.setattr(Migrations, "_build", moved)
        await storage.legacy.migrate(session_id, origin="cli")
        answers = await moment.answers()
        assert (await the_one(storage)).format == "current"
        assert len(answers["photos"]) == (await the_one(storage)).photos


async def test_whoever_looks_while_a_migration_is_undone_is_answered(place, kind, monkeypatch):
    session_id = KINDS[kind](place.sessions)
    async with running(place) as storage:
        await storage.legacy.migrate(session_id, origin="cli")
        moment = Moment(storage, session_id, monkeypatch)
        moment.passes = tuple(info.name for info in (await storage.get_session(session_id)).passes)
        gathering = storage._catalogue.gathering
        look = gathering.look

        async def back(*args: object, **options: object) -> object:
            monkeypatch.setattr(gathering, "look", look)
            await moment.come()  # the old folders are back; the index knows neither the old nor the new
            return await look(*args, **options)

        monkeypatch.setattr(gathering, "look", back)
        await storage.legacy.undo(session_id, origin="cli")
        answers = await moment.answers()
        assert answers["session"].format == kind
        assert len(answers["photos"]) == answers["session"].photos


async def test_what_is_not_there_afterwards_either_is_missing(place, monkeypatch):
    session_id = KINDS["raspi_v2"](place.sessions)
    async with running(place) as storage:
        with storage._migrations.reserved(session_id):
            wanted = asyncio.ensure_future(storage.photo_file(session_id, "no-such-photo.jpg"))
            stranger = SessionId("00000000-0000-4000-8000-000000000000")
            with pytest.raises(SessionNotFoundError):
                await storage.get_session(stranger)
            monkeypatch.setattr(migrating, "_MOVING", 0.0)
            with pytest.raises(PhotoNotFoundError):
                await wanted
