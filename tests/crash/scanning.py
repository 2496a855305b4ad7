"""Scenarios of work on passes: scanning, retaking, recovery, further passes, exports, discarding."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scanner.errors import NotFoundError
from scanner.model import PassName, SessionId
from scanner.states import PassState
from scanner.storage import SessionHandle, Submission
from tests.crash.scenario import Heard, Scenario, World
from tests.scanner.storage.support import (
    FLIPPED,
    KEY,
    PRESSED,
    RIG,
    UPRIGHT,
    Place,
    names,
    new_pass,
    new_session,
    save,
    working,
)

SECOND = Submission("key-2", "e" * 64)


async def scanned(place: Place, shots: int = 4, *, finished: bool = True, title: str = "Blue vase") -> SessionId:
    """A session with one pass of four shots, so many taken, then finished or left paused; its id."""
    async with place.storage() as storage:
        handle = await storage.create_session(new_session(title))
        async with working(storage, handle) as writer:
            for shot in writer.plan.shots[:shots]:
                await save(writer, shot)
            await (writer.finish("all shots taken") if finished else writer.pause(PRESSED))
    return handle.id


async def take_the_rest(world: World, handle: SessionHandle, name: PassName, heard: Heard) -> None:
    """Take what is missing, nothing twice, and finish the pass."""
    info = {info.name: info for info in (await world.storage.get_session(handle.id)).passes}[name]
    if info.state is not PassState.COMPLETED:
        assert ("ended", name) not in [(fact.what, fact.value) for fact in heard.facts]
        async with working(world.storage, handle, name) as writer:
            for shot in writer.remaining():
                assert shot.index not in heard.photos, f"shot {shot.index} was announced and is to be taken again"
                await save(writer, shot)
            await writer.finish("all shots taken")
    photos = await world.storage.photos(handle.id, name)
    assert [photo.shot for photo in photos] == list(range(1, info.shots + 1))
    assert {photo.shot: photo for photo in photos}.items() >= heard.photos.items()
    images = world.place.sessions / handle.id / "images" / name
    assert [file for file in names(images) if not file.startswith(".")] == sorted(photo.name for photo in photos)


class Scan(Scenario):
    """A scan from its creation to its end, with a pause in it."""

    async def run(self, world: World) -> None:
        handle = await world.storage.create_session(new_session(submission=KEY))
        world.tell("created", handle.id)
        async with working(world.storage, handle) as writer:
            await world.save(writer, {1, 2})
            await writer.fail_shot(writer.plan.shots[2], "camera_fault", "no picture came")
            await writer.pause(PRESSED)
            world.tell("paused")
        async with working(world.storage, handle) as writer:
            world.tell("resumed")
            await world.save(writer, {3, 4})
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)

    async def finish(self, world: World, heard: Heard) -> None:
        known = await world.storage.find_submission(KEY.key)
        if "created" in heard:
            assert known is not None
            assert [known[1]] == heard.all("created")
        handle = await world.storage.create_session(new_session(submission=KEY))
        assert handle.created == (known is None)
        info = (await world.storage.get_session(handle.id)).passes[0]
        if "ended" in heard:
            assert info.state is PassState.COMPLETED
        elif "paused" in heard:
            assert info.pause is not None or info.state is PassState.COMPLETED
        await take_the_rest(world, handle, UPRIGHT, heard)
        assert (await world.storage.list_sessions()).total == 1


class Retake(Scenario):
    """Photos are found missing and damaged when the pass is opened, and taken again."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place, finished=False)
        images = place.sessions / self.session / "images/upright"
        self.harmed = {"upright-00002-main.jpg", "upright-00004-main.jpg"}
        (images / "upright-00002-main.jpg").unlink()
        (images / "upright-00004-main.jpg").write_bytes(b"overwritten by somebody else")
        self.keep(place)

    async def run(self, world: World) -> None:
        handle = await world.storage.handle(self.session)
        async with working(world.storage, handle) as writer:
            assert [shot.index for shot in writer.remaining()] == [2, 4]
            await world.save(writer, {2, 4})
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)

    async def finish(self, world: World, heard: Heard) -> None:
        await take_the_rest(world, await world.storage.handle(self.session), UPRIGHT, heard)


class Recovery(Scenario):
    """The start after a crash that left every kind of work for recovery."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        first = Place(place.root / "first")
        async with first.storage() as storage:
            handle = await storage.create_session(new_session())
            async with working(storage, handle) as writer:
                for shot in writer.plan.shots[:3]:
                    await save(writer, shot)
                shutil.rmtree(place.data)
                first.copy(place.root)
        self.session = handle.id
        harm(place.sessions / handle.id)
        self.keep(place)

    async def run(self, world: World) -> None:
        await world.storage.reconcile()
        world.tell("recovered")

    async def finish(self, world: World, heard: Heard) -> None:  # noqa: ARG002 - recovery promises nothing of its own
        async with working(world.storage, await world.storage.handle(self.session)) as writer:
            assert [shot.index for shot in writer.remaining()] == [2, 4]
        await take_the_rest(world, await world.storage.handle(self.session), UPRIGHT, Heard())


def harm(session: Path) -> None:
    """Leave a stray retake, a foreign file, a photo that is gone, and a journal that is damaged in its middle."""
    images, journal = session / "images/upright", session / "metadata/passes/upright/journal.jsonl"
    (images / "upright-00001-main_r1.jpg").write_bytes(b"a retake nobody was told of")
    (images / "holiday.jpg").write_bytes(b"of somebody else")
    (images / "upright-00002-main.jpg").unlink()
    rows = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(rows[:2]) + b"noise\n" + b"".join(rows[3:]))


class Scanned(Scenario):
    """What is done to a session whose one pass is complete."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place)
        self.keep(place)


class SecondPass(Scanned):
    """A pass more for a session that has one; the first one is not touched."""

    async def run(self, world: World) -> None:
        handle = await world.storage.add_pass(self.session, new_pass("flipped", 2), rig=RIG, submission=SECOND)
        world.tell("added")
        async with working(world.storage, handle, "flipped") as writer:
            await world.save(writer, {1, 2})
            await writer.finish("all shots taken")
            world.tell("ended", FLIPPED)

    async def finish(self, world: World, heard: Heard) -> None:
        known = await world.storage.find_submission(SECOND.key)
        assert known is not None or "added" not in heard
        handle = await world.storage.add_pass(self.session, new_pass("flipped", 2), rig=RIG, submission=SECOND)
        await take_the_rest(world, handle, FLIPPED, heard)
        session = await world.storage.get_session(self.session)
        assert [(info.name, info.state) for info in session.passes] == [
            (UPRIGHT, PassState.COMPLETED), (FLIPPED, PassState.COMPLETED),
        ]  # fmt: skip


class Export(Scanned):
    """An export is put in place, then another one in its place."""

    async def publish(self, world: World, text: str) -> None:
        def build(target: Path) -> None:
            world.files.mkdir(target / "lists")
            for name in ("lists/one.txt", "two.txt"):
                descriptor = world.files.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
                try:
                    world.files.write(descriptor, text.encode())
                finally:
                    world.files.close(descriptor)

        await world.storage.publish_export(self.session, "colmap", build)
        world.tell("published", text)

    async def content(self, world: World) -> list[str]:
        files = await world.storage.session_files(self.session, "colmap")
        assert [file.name for file in files] in ([], ["lists/one.txt", "two.txt"])
        return sorted({file.path.read_text() for file in files})

    async def run(self, world: World) -> None:
        for text in ("first", "second"):
            await self.publish(world, text)

    async def finish(self, world: World, heard: Heard) -> None:
        told = heard.all("published")
        legal: list[list[str]] = [["second"]]
        if "second" not in told:
            legal += [["first"]]
        if not told:
            legal += [[]]
        found = await self.content(world)
        assert found in legal, (found, legal)
        await self.publish(world, "third")
        assert await self.content(world) == ["third"]
        assert names(world.place.sessions / self.session / "exports") == ["colmap"]


class Discard(Scanned):
    """A session and a pass are made, and taken back before anything was saved."""

    async def run(self, world: World) -> None:
        storage = world.storage
        handle = await storage.create_session(new_session("Unwanted"))
        world.tell("created")
        await storage.discard_session(handle)
        world.tell("discarded")
        await storage.add_pass(self.session, new_pass("flipped"), rig=RIG)
        world.tell("added")
        await storage.discard_pass(await storage.handle(self.session), FLIPPED)
        world.tell("pass discarded")

    async def finish(self, world: World, heard: Heard) -> None:
        storage = world.storage
        others = [session for session in (await storage.list_sessions()).items if session.id != self.session]
        if "created" in heard and "discarded" not in heard:
            assert [session.title for session in others] in ([], ["Unwanted"])
        if "discarded" in heard:
            assert others == []
        for session in others:
            await storage.discard_session(await storage.handle(session.id))
        handle = await storage.handle(self.session)
        if "pass discarded" in heard:
            assert [info.name for info in (await storage.get_session(self.session)).passes] == [UPRIGHT]
        try:
            await storage.discard_pass(handle, FLIPPED)
        except NotFoundError:
            assert "added" not in heard or "discarded" in heard
        assert [info.name for info in (await storage.get_session(self.session)).passes] == [UPRIGHT]
        assert (await storage.list_sessions()).total == 1


SCANNING = (Scan, Retake, Recovery, SecondPass, Export, Discard)
