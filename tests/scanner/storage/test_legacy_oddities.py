"""Everything odd that ``FORMATS.md`` tells of the older formats, in the running product: a folder of our own for each,
listed and looked at without changing a byte, imported from elsewhere with the source as it was, migrated, and back.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scanner.states import PassState
from scanner.storage import SessionQuery
from tests.scanner.storage.formats.support import (
    BERLIN,
    EPOCH,
    add_photo,
    dual,
    openscan,
    picture,
    raspi,
    state_file,
    tree_hash,
    write,
)
from tests.scanner.storage.oldsessions import running
from tests.scanner.storage.support import Place

STAMPED = "Blue_vase_20251012_140311"
WEB_SCAN = "web_scan_20250801_101010"


@dataclass(frozen=True)
class Oddity:
    """What ``make`` leaves below the sessions, and what the product says of it. ``whole``: photos that count once they
    were checked; ``words``: must occur in what is said of its files then.
    """

    make: Callable[[Path], object]
    title: str = "Blue vase"
    photos: int = 6
    whole: int | None = None
    state: PassState = PassState.COMPLETED
    format: str = "raspi_v2"
    created: str = "2025-10-12T12:03:11.284Z"
    words: tuple[str, ...] = field(default=())


def changed(path: Path, **over: object) -> None:
    data = json.loads(path.read_text()) | over
    write(path, data)


def finalised(sessions: Path) -> None:
    over = {"end_time": EPOCH + 40, "total_files": 17, "total_size_bytes": 5, "status": "completed"}
    raspi(sessions, session=over, long=True)


def another_home(sessions: Path) -> None:
    root = raspi(sessions, points=1, photos=0)
    add_photo(
        root, 0, 0, filename="", file_path="/home/user/scanner_data/sessions/x/images/scan_point_000_camera_0.jpg"
    )
    add_photo(root, 0, 1, filename="../../../etc/hostname", file_path="/etc/hostname")


def checksums(sessions: Path) -> None:
    root = raspi(sessions, points=2, photos=0)
    add_photo(root, 0, 0, checksum=None)
    add_photo(root, 0, 1, checksum="0" * 64)
    add_photo(root, 1, 0, created_at="2025-10-12T14:03:22")
    add_photo(root, 1, 1, sidecar=None)


def only_in_the_index(sessions: Path) -> None:
    root = raspi(sessions, session=None, state=None)
    entry = {"scan_name": "From the index", "start_time": EPOCH, "end_time": None, "status": "active", "total_files": 0}
    write(sessions.parent / "metadata/sessions_index.json", {root.name: entry})


def lost_by_the_index(sessions: Path) -> None:
    raspi(sessions)
    write(sessions.parent / "metadata/sessions_index.json", {"another": {"scan_name": "gone"}})


def in_the_root(sessions: Path) -> None:
    root = raspi(sessions, photos=0)
    for index in range(3):
        write(root / f"scan_point_{index:03}_cam{index % 2}.jpg", picture(index))
    write(root / "camera_positions_full.json", {"any": 1})
    write(root / "camera_positions_meshroom.txt", b"text")
    write(root / "xmp_sidecar_files/scan_point_000_cam0.xmp", b"<x/>")


def manual(sessions: Path) -> None:
    root = raspi(sessions, title="Manual Flash Capture 14:03", photos=0, positions=False, state=None)
    for camera in range(2):
        write(root / "images" / f"manual_capture_camera_{camera}.jpg", picture(camera))
        write(root / "metadata" / f"m{camera}_metadata.json", {
            "filename": f"manual_capture_camera_{camera}.jpg", "data_type": "raw_image", "checksum": None,
            "scan_point_id": f"manual_point_{camera}", "camera_id": str(camera), "metadata": {},
        })  # fmt: skip


def stamped(sessions: Path) -> None:
    write(sessions / STAMPED / f"{STAMPED}_state.json", b"{}")


def oldest(sessions: Path) -> None:
    write(sessions / WEB_SCAN / f"{WEB_SCAN}_state.json", state_file(WEB_SCAN, "running", 3))
    for index in range(2):
        name = f"scan_{WEB_SCAN}_point_{index:04}_20250801_1010{index}_camera_1.jpg"
        write(sessions / WEB_SCAN / name, picture(index))


def far_from_its_photos(sessions: Path) -> None:
    name = "knight_20250801_101010"
    write(sessions / name / f"{name}_state.json", state_file(name, "completed", 3))
    raspi(sessions, state=None, positions=False, session={"scan_parameters": {"scan_id": name}})


def linked_by_a_name(sessions: Path) -> None:
    _, images = dual(sessions)
    changed(images / "metadata/session.json", scan_parameters={})


def renamed_half(sessions: Path) -> None:
    web, _ = dual(sessions)
    web.rename(sessions / "Web half (old)")


def broken_documents(sessions: Path) -> None:
    root = raspi(sessions)
    write(root / "metadata/session.json", b"{broken")
    write(root / f"{root.name}_state.json", b"\0" * 64)


def promised(sessions: Path) -> None:
    root = raspi(sessions)
    (root / "images/scan_point_000_camera_0.jpg").unlink()


def cut_off(sessions: Path) -> None:
    root = raspi(sessions)
    write(root / "images/scan_point_000_camera_0.jpg", b"")
    path = root / "images/scan_point_001_camera_0.jpg"
    path.write_bytes(path.read_bytes()[:200])


def linked_out(sessions: Path) -> None:
    root = raspi(sessions)
    path = root / "images/scan_point_000_camera_0.jpg"
    path.unlink()
    path.symlink_to("/etc/hostname")


def unspeakable(sessions: Path) -> None:
    root = raspi(sessions)
    root.rename(sessions / os.fsdecode(b"Vase \xff\xfe"))


def owl(**more: object) -> Callable[[Path], object]:
    return lambda sessions: openscan(sessions, scans=1, **more)


def killed(sessions: Path) -> None:
    root = openscan(sessions, scans=1, status="running", photos=2)
    write(root / "scan01/scan01_001.jpg", b"")
    write(root / "scan01/.tmp_ab.json", b"{")
    changed(root / "scan01/scan.json", current_step=4)


def stacked(sessions: Path) -> None:
    root = openscan(sessions, scans=1, points=2, stacks=3)
    write(root / "scan01/stacked/stacked_scan01_001.jpg", picture(5))
    photos = json.loads((root / "scan01/scan.json").read_text())["photos"]
    changed(root / "scan01/scan.json", photos=[*photos, "stacked_scan01_001.jpg"], stacking_task_status="completed")


def other_pictures(sessions: Path) -> None:
    root = openscan(sessions, scans=1)
    write(root / "scan01/scan01_009.dng", b"raw")
    write(root / "scan01/scan01_008.npy", b"")
    write(root / "model/mesh.obj", b"v 0 0 0")


def deleted(sessions: Path) -> None:
    openscan(sessions, scans=1, photos=2)


def private(sessions: Path) -> None:
    root = openscan(sessions, scans=1)
    for path in root.rglob("*.json"):
        path.chmod(0o600)


def nameless(sessions: Path) -> None:
    openscan(sessions, scans=1, project=None)


def unknown_fields(sessions: Path) -> None:
    openscan(
        sessions, scans=1, project={"cloud_project_name": "x", "downloaded": False, "description": None, "surprise": 7}
    )


OWL_AT = "2026-02-14T15:20:05.120Z"


def of_openscan(make: Callable[[Path], object], **more: object) -> Oddity:
    given = {"title": "Ceramic Owl", "photos": 4, "format": "openscan3", "created": OWL_AT} | more
    return Oddity(make, **given)  # type: ignore[arg-type] - given by name


ODDITIES = {
    "finalised, sidecars of 15 keys": Oddity(finalised),
    "never finalised, the state tells": Oddity(lambda sessions: raspi(sessions, session={"status": "active"})),
    "killed: running, point 0, with photos": Oddity(
        lambda sessions: raspi(sessions, state="running", photos=3), photos=3, state=PassState.PAUSED
    ),
    "session.json is missing": Oddity(lambda sessions: raspi(sessions, session=None), title="Name in the state"),
    "session.json and state are broken": Oddity(
        broken_documents,
        title="2cbedbd0-97bb-405c-9afa-e7f7d5954f7a",
        created="2025-10-12T12:03:21.284Z",
        words=("session.json is damaged", "_state.json is damaged"),
    ),
    "only the index knows": Oddity(only_in_the_index, title="From the index"),
    "the index lost it": Oddity(lost_by_the_index),
    "paths of another home": Oddity(another_home, photos=2, words=("hostname is missing",), state=PassState.COMPLETED),
    "checksums: null, wrong; no fraction; no sidecar": Oddity(
        checksums, photos=4, whole=3, words=("does not match its checksum", "unregistered", "unverified")
    ),
    "a promised photo is not there": Oddity(promised, photos=5, words=("is missing",)),
    "empty and cut off photos": Oddity(cut_off, photos=5, whole=4, words=("0 bytes", "checksum")),
    "a link out of the folder": Oddity(linked_out, photos=5, words=("not followed",)),
    "photos in the root": Oddity(in_the_root, photos=3, words=("3 files are unverified",)),
    "a manual capture": Oddity(manual, title="Manual Flash Capture 14:03", photos=2, words=("unverified",)),
    "a stamped name, no documents": Oddity(
        stamped, photos=0, state=PassState.PLANNED, created="2025-10-12T12:03:11.000Z"
    ),
    "the oldest: photos beside the state": Oddity(
        oldest, title="Name in the state", photos=2, state=PassState.PAUSED, words=("unverified",)
    ),
    "the oldest: photos far from the state": Oddity(far_from_its_photos, format="raspi_v2_dual"),
    "two folders": Oddity(dual, title="Chess knight", format="raspi_v2_dual"),
    "two folders, linked by a file's name": Oddity(linked_by_a_name, title="Chess knight", format="raspi_v2_dual"),
    "two folders, one renamed": Oddity(renamed_half, title="Chess knight", format="raspi_v2_dual"),
    "a name that is no text": Oddity(unspeakable),
    "a project": of_openscan(owl()),
    "two scans": of_openscan(openscan, photos=8),
    "a killed project": of_openscan(killed, photos=2, state=PassState.PAUSED, words=("0 bytes",)),
    "a cancelled project": of_openscan(owl(status="cancelled", photos=1), photos=1, state=PassState.CANCELLED),
    "an interrupted project": of_openscan(owl(status="interrupted", photos=1), photos=1, state=PassState.PAUSED),
    "a project in error": of_openscan(owl(status="error", photos=1), photos=1, state=PassState.PAUSED),
    "focus stacks": of_openscan(stacked, photos=6),
    "raw pictures and a model": of_openscan(other_pictures, words=("scan01_008.npy is damaged", "unverified")),
    "deleted photos": of_openscan(deleted, photos=2),
    "files of mode 0600": of_openscan(private),
    "no project file": of_openscan(nameless, created="2026-02-14T15:21:05.000Z"),
    "fields that nobody knows": of_openscan(unknown_fields),
}


@pytest.fixture(params=sorted(ODDITIES))
def oddity(request) -> Oddity:
    return ODDITIES[request.param]


def check(oddity: Oddity, session: object, photos: int) -> None:
    found = (session.title, session.photos, session.state, session.created_at)
    assert found == (oddity.title, photos, oddity.state, oddity.created)


async def test_listed_looked_at_migrated_and_back(place: Place, oddity):
    oddity.make(place.sessions)
    before = tree_hash(place.sessions)
    async with running(place) as storage:
        (session,) = (await storage.list_sessions(SessionQuery(q=oddity.title))).items
        check(oddity, session, oddity.photos)
        assert session.format == oddity.format
        photos = await storage.photos(session.id)
        for photo in photos:
            assert (await storage.photo_file(session.id, photo.name)).stat().st_size == photo.bytes
        for info in session.passes:
            assert len(await storage.shots(session.id, info.name)) == info.shots
        assert len(await storage.session_files(session.id)) >= session.photos
        assert tree_hash(place.sessions) == before
        whole = oddity.photos if oddity.whole is None else oddity.whole
        (outcome,) = await storage.legacy.migrate_all()
        assert outcome.error is None
        migrated = await storage.get_session(session.id)
        check(oddity, migrated, whole)
        assert {photo.name for photo in await storage.photos(session.id)} <= {photo.name for photo in photos}
        await storage.legacy.undo(session.id, origin="cli")
        assert await storage.get_session(session.id) == session
    for gone in place.sessions.glob(".undone_*"):
        story = json.loads((gone / "metadata/legacy.json").read_bytes())
        said = " ".join(f"{flag['file']} is {flag['flag']}: {flag['why']}" for flag in story["flagged"])
        assert all(word.removeprefix("3 files are ") in said for word in oddity.words)
        shutil.rmtree(gone)
    assert tree_hash(place.sessions) == before


async def test_imported_from_elsewhere(place: Place, tmp_path, oddity):
    source = tmp_path / "card/scanner_data/sessions"
    oddity.make(source)
    before = tree_hash(source.parent)
    async with running(place) as storage:
        (outcome,) = await storage.legacy.import_from(source.parent, timezone=BERLIN, origin="cli")
        assert (outcome.done, outcome.error) == (True, None)
        assert all(word in outcome.sentence() for word in oddity.words)
        check(oddity, await storage.get_session(outcome.id), oddity.photos if oddity.whole is None else oddity.whole)
        (again,) = await storage.legacy.import_from(source.parent, timezone=BERLIN, origin="cli")
        assert (again.id, again.done, again.known) == (outcome.id, False, True)
    assert tree_hash(source.parent) == before
