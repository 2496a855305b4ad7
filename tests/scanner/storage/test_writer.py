"""PassWriter: durable before indexed before returned, wholly or not at all, in every state."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import subprocess
import threading

import pytest
from msgspec import structs

from scanner.errors import ConflictError, PassCompletedError, StorageError
from scanner.model import Viewpoint
from scanner.states import PassState, ShotState
from tests.scanner.storage.support import (
    JOB,
    LOCKED,
    MAIN,
    PRESSED,
    UPRIGHT,
    Place,
    RecordingFiles,
    frame,
    jpeg,
    new_pass,
    new_session,
    save,
    working,
)


def journal_of(place, handle, name="upright"):
    text = (place.sessions / handle.id / "metadata/passes" / name / "journal.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def verified(manifest, root) -> int:
    """How many files ``sha256sum`` finds in order."""
    asked = ["sha256sum", "-c", manifest]
    return subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True).stdout.count(": OK")


async def test_a_saved_photo_is_on_disk_in_the_journal_and_in_the_index(storage, handle, place):
    async with working(storage, handle) as writer:
        photo = await save(writer, writer.plan.shots[1])
        data = jpeg(2)
        assert (await storage.photo_file(handle.id, photo.name)).read_bytes() == data
        assert photo.sha256 == hashlib.sha256(data).hexdigest()
        line = journal_of(place, handle)[-1]
        assert (line["event"], line["shot"], line["file"], line["sha256"]) == ("saved", 2, photo.name, photo.sha256)
        assert line["planned"] == {"azimuth": 10.0, "elevation": 20.0}
        assert photo.measured == Viewpoint(10.01, 20.0)
        assert await storage.photos(handle.id) == (photo,)
        session = await storage.get_session(handle.id)
        assert (session.photos, session.bytes, session.thumbnail) == (1, len(data), photo.name)
        assert (session.state, session.passes[0].saved) == (PassState.RUNNING, 1)
        assert [shot.index for shot in writer.remaining()] == [1, 3, 4]
        assert await storage.photo_bytes(MAIN, 32, 24) == len(data)
        assert await storage.photo_bytes(MAIN, 64, 48) is None


async def test_the_order_of_a_save_is_the_promise(tmp_path):
    files = RecordingFiles()
    async with Place(tmp_path).storage(files) as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            files.done.clear()
            photo = await save(writer, writer.plan.shots[0])
            assert files.done == [
                ("write", f"{photo.name}.part"),
                ("fsync", f"{photo.name}.part"),
                ("rename", photo.name),
                ("fsync_dir", "upright"),
                ("write", "journal.jsonl"),
                ("fsync", "journal.jsonl"),
            ]


async def test_saving_costs_the_same_number_of_operations_whatever_was_saved_before(tmp_path):
    files = RecordingFiles()
    async with Place(tmp_path).storage(files) as storage:
        handle = await storage.create_session(new_session(passes=(new_pass(count=60),)))
        async with working(storage, handle) as writer:
            counts = []
            for shot in writer.plan.shots:
                files.done.clear()
                await save(writer, shot)
                counts.append(len(files.done))
    assert set(counts) == {6}


async def test_a_pass_from_start_to_end(storage, handle, place):
    async with working(storage, handle) as writer:
        assert writer.progress.state is PassState.RUNNING
        assert writer.progress.locked == {MAIN: LOCKED}
        for shot in writer.plan.shots:
            await save(writer, shot)
        assert writer.remaining() == ()
        await writer.finish("all shots taken")
        assert writer.progress.state is PassState.COMPLETED
    root = place.sessions / handle.id
    summary = json.loads((root / "metadata/passes/upright/summary.json").read_bytes())
    assert (summary["state"], summary["saved"], summary["reason"]) == ("completed", 4, "all shots taken")
    assert summary["ended_at"] == journal_of(place, handle)[-1]["at"]
    assert verified(root / "metadata/passes/upright/manifest.sha256", root) == 4
    info = (await storage.get_session(handle.id)).passes[0]
    assert (info.state, info.saved, info.ended_at) == (PassState.COMPLETED, 4, summary["ended_at"])
    assert info.duration_s == summary["duration_s"] > 0
    with pytest.raises(PassCompletedError):
        async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
            pass


async def test_the_second_run_resumes(storage, handle, place):
    async with working(storage, handle) as writer:
        await save(writer, writer.plan.shots[0])
        await writer.pause(PRESSED)
    session = await storage.get_session(handle.id)
    assert (session.state, session.passes[0].pause) == (PassState.PAUSED, PRESSED)
    worked = session.passes[0].duration_s
    async with working(storage, handle) as writer:
        assert writer.progress.pause is None
        assert [shot.index for shot in writer.remaining()] == [2, 3, 4]
        await save(writer, writer.plan.shots[1])
        assert writer.progress.duration_s > worked
        await writer.finish("finished early")
    assert [line["event"] for line in journal_of(place, handle)] == [
        "started", "saved", "paused", "resumed", "saved", "finished",
    ]  # fmt: skip
    assert (await storage.pass_document(handle.id, UPRIGHT)).locked == {MAIN: LOCKED}


async def test_resuming_without_new_settings_keeps_the_old_ones(storage, handle):
    async with working(storage, handle) as writer:
        await writer.pause(PRESSED)
        await writer.resume()
        assert writer.progress.locked == {MAIN: LOCKED}
        assert writer.progress.state is PassState.RUNNING


async def test_time_is_counted_without_pauses(storage, handle, place):
    async with working(storage, handle) as writer:
        await writer.pause(PRESSED)
        before = writer.progress.duration_s
        for _ in range(1000):
            place.clock.monotonic()
        await writer.pause(structs.replace(PRESSED, reason="again"))
        assert writer.progress.duration_s == before
        await writer.resume()
        for _ in range(1000):
            place.clock.monotonic()
        await writer.pause(PRESSED)
        assert writer.progress.duration_s > before + 6


async def test_skipping_is_recorded_and_final(storage, handle):
    async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli") as writer:
        await writer.skip(writer.plan.shots[1], "a reflection")
        await writer.start({MAIN: LOCKED})
        assert [shot.index for shot in writer.remaining()] == [1, 3, 4]
        await save(writer, writer.plan.shots[0])
        with pytest.raises(ConflictError, match="not one that is still planned"):
            await writer.skip(writer.plan.shots[0], "too late")
        assert writer.progress.skipped == {2: "a reflection"}
    states = [shot.state for shot in await storage.shots(handle.id, UPRIGHT)]
    assert states == [ShotState.SAVED, ShotState.SKIPPED, ShotState.PLANNED, ShotState.PLANNED]
    info = (await storage.get_session(handle.id)).passes[0]
    assert (info.saved, info.skipped) == (1, 1)


async def test_a_failed_shot_stays_planned(storage, handle, place):
    async with working(storage, handle) as writer:
        await writer.fail_shot(writer.plan.shots[0], "camera_timeout", "no picture")
        assert len(writer.remaining()) == 4
        assert writer.progress.failures == 1
    assert journal_of(place, handle)[1]["code"] == "camera_timeout"


async def test_cancelled_and_failed_passes_can_be_resumed(storage, handle, place):
    async with working(storage, handle) as writer:
        await writer.cancel("no longer wanted")
    assert (await storage.get_session(handle.id)).state is PassState.CANCELLED
    async with working(storage, handle) as writer:
        await writer.fail("camera_gone", "unplugged")
        assert writer.progress.fault.code == "camera_gone"
    assert (await storage.get_session(handle.id)).state is PassState.FAILED
    async with working(storage, handle) as writer:
        await save(writer, writer.plan.shots[0])
        await writer.finish("finished early")
    summary = json.loads((place.sessions / handle.id / "metadata/passes/upright/summary.json").read_bytes())
    assert (summary["state"], summary["saved"]) == ("completed", 1)


async def test_what_does_not_fit_the_state_is_refused_and_changes_nothing(storage, handle, place):
    async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli") as writer:
        shots = writer.plan.shots
        with pytest.raises(ConflictError, match="before it is started"):
            await save(writer, shots[0])
        await writer.start({MAIN: LOCKED})
        with pytest.raises(ConflictError, match="cannot become running"):
            await writer.resume()
        photo = await save(writer, shots[0])
        foreign = structs.replace(shots[1], viewpoint=Viewpoint(1.0, 1.0))
        for wrong in (shots[0], foreign, structs.replace(shots[1], index=5), structs.replace(shots[1], index=0)):
            with pytest.raises(ConflictError, match="not one that is still planned"):
                await save(writer, wrong)
        await writer.finish("early")
        for late in (writer.pause(PRESSED), writer.cancel("x"), writer.finish("y"), writer.resume()):
            if late.__name__ == "pause":
                late.close()
                continue
            with pytest.raises(ConflictError):
                await late
    assert await storage.photos(handle.id) == (photo,)
    assert [line["event"] for line in journal_of(place, handle)] == ["started", "saved", "finished"]


async def test_after_it_was_closed_a_writer_does_nothing(storage, handle, place):
    async with working(storage, handle) as writer:
        await save(writer, writer.plan.shots[0])
    before = journal_of(place, handle)
    for late in (
        save(writer, writer.plan.shots[1]),
        writer.pause(PRESSED),
        writer.finish("x"),
        writer.resume(),
        writer.skip(writer.plan.shots[2], "x"),
    ):
        with pytest.raises(ConflictError, match="no longer open"):
            await late
    await writer.close()
    assert journal_of(place, handle) == before


async def test_a_pass_left_running_is_paused_as_interrupted(storage, handle):
    class OopsError(Exception):
        pass

    with pytest.raises(OopsError):
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
            raise OopsError
    info = (await storage.get_session(handle.id)).passes[0]
    assert (info.state, info.pause.by, info.pause.reason) == (PassState.PAUSED, "restart", "interrupted")


async def test_concurrent_saves_are_done_in_order(storage, handle, place):
    async with working(storage, handle) as writer:
        photos = await asyncio.gather(*(save(writer, shot) for shot in writer.plan.shots))
    assert [photo.shot for photo in photos] == [1, 2, 3, 4]
    assert [line.get("shot") for line in journal_of(place, handle)][1:5] == [1, 2, 3, 4]


async def test_the_same_shot_twice_at_once_is_saved_once(storage, handle):
    async with working(storage, handle) as writer:
        shot = writer.plan.shots[0]
        results = await asyncio.gather(save(writer, shot), save(writer, shot), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["ConflictError", "Photo"]
    assert len(await storage.photos(handle.id)) == 1


async def test_after_a_failed_line_the_journal_is_put_right_before_the_next_photo(tmp_path):
    """Else a power cut could leave the unwanted line with the next photo, which has the same name."""

    class Failing(RecordingFiles):
        fail = False

        def fsync(self, descriptor: int) -> None:
            super().fsync(descriptor)
            if self.fail and self.done[-1] == ("fsync", "journal.jsonl"):
                self.fail = False
                raise OSError(errno.EIO, "")

    files = Failing()
    async with Place(tmp_path).storage(files) as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            files.fail = True
            with pytest.raises(StorageError):
                await save(writer, writer.plan.shots[0])
            files.done.clear()
            photo = await save(writer, writer.plan.shots[0])
            renamed = [name for operation, name in files.done if operation == "rename"]
            assert renamed == ["journal.jsonl", photo.name]


class HeldFiles(RecordingFiles):
    """Holds the writer thread at its next fsync until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = False
        self.held = threading.Event()
        self.go_on = threading.Event()

    def fsync(self, descriptor: int) -> None:
        if self.hold:
            self.hold = False
            self.held.set()
            assert self.go_on.wait(10)
        super().fsync(descriptor)


async def test_a_save_whose_caller_is_cancelled_in_the_middle_is_done_wholly(tmp_path):
    files = HeldFiles()
    async with Place(tmp_path).storage(files) as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            files.hold = True
            saving = asyncio.create_task(save(writer, writer.plan.shots[0]))
            await asyncio.to_thread(files.held.wait, 10)
            saving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saving
            files.go_on.set()
            await save(writer, writer.plan.shots[1])
            assert set(writer.progress.saved) == {1, 2}
        assert [photo.shot for photo in await storage.photos(handle.id)] == [1, 2]


async def test_reads_do_not_wait_for_an_fsync(tmp_path):
    files = HeldFiles()
    async with Place(tmp_path).storage(files) as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            files.hold = True
            saving = asyncio.create_task(save(writer, writer.plan.shots[0]))
            await asyncio.to_thread(files.held.wait, 10)
            assert (await storage.get_session(handle.id)).photos == 0
            assert (await storage.list_sessions()).total == 1
            assert len(await storage.shots(handle.id, UPRIGHT)) == 4
            assert (await storage.disk()).total > 0
            assert not saving.done()
            files.go_on.set()
            await saving


async def test_cancelled_at_any_turn_of_the_loop_a_save_is_whole_or_nothing(storage):
    handle = await storage.create_session(new_session(passes=(new_pass(count=40),)))
    async with working(storage, handle) as writer:
        for turns, shot in enumerate(writer.plan.shots):
            saving = asyncio.create_task(save(writer, shot))
            for _ in range(turns):
                await asyncio.sleep(0)
            saving.cancel()
            await asyncio.wait([saving])
        await writer.pause(PRESSED)
        saved = set(writer.progress.saved)
    photos = await storage.photos(handle.id)
    assert {photo.shot for photo in photos} == saved
    states = {shot.shot for shot in await storage.shots(handle.id, UPRIGHT) if shot.state is ShotState.SAVED}
    assert states == saved
    assert len(saved) > 0


async def open_it(storage, handle):
    """Never gets so far as to work on the pass."""
    async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
        raise AssertionError


async def test_an_opening_whose_caller_is_cancelled_leaves_no_lock(tmp_path):
    files = HeldFiles()
    async with Place(tmp_path).storage(files) as storage:
        handle = await storage.create_session(new_session())
        files.hold = True
        opening = asyncio.create_task(open_it(storage, handle))
        await asyncio.to_thread(files.held.wait, 10)
        opening.cancel()
        files.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await opening
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])


async def test_an_opening_that_is_cancelled_and_fails_is_quiet(storage, handle):
    async with storage.open_pass(handle, UPRIGHT, job_id=JOB, origin="cli"):
        opening = asyncio.create_task(open_it(storage, handle))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_progress_views_follow_the_work(storage, handle):
    async with working(storage, handle) as writer:
        progress = writer.progress
        await save(writer, writer.plan.shots[0])
        assert set(progress.saved) == {1}
        assert progress.lines == 1
        assert writer.progress.lines == 2


async def test_photo_needs_no_measured_quality(storage, handle):
    async with working(storage, handle) as writer:
        bare = frame(1)
        plain = type(bare)(data=bare.data, width=32, height=24, exposure=bare.exposure)
        photo = await writer.save(writer.plan.shots[0], plain, measured=Viewpoint(0, 0), settle_s=0.0, capture_s=0.0)
        assert (photo.sharpness, photo.sharpness_relative) == (None, None)
        assert await storage.photos(handle.id, UPRIGHT) == (photo,)
