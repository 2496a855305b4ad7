"""The power goes after every single operation on the disk: what was announced is there, and the scan can be finished.

At worst (nothing survives that was not fsynced) and at best (everything does), with the index kept and with it lost.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from scanner.errors import NotFoundError
from scanner.model import Pause, Photo
from scanner.states import PassState
from scanner.storage import SessionQuery, Submission
from tests.scanner.storage.support import (
    RIG,
    Place,
    PowerCutFiles,
    StepClock,
    names,
    new_pass,
    new_session,
    save,
    working,
)
from tests.support.sample import sample

KEY = Submission("key-1", "d" * 64)
PRESSED = Pause(by="user", reason="paused", message="")


@dataclass
class Announced:
    """What callers were told so far."""

    session: str | None = None
    photos: dict[int, Photo] = field(default_factory=dict)
    added: bool = False
    completed: bool = False
    export: list[str] = field(default_factory=list)
    discarded: bool = False

    def copy(self) -> Announced:
        return copy.deepcopy(self)


@dataclass
class Moment:
    """What was left by a power cut at one moment, and what had been announced by then."""

    number: int
    place: Place
    announced: Announced


class Machine:
    """Runs a scan and keeps what a power cut would leave, at chosen moments."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = Place(root / "machine")
        self.announced = Announced()
        self.moments: list[Moment] = []
        self.count = 0
        self.every = sample(5, 1)

    def cut(self, files: PowerCutFiles) -> None:
        """Called in whatever thread is at work, between two operations."""
        if not self.place.sessions.is_dir():
            return
        self.count += 1
        if self.count % self.every:
            return
        for kind in ("worst", "best"):
            target = self.root / f"{self.count}-{kind}"
            target.mkdir()
            left = self.place.copy(target)
            if kind == "worst":
                left.data.rename(target / "unsynced")
                files.materialise(self.place.data, left.data)
            left.clock = StepClock()
            if self.count % 2:
                for path in left.state.glob("index.db*"):
                    path.unlink()
            self.moments.append(Moment(self.count, left, self.announced.copy()))

    async def run(self) -> None:
        told = self.announced
        async with self.place.storage(PowerCutFiles(self.cut)) as storage:
            handle = await storage.create_session(new_session(submission=KEY))
            told.session = handle.id
            async with working(storage, handle) as writer:
                for shot in writer.plan.shots[:2]:
                    told.photos[shot.index] = await save(writer, shot)
                await writer.pause(PRESSED)
            async with working(storage, handle) as writer:
                for shot in writer.remaining():
                    told.photos[shot.index] = await save(writer, shot)
                await writer.finish("all shots taken")
                told.completed = True
            await storage.add_pass(handle.id, new_pass("flipped", 1), rig=RIG)
            told.added = True
            for text in ("one", "two"):
                await storage.publish_export(
                    handle.id, "colmap", lambda target, text=text: (target / "list.txt").write_text(text)
                )
                told.export.append(text)
            unwanted = await storage.create_session(new_session("Unwanted"))
            await storage.discard_session(unwanted)
            told.discarded = True


async def finish_after(moment: Moment) -> None:
    """Start on what is left, check what was announced, take what is missing."""
    told = moment.announced
    async with moment.place.storage() as storage:
        known = await storage.find_submission(KEY.key)
        if told.session is not None:
            assert known is not None
            assert known[1] == told.session
        handle = await storage.create_session(new_session(submission=KEY))
        assert (known is None) == handle.created
        others = [item.title for item in (await storage.list_sessions()).items if item.id != handle.id]
        assert others == [] if told.discarded or not told.export else others in ([], ["Unwanted"])
        saved = {photo.shot: photo for photo in await storage.photos(handle.id)}
        assert told.photos.items() <= saved.items()
        info = (await storage.get_session(handle.id)).passes[0]
        if told.completed:
            assert info.state is PassState.COMPLETED
        if info.state is not PassState.COMPLETED:
            async with working(storage, handle) as writer:
                for shot in writer.remaining():
                    assert shot.index not in told.photos
                    await save(writer, shot)
                await writer.finish("all shots taken")
        if told.added:
            assert len((await storage.get_session(handle.id)).passes) == 2
        if told.export:
            (file,) = await storage.session_files(handle.id, "colmap")
            assert file.path.read_text() in {told.export[-1], "two"}
        await check_complete(moment, storage, handle.id)
        before = await storage.list_sessions(SessionQuery(q="vase"))
        await storage.reconcile()
        assert await storage.list_sessions(SessionQuery(q="vase")) == before


async def check_complete(moment, storage, session_id) -> None:
    """Exactly the planned photos, each once, each as written."""
    photos = await storage.photos(session_id, "upright")
    assert [photo.shot for photo in photos] == [1, 2, 3, 4]
    for photo in photos:
        data = (await storage.photo_file(session_id, photo.name)).read_bytes()
        assert hashlib.sha256(data).hexdigest() == photo.sha256
    images = moment.place.sessions / session_id / "images/upright"
    assert {name for name in names(images) if not name.startswith(".")} == {photo.name for photo in photos}


async def test_the_power_goes_after_every_operation(tmp_path, figures):
    machine = Machine(tmp_path)
    await machine.run()
    assert machine.count > 80
    assert len(machine.moments) >= 2 * (machine.count // machine.every)
    for moment in machine.moments:
        try:
            await finish_after(moment)
        except (AssertionError, NotFoundError) as error:
            error.add_note(f"power cut after operation {moment.number} in {moment.place.root}: {moment.announced}")
            raise
    figures(f"{machine.count} operations, {len(machine.moments)} power cuts", full=True)


def harm(images: Path, journal: Path) -> set[bytes]:
    """Leave every kind of work for recovery; the contents of all photo files."""
    (images / "upright-00001-main_r1.jpg").write_bytes(b"a retake nobody was told of")
    (images / "holiday.jpg").write_bytes(b"of somebody else")
    (images / "upright-00002-main.jpg").unlink()
    rows = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(rows[:2]) + b"noise\n" + b"".join(rows[3:]))
    return pictures(images)


def pictures(images: Path) -> set[bytes]:
    return {path.read_bytes() for path in images.rglob("*.jpg")}


async def test_the_power_goes_after_every_operation_of_recovery(place, tmp_path):
    """No photo file is lost, whatever recovery was moving at the time."""
    async with place.storage() as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            for shot in writer.plan.shots[:3]:
                await save(writer, shot)
            crashed = place.copy(tmp_path / "crashed")
    root = crashed.sessions / handle.id
    precious = harm(root / "images/upright", root / "metadata/passes/upright/journal.jsonl")
    left: list[Place] = []

    def cut(files: PowerCutFiles) -> None:
        moment = Place(tmp_path / f"recovery-{len(left)}")
        moment.state.mkdir(parents=True)
        files.materialise(crashed.data, moment.data)
        left.append(moment)

    files = PowerCutFiles()
    files.seed(crashed.data)
    files.after = cut
    async with crashed.storage(files):
        assert len(left) > 15
    for moment in left:
        kept = moment.sessions / handle.id / "images/upright"
        assert precious <= pictures(kept), moment.root
        async with moment.storage() as storage, working(storage, await storage.handle(handle.id)) as writer:
            assert [shot.index for shot in writer.remaining()] == [2, 4], moment.root
        assert precious <= pictures(kept), moment.root
