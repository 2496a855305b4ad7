"""``FORMAT.md`` says what is on disk: every field of every real file, and no other."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scanner.errors import PassCompletedError
from scanner.model import Geometry, ObjectRef, PassName, Pause, Plan, RigInfo, SessionId, Shot, Viewpoint
from scanner.spec import CameraSettings, PassSpec, ScanSpec
from scanner.storage import Files, NewPass, SessionHandle, Sharing, StorageManager, Submission
from scanner.storage.formats.intents import Intent
from scanner.storage.journal.lines import KNOWN
from scanner.storage.locks.lockfile import LockRecord
from scanner.storage.locks.passlock import PassLock
from tests.scanner.storage.formats.support import openscan
from tests.scanner.storage.support import CAMERA, MAIN, Place, new_pass, new_session, save, working
from tests.support.tree import TOP

TEXT = (TOP / "scanner/storage/FORMAT.md").read_text()
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ROW = re.compile(r"^\| `([^`]+)` \| (.*) \|$", re.M)


def section(title: str) -> dict[str, str]:
    """The fields that the section of this title documents, with what it says of them."""
    found = re.search(rf"^#+ `{re.escape(title)}`$(.*?)(?=^#|\Z)", TEXT, re.M | re.S)
    assert found, title
    return dict(ROW.findall(found[1]))


@pytest.fixture
async def full(place: Place) -> tuple[Place, Path]:
    """A session in which every optional thing was given."""
    rig = RigInfo(
        name="bench", geometry=Geometry(distance=500.0, target_height=40.0), fixed_elevation=20.0, cameras=(CAMERA,)
    )
    settings = CameraSettings(bracket_ev=(-1.0, 0.0, 1.0))
    shots = tuple(
        Shot(index=number, viewpoint=Viewpoint(0.0, 20.0), camera=MAIN, ev=ev, focus=1.5)
        for number, ev in ((1, -1.0), (2, 0.5), (3, 1.0), (4, 2.0))
    )
    asked = NewPass(spec=PassSpec(name="upright", camera=settings), plan=Plan(kind="rings", shots=shots))
    spec = ScanSpec(title="Blue vase", object=ObjectRef(id="INV-1", label="a", worklist="b"))
    new = new_session(spec=spec, rig=rig, passes=(asked, new_pass("flipped")), submission=Submission("key", "d" * 64))
    async with place.storage() as storage:
        handle = await storage.create_session(new)
        async with working(storage, handle) as writer:
            shots = writer.plan.shots
            await save(writer, shots[0])
            await save(writer, shots[1])
            await writer.fail_shot(shots[2], "camera_timeout", "no picture")
            await writer.skip(shots[2], "hidden")
            await writer.pause(Pause(by="user", reason="paused", message=""))
        (place.sessions / handle.id / "images/upright/upright-00002-main_e0p5.jpg").write_bytes(b"damaged")
        async with working(storage, handle) as writer:
            await save(writer, shots[1])
            await writer.cancel("not now")
            await writer.resume()
            await writer.fail("camera_gone", "unplugged")
            await writer.resume()
            await writer.finish("finished early")
        await back_and_forward(storage, handle)
    await taken_by_others(place, place.sessions / handle.id, "upright")
    return place, place.sessions / handle.id


async def back_and_forward(storage: StorageManager, handle: SessionHandle) -> None:
    """The other pass goes back to nothing, and forward to where it was."""
    await storage.checkpoints.save(handle.id, "done", origin="cli")
    async with working(storage, handle, "flipped") as writer:
        await save(writer, writer.plan.shots[0])
        await writer.skip(writer.plan.shots[1], "hidden")
        await writer.pause(Pause(by="user", reason="paused", message=""))
    await storage.checkpoints.restore(handle.id, "done", origin="cli")
    await storage.checkpoints.restore(handle.id, "auto-1", origin="cli")


async def taken_by_others(place: Place, root: Path, name: str) -> None:
    """The lock of a pass is forced from somebody, then taken again on what counts as a share."""
    other = LockRecord(
        generation=1, token=str(1), host_id="h", host="turntable-2", origin="web:ben", pid=1, process_start=0,
        boot_id="b", job_id=None, since="2026-11-20T04:15:30.000Z",
    )  # fmt: skip
    session_id, pass_name = SessionId(root.name), PassName(name)
    async with place.storage() as storage:
        held = PassLock.take(Files(), root / "metadata/passes" / name, other)
        await storage.locks.release(session_id, pass_name, origin="cli", reason="it hangs")
        held.release()
    async with place.storage(sharing=Sharing(shared=True)) as storage:
        with pytest.raises(PassCompletedError):
            async with working(storage, await storage.handle(session_id), name):
                pass


@pytest.fixture
async def migrated(place: Place) -> Path:
    """A session that was of an older format."""
    openscan(place.sessions, points=2, scans=1, photos=1)
    async with place.storage() as storage:
        await storage.reconcile()
        handle = await storage.legacy.migrate(SessionId("ceramic-owl"), origin="cli")
    return place.sessions / handle.id


def keys(value: object, wanted: dict[str, str], prefix: str = "") -> set[str]:
    """The fields of a document, as deep as the documentation names them."""
    found: set[str] = set()
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            continue
        for name, inner in item.items():
            path = f"{prefix}{name}"
            found.add(path)
            if any(other.startswith(f"{path}.") for other in wanted):
                found |= keys(inner, wanted, f"{path}.")
    return found


@pytest.mark.parametrize("name", ["session.json", "pass.json", "summary.json", ".session.lock.<n>"])
async def test_documents_have_exactly_the_documented_fields(full, name):
    _, root = full
    pattern = "metadata/session.json" if name == "session.json" else f"upright/{name.replace('<n>', '*')}"
    wanted = section(name)
    paths = sorted(root.rglob(pattern))
    assert len(paths) == (3 if "<n>" in name else 1)
    for path in paths:
        assert keys(json.loads(path.read_bytes()), wanted) == set(wanted)


async def test_checkpoints_have_exactly_the_documented_fields(full, migrated):
    """Those that people saved, those that a restore made, and that of migration."""
    _, root = full
    wanted = section("checkpoints/<name>.json")
    found = [path for one in (root, migrated) for path in sorted(one.glob("metadata/checkpoints/*.json"))]
    assert [path.stem for path in found] == ["auto-1", "auto-2", "done", "auto-1"]
    documents = [json.loads(path.read_bytes()) for path in found]
    assert [document["origin"] for document in documents] == ["cli", "cli", "cli", "legacy"]
    assert {key for document in documents for key in keys(document, wanted)} == set(wanted)
    assert all(set(document) == {key for key in wanted if "." not in key} for document in documents)


async def test_what_an_old_session_was_has_exactly_the_documented_fields(migrated):
    document = json.loads((migrated / "metadata/legacy.json").read_bytes())
    wanted = section("legacy.json")
    assert set(document) == set(wanted)
    for name in ("created", "sources", "passes"):
        (inner,) = document[name] if isinstance(document[name], list) else [document[name]]
        assert all(f"`{key}`" in wanted[name] or key in ("folder", "name") for key in inner)
    assert set(section(".migrating_<id>.json")) == set(Intent.__struct_fields__)
    for path in (*migrated.parent.iterdir(), migrated / "exports/legacy", migrated / "metadata/legacy.json"):
        assert re.sub("ceramic-owl", "<session id>", path.name) in TEXT


async def test_journal_lines_have_exactly_the_documented_fields(full, migrated):
    _, root = full
    journals = [path for one in (root, migrated) for path in sorted(one.glob("metadata/passes/*/journal*.jsonl"))]
    rows = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    assert {row["event"] for row in rows} == {kind.__struct_config__.tag for kind in KNOWN}
    common = set(section("journal.jsonl"))
    for row in rows:
        documented = set(section(row["event"])) | common
        if row["event"] == "retaken":
            documented |= set(section("saved"))
        if row["event"] == "lock_forced":
            documented |= set(section("lock_taken"))
        assert set(row) == documented, row["event"]


async def test_the_daemon_lock_has_exactly_the_documented_fields(full):
    place, _ = full
    assert set(json.loads((place.state / "daemon.lock").read_bytes())) == set(section("daemon.lock"))


@pytest.mark.parametrize("name", ["index.db", "jobs.db"])
async def test_databases_have_exactly_the_documented_tables(full, name):
    place, _ = full
    documented = {
        table: set(re.findall(r"`([a-z0-9_]+)`", re.sub(r"\(.*?\)", "", columns)))
        for table, columns in section(name).items()
    }
    with closing(sqlite3.connect(place.state / name)) as connection:
        tables = [
            table
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not table.startswith(("sqlite_", "sessions_fts_", "passes_fts_"))
        ]
        real = {table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} for table in tables}
    assert real == documented


async def test_every_place_is_documented(full):
    place, root = full
    documented = TEXT.split("```")[1]
    for path in root.rglob("*"):
        if path.is_file() and path.suffix != ".jpg":
            name = "checkpoints/<name>.json" if path.parent.name == "checkpoints" else path.name
            assert re.sub(r"(lock\.|journal-)\d+", r"\1<n>", name) in documented
    for path in place.state.iterdir():
        assert path.name.removesuffix("-wal").removesuffix("-shm") in documented


async def test_times_are_utc_and_versions_are_told(full):
    _, root = full
    for path in root.rglob("*.json"):
        document = json.loads(path.read_bytes())
        assert document["version"] == 1
        assert document["format"].startswith("scanner-")
        for name in ("created_at", "started_at", "ended_at"):
            assert re.fullmatch(
                r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document.get(name, "2026-11-20T04:15:30.000Z")
            )
        assert path.read_bytes().endswith(b"}\n")


async def test_a_checkpoint_has_exactly_the_documented_fields(full):
    _, root = full
    wanted = section("checkpoints/<name>.json")
    paths = sorted((root / "metadata/checkpoints").iterdir())
    assert [path.name for path in paths] == ["auto-1.json", "auto-2.json", "done.json"]
    assert keys(json.loads(paths[0].read_bytes()), wanted) == set(wanted)


async def test_the_trash_has_exactly_the_documented_fields(full):
    place, root = full
    async with place.storage() as storage:
        await storage.trash.delete(SessionId(root.name), origin="cli")
    (path,) = (place.data / "trash").glob("*/deleted.json")
    assert set(json.loads(path.read_bytes())) == set(section("deleted.json"))
    assert path.read_bytes().endswith(b"}\n")
