"""Scenarios of sessions' life: checkpoints, the trash, changed titles, verification."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from scanner.errors import CheckpointExistsError, StorageError
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage import Files, SessionChanges, StorageManager
from tests.crash.scanning import Scanned, scanned, take_the_rest
from tests.crash.scenario import BackAndForth, Heard, Scenario, World
from tests.scanner.storage.support import FLIPPED, PRESSED, RIG, UPRIGHT, Place, names, new_pass, save, working

HALF = "half"
EARLIER = {UPRIGHT: [1, 2], FLIPPED: []}  # the saved shots of every pass at that checkpoint, and after it
LATER = {UPRIGHT: [1, 2, 3, 4], FLIPPED: [1]}


class CheckpointSave(Scenario):
    """A checkpoint of a paused pass, and one while the pass is at work."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place, 2, finished=False)
        self.keep(place)

    async def run(self, world: World) -> None:
        checkpoints = world.storage.checkpoints
        await checkpoints.save(self.session, HALF, origin="cli")
        world.tell("marked", HALF)
        async with working(world.storage, await world.storage.handle(self.session)) as writer:
            await world.save(writer, {3})
            await checkpoints.save(self.session, "three", origin="cli")
            world.tell("marked", "three")
            await world.save(writer, {4})
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)

    async def finish(self, world: World, heard: Heard) -> None:
        checkpoints = world.storage.checkpoints
        found = {info.name: info.photos for info in await checkpoints.list(self.session)}
        assert found.items() <= {HALF: 2, "three": 3}.items()
        assert set(heard.all("marked")) <= found.keys()
        for name in (HALF, "three"):
            try:
                await checkpoints.save(self.session, name, origin="cli")
                assert name not in found
            except CheckpointExistsError:
                assert name in found
        assert [info.name for info in await checkpoints.list(self.session)] == [HALF, "three"]
        await take_the_rest(world, await world.storage.handle(self.session), UPRIGHT, heard)


class Restore(Scenario):
    """Back to a checkpoint, and forward again, over two passes; then other photos of the same shots."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place, 2, finished=False)
        async with place.storage() as storage:
            await storage.checkpoints.save(self.session, HALF, origin="cli")
            await storage.add_pass(self.session, new_pass("flipped", 1), rig=RIG)
            for name in (UPRIGHT, FLIPPED):
                async with working(storage, await storage.handle(self.session), name) as writer:
                    for shot in writer.remaining():
                        await save(writer, shot)
                    await writer.finish("all shots taken")
        self.keep(place)

    async def run(self, world: World) -> None:
        checkpoints = world.storage.checkpoints
        before = await checkpoints.restore(self.session, HALF, origin="cli")
        world.tell("back", before.name)
        world.tell("going forward")
        await checkpoints.restore(self.session, before.name, origin="cli")
        world.tell("forward")

    async def finish(self, world: World, heard: Heard) -> None:
        checkpoints = world.storage.checkpoints
        assert set(heard.all("back")) <= {info.name for info in await checkpoints.list(self.session)}
        saved = await self.saved(world)
        if "forward" in heard:
            assert saved == LATER
        elif "back" in heard and "going forward" not in heard:
            assert saved == EARLIER
        else:
            assert saved[UPRIGHT] in (LATER[UPRIGHT], EARLIER[UPRIGHT])
        await self.restored(world, HALF, EARLIER)
        handle = await world.storage.handle(self.session)
        async with working(world.storage, handle) as writer:
            other = [await save(writer, shot) for shot in writer.remaining()]
            taken = {re.sub(r"_g\d+", "", photo.name) for photo in other}  # after a cut the pass is taken over
            assert taken == {"upright-00003-main_r1.jpg", "upright-00004-main_r1.jpg"}
            await writer.pause(PRESSED)
        await self.restored(world, self.forward(await checkpoints.list(self.session)), LATER)
        for name in (UPRIGHT, FLIPPED):
            await take_the_rest(world, handle, name, heard)
        assert {info.state for info in (await world.storage.get_session(self.session)).passes} == {PassState.COMPLETED}

    async def saved(self, world: World) -> dict[str, list[int]]:
        """The saved shots of every pass; every file that is nobody's current photo is out of the way."""
        found = {}
        for name in (UPRIGHT, FLIPPED):
            photos = await world.storage.photos(self.session, name)
            found[name] = [photo.shot for photo in photos]
            files = names(world.place.sessions / self.session / "images" / name)
            assert [file for file in files if not file.startswith(".")] == sorted(photo.name for photo in photos)
        return found

    async def restored(self, world: World, name: str, expected: dict[str, list[int]]) -> None:
        info = await world.storage.checkpoints.restore(self.session, name, origin="cli")
        assert info.notes == ()
        assert await self.saved(world) == expected

    @staticmethod
    def forward(infos) -> str:
        """The automatic checkpoint that has everything as it was before."""
        return next(info.name for info in infos if info.automatic and info.photos == 5)


class BringBack(Scenario):
    """Photos that a restore had put away come back: of the journal, the end that said so is gone."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place, 2, finished=False)
        async with place.storage() as storage:
            await storage.checkpoints.save(self.session, HALF, origin="cli")
            async with working(storage, await storage.handle(self.session)) as writer:
                for shot in writer.remaining():
                    await save(writer, shot)
                await writer.pause(PRESSED)
            await storage.checkpoints.restore(self.session, HALF, origin="cli")
        journal = place.sessions / self.session / "metadata/passes/upright/journal.jsonl"
        before, said, _ = journal.read_bytes().partition(b'{"event":"restored"')
        assert said
        journal.write_bytes(before)
        self.harmed = {"upright-00003-main.jpg", "upright-00004-main.jpg"}  # away until the pass is opened
        self.keep(place)

    async def run(self, world: World) -> None:
        async with working(world.storage, await world.storage.handle(self.session)) as writer:
            assert writer.remaining() == ()
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)

    async def finish(self, world: World, heard: Heard) -> None:
        await take_the_rest(world, await world.storage.handle(self.session), UPRIGHT, heard)
        photos = await world.storage.photos(self.session, UPRIGHT)
        assert [photo.name for photo in photos] == [f"upright-{number:05}-main.jpg" for number in range(1, 5)]


class Delete(BackAndForth):
    """A session is deleted, taken back, and deleted again."""

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place)
        await scanned(place, title="Red cup")
        self.keep(place)

    async def do(self, storage: StorageManager) -> None:
        await storage.trash.delete(self.session, origin="cli")

    async def undo(self, storage: StorageManager) -> None:
        await storage.trash.undelete(self.session, origin="cli")

    async def finish(self, world: World, heard: Heard) -> None:
        storage = world.storage
        done = self.done(heard)
        for _ in range(2):
            listed = [item.id for item in (await storage.list_sessions()).items]
            thrown = [entry.session_id for entry in await storage.trash.list()]
            assert sorted([*listed, *thrown]) == sorted({*listed, *thrown})
            assert len(listed) + len(thrown) == 2
            assert done in {None, self.session in thrown}
            if self.session in thrown:
                handle = await storage.trash.undelete(self.session, origin="cli")
                assert handle.title == "Blue vase"
                await take_the_rest(world, handle, UPRIGHT, Heard())
                done = False
            else:
                entry = await storage.trash.delete(self.session, origin="cli")
                assert (entry.title, entry.photos) == ("Blue vase", 4)
                done = True


class DeleteRefused(Scanned):
    """The disk refuses when a session is in the trash already: it is where it was, and stays there."""

    refuses = True

    async def run(self, world: World) -> None:
        refuse_once(world.files, world.place.sessions)
        try:
            await world.storage.trash.delete(self.session, origin="cli")
        except StorageError:
            world.tell("refused")

    async def finish(self, world: World, heard: Heard) -> None:
        storage = world.storage
        listed = [item.id for item in (await storage.list_sessions()).items]
        thrown = [entry.session_id for entry in await storage.trash.list()]
        assert [*listed, *thrown] == [self.session]
        assert listed or "refused" not in heard
        if listed:
            await storage.trash.delete(self.session, origin="cli")
        await storage.trash.undelete(self.session, origin="cli")
        await take_the_rest(world, await storage.handle(self.session), UPRIGHT, Heard())


def refuse_once(files: Files, directory: Path) -> None:
    """The next fsync of this directory fails."""
    whole = files.fsync_dir

    def refusing(asked: Path) -> None:
        if asked != directory:
            whole(asked)
            return
        files.fsync_dir = whole
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    files.fsync_dir = refusing


class Purge(Scenario):
    """The trash is emptied."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place, title="Red cup")
        self.keep(place)
        doomed = await scanned(place)
        async with place.storage() as storage:
            await storage.trash.delete(doomed, origin="cli")

    async def run(self, world: World) -> None:
        await world.storage.trash.purge(None, origin="cli")
        world.tell("purged")

    async def finish(self, world: World, heard: Heard) -> None:
        trash = world.storage.trash
        entries = await trash.list()
        assert [(entry.title, entry.photos) for entry in entries] in ([], [("Blue vase", 4)])
        assert entries == () or "purged" not in heard
        assert await trash.purge(None) == entries
        assert await trash.list() == ()
        try:
            assert names(world.place.data / "trash") == []
        except FileNotFoundError:
            assert "purged" not in heard


class Edit(Scanned):
    """A session gets another title and other notes."""

    async def run(self, world: World) -> None:
        changes = SessionChanges(title="Green jug", notes="as it is", tags=("one", "two"))
        await world.storage.edit(self.session, changes, origin="cli")
        world.tell("changed")

    async def finish(self, world: World, heard: Heard) -> None:
        session = await world.storage.get_session(self.session)
        old, new = ("Blue vase", "", ()), ("Green jug", "as it is", ("one", "two"))
        assert (session.title, session.notes, session.tags) in ([new] if "changed" in heard else [old, new])
        changed = await world.storage.edit(self.session, SessionChanges(title="Last", operator="Anna"), origin="cli")
        assert (changed.title, changed.operator, changed.tags) == ("Last", "Anna", session.tags)


class Verify(Scenario):
    """Damage is found in a completed pass, and what was damaged is taken again."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place)
        images = place.sessions / self.session / "images/upright"
        self.harmed = {"upright-00002-main.jpg", "upright-00003-main.jpg"}
        (images / "upright-00002-main.jpg").unlink()
        (images / "upright-00003-main.jpg").write_bytes(b"overwritten by somebody else")
        self.keep(place)

    async def run(self, world: World) -> None:
        await world.storage.verify(self.session)
        world.tell("verified")
        async with working(world.storage, await world.storage.handle(self.session)) as writer:
            await world.save(writer, {2, 3})
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)

    async def finish(self, world: World, heard: Heard) -> None:
        storage = world.storage
        info = (await storage.get_session(self.session)).passes[0]
        if "verified" in heard and "ended" not in heard:
            assert info.pause is not None or info.state is PassState.COMPLETED
        found = await storage.verify(self.session)
        assert {*found.missing, *found.damaged} <= (set() if "ended" in heard else self.harmed)
        if "verified" in heard and "ended" not in heard:
            assert found.checked == 4
        await take_the_rest(world, await storage.handle(self.session), UPRIGHT, heard)
        again = await storage.verify(self.session)
        assert (again.checked, again.missing, again.damaged) == (4, (), ())


LIVING = (CheckpointSave, Restore, BringBack, Delete, DeleteRefused, Purge, Edit, Verify)
