"""Scenarios of older formats: migration and its undoing, merging, importing."""

from __future__ import annotations

from pathlib import Path

from scanner.model import SessionId
from scanner.storage import SessionChanges, StorageManager
from tests.crash.living import Delete
from tests.crash.scanning import scanned, take_the_rest
from tests.crash.scenario import BackAndForth, Heard, Scenario, World
from tests.scanner.storage.formats.support import BERLIN, dual, openscan, raspi, tree_hash
from tests.scanner.storage.support import UPRIGHT, Place, names


async def only(storage: StorageManager) -> SessionId:
    """The id of the one session there is."""
    await storage.reconcile()
    (session,) = (await storage.list_sessions()).items
    return session.id


class Migrate(BackAndForth):
    """An old session becomes one of this product; then that is undone, and done again."""

    folders: tuple[str, ...]

    def make(self, sessions: Path) -> None:
        raspi(sessions, points=2)

    async def prepare(self, place: Place) -> None:
        self.options["timezone"] = lambda: BERLIN
        self.make(place.sessions)
        self.folders = tuple(names(place.sessions))
        self.truth = {folder: tree_hash(place.sessions / folder) for folder in self.folders}
        self.keep(place)
        async with place.storage(**self.options) as storage:
            self.session = await only(storage)
            self.photos = (await storage.get_session(self.session)).photos

    async def do(self, storage: StorageManager) -> None:
        await storage.legacy.migrate(self.session, origin="cli")

    async def undo(self, storage: StorageManager) -> None:
        await storage.legacy.undo(self.session, origin="cli")

    async def finish(self, world: World, heard: Heard) -> None:
        storage = world.storage
        assert await only(storage) == self.session
        session = await storage.get_session(self.session)
        assert self.done(heard) in {None, session.format == "current"}
        await self.do(storage)
        migrated = await storage.get_session(self.session)
        assert migrated.format == "current"
        assert migrated.photos == session.photos == self.photos
        assert [(mark.name, mark.photos) for mark in await storage.checkpoints.list(self.session)] == [
            ("auto-1", self.photos)
        ]
        await self.undo(storage)
        assert {folder: tree_hash(world.place.sessions / folder) for folder in self.folders} == self.truth
        assert (await storage.get_session(await only(storage))).format != "current"


class MigrateProject(Migrate):
    """A project of OpenScan3, whose folder has a name of its own."""

    def make(self, sessions: Path) -> None:
        openscan(sessions, points=2, scans=1)


class MigrateDual(Migrate):
    """One scan in two folders."""

    def make(self, sessions: Path) -> None:
        dual(sessions)


class MigrateWithoutExchange(Migrate):
    """On a disk that cannot let two names change places: they are renamed one after the other."""

    exchanges = False


class Merge(Scenario):
    """Two folders of which a person knows that they are one scan."""

    async def prepare(self, place: Place) -> None:
        self.options["timezone"] = lambda: BERLIN
        dual(place.sessions, linked=False)
        self.alike.add("Chess knight")
        self.keep(place)
        async with place.storage(**self.options) as storage:
            await storage.reconcile()
            (question,) = await storage.legacy.questions()
        self.pair = question.first, question.second

    async def run(self, world: World) -> None:
        await world.storage.legacy.merge(*self.pair, origin="cli")
        world.tell("merged")

    async def finish(self, world: World, heard: Heard) -> None:
        storage = world.storage
        listed = [item.id for item in (await storage.list_sessions()).items]
        if len(listed) == 2:
            assert "merged" not in heard
            await storage.legacy.merge(*self.pair, origin="cli")
        session = await storage.get_session(await only(storage))
        assert session.photos == len(self.precious)
        (mark,) = await storage.checkpoints.list(session.id)
        assert mark.photos == session.photos
        assert await storage.legacy.questions() == ()


class DeleteDual(Delete):
    """An old session of two folders is deleted and taken back, unmigrated."""

    times = 2

    async def prepare(self, place: Place) -> None:
        self.options["timezone"] = lambda: BERLIN
        dual(place.sessions)
        self.truth = tree_hash(place.sessions)
        self.keep(place)
        async with place.storage(**self.options) as storage:
            self.session = await only(storage)

    async def finish(self, world: World, heard: Heard) -> None:
        thrown = [entry.session_id for entry in await world.storage.trash.list()]
        listed = [item.id for item in (await world.storage.list_sessions()).items]
        assert [*thrown, *listed] == [self.session]
        assert self.done(heard) in {None, bool(thrown)}
        if not thrown:
            await self.do(world.storage)
        assert names(world.place.sessions) == []
        await self.undo(world.storage)
        assert tree_hash(world.place.sessions) == self.truth
        assert await only(world.storage) == self.session


class Rename(Scenario):
    """A session of this product whose folder somebody gave another name is changed: it gets a name of its own."""

    async def prepare(self, place: Place) -> None:
        made = await scanned(place)
        (place.sessions / made).rename(place.sessions / "My vase")
        self.keep(place)
        async with place.storage() as storage:
            self.session = await only(storage)

    async def run(self, world: World) -> None:
        await world.storage.edit(self.session, SessionChanges(notes="as it is"), origin="cli")
        world.tell("changed")
        assert names(world.place.sessions) == [self.session]

    async def finish(self, world: World, heard: Heard) -> None:
        session = await world.storage.get_session(await only(world.storage))
        assert session.id == self.session
        assert session.notes in (["as it is"] if "changed" in heard else ["", "as it is"])
        assert names(world.place.sessions) == [self.session] or "changed" not in heard
        await world.storage.edit(self.session, SessionChanges(notes="as it was"), origin="cli")
        assert names(world.place.sessions) == [self.session]
        await take_the_rest(world, await world.storage.handle(self.session), UPRIGHT, Heard())


class Import(Scenario):
    """Old sessions, and one of this product, are copied in from elsewhere."""

    async def prepare(self, place: Place) -> None:
        self.stick = place.root / "stick"
        raspi(self.stick, points=2)
        openscan(self.stick, points=2, scans=1)
        elsewhere = Place(place.root / "elsewhere")
        current = await scanned(elsewhere, 2, finished=False, title="Green jug")
        (elsewhere.sessions / current).rename(self.stick / current)
        self.truth = tree_hash(self.stick)

    async def run(self, world: World) -> None:
        outcomes = await self.bring(world)
        assert [outcome.done for outcome in outcomes] == [True] * 3
        world.tell("imported")

    async def bring(self, world: World):
        outcomes = await world.storage.legacy.import_from(self.stick, timezone=BERLIN, origin="cli")
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return outcomes

    async def finish(self, world: World, heard: Heard) -> None:
        before = {item.id for item in (await world.storage.list_sessions()).items}
        assert len(before) == 3 or "imported" not in heard
        await self.bring(world)
        again = await self.bring(world)
        assert [outcome.done for outcome in again] == [False] * 3
        page = await world.storage.list_sessions()
        assert before <= {item.id for item in page.items}
        assert page.total == 3
        assert tree_hash(self.stick) == self.truth


OLDER = (Migrate, MigrateProject, MigrateDual, MigrateWithoutExchange, Merge, DeleteDual, Rename, Import)
