"""Sessions of older formats in a running daemon's storage: small ones of every sort, and what a page asks of them."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from msgspec import structs

from scanner.model import SessionId
from scanner.records import Session
from scanner.states import ShotState
from scanner.storage import HistoryQuery, SessionQuery, StorageManager
from tests.scanner.storage.formats.samples import check_state_and_age
from tests.scanner.storage.formats.support import (
    BERLIN,
    PLAIN,
    WEB,
    dual,
    openscan,
    raspi,
    state_file,
    write,
)
from tests.scanner.storage.support import (
    Place,
    StepClock,
    names,
    new_session,
    save,
    working,
)

OWL = SessionId("ceramic-owl")


@asynccontextmanager
async def running(place: Place, **more: object):
    """A daemon's storage whose index knows everything."""
    async with place.storage(timezone=lambda: BERLIN, **more) as storage:
        await storage.reconcile()
        yield storage


@asynccontextmanager
async def another(state: Path, data: Path):
    """A second daemon on the same data directory."""
    storage = await StorageManager.open(data_dir=data, state_dir=state, clock=StepClock(), timezone=lambda: BERLIN)
    try:
        await storage.reconcile()
        yield storage
    finally:
        await storage.close()


async def everything(storage: StorageManager) -> list[Session]:
    page = await storage.list_sessions(SessionQuery(limit=500))
    return [session for session in page.items if session.photos]


def check(session: Session, wanted: dict) -> None:
    check_state_and_age(session.state, datetime.fromisoformat(session.created_at), wanted)
    assert [info.name for info in session.passes] == [part["label"] for part in wanted["passes"]]
    assert [info.saved for info in session.passes] == [part["photos_ok"] for part in wanted["passes"]]
    flags = [text for text in session.damage if any(flag["file"] in text for flag in wanted["flagged"])]
    assert len(flags) == len(session.damage) == len(wanted["flagged"])


async def look_at_everything(storage: StorageManager, session: Session) -> None:
    """What a page asks for."""
    assert await storage.get_session(session.id) == session
    photos = await storage.photos(session.id)
    assert len(photos) == session.photos
    for photo in photos:
        path = await storage.photo_file(session.id, photo.name)
        assert path.stat().st_size == photo.bytes
        assert (await storage.thumbnail(session.id, photo.name, "thumb")).is_file()
        assert photo.width > 0 < photo.height
    for info in session.passes:
        shots = await storage.shots(session.id, info.name)
        assert sum(shot.state is ShotState.SAVED for shot in shots) == info.saved
        assert len(shots) == info.shots
        document = await storage.pass_document(session.id, info.name)
        assert len(document.plan.shots) == info.shots
        assert len(await storage.photos(session.id, info.name)) == info.saved
    files = await storage.session_files(session.id)
    assert len(files) >= session.photos
    assert all(file.path.stat().st_size == file.size for file in files)
    assert await storage.exports(session.id) in {(), ("legacy",)}
    assert await storage.session_files(session.id, "colmap") == ()
    found = await storage.list_sessions(SessionQuery(q=session.title))
    assert session.id in [one.id for one in found.items]
    for query in (SessionQuery(status=session.state.value), SessionQuery(format=session.format)):
        assert session.id in [one.id for one in (await storage.list_sessions(query)).items]
    passes = (await storage.history.passes(HistoryQuery(q=session.title))).items
    assert [(one.pass_, one.photos) for one in passes if one.session_id == session.id] != []
    assert sum(one.photos for one in passes if one.session_id == session.id) == session.photos


def small_raspi(sessions: Path) -> SessionId:
    root = raspi(sessions, points=2, photos=3, state="running")
    write(root / "notes.txt", b"by hand")
    return SessionId(root.name)


def small_dual(sessions: Path) -> SessionId:
    web, images = dual(sessions)
    for path in [*images.rglob("f[2-5]_metadata.json"), *images.glob("images/scan_point_00[12]*")]:
        path.unlink()
    write(web / f"{WEB}_state.json", state_file(WEB, "running", 3))
    return SessionId(web.name)


def small_project(sessions: Path) -> SessionId:
    openscan(sessions, points=2, scans=1, photos=1, status="running")
    return OWL


KINDS = {"raspi_v2": small_raspi, "raspi_v2_dual": small_dual, "openscan3": small_project}


KINDS_IDS = {"raspi_v2": SessionId(PLAIN), "raspi_v2_dual": SessionId(WEB), "openscan3": OWL}


def told(session: Session) -> Session:
    """What migration keeps; a session that was read wholly is not damaged."""
    return structs.replace(session, format="", migrated_from=None, damage=())


def visible(sessions: Path) -> list[str]:
    return [name for name in names(sessions) if not name.startswith(".")]


async def the_one(storage: StorageManager) -> Session:
    (session,) = (await storage.list_sessions()).items
    return session


async def renamed(place: Place, name: str) -> Session:
    """A session of this product that somebody copied in under another name."""
    async with running(place) as storage:
        handle = await storage.create_session(new_session())
        async with working(storage, handle) as writer:
            await save(writer, writer.plan.shots[0])
        session = await the_one(storage)
    shutil.move(place.sessions / handle.id, place.sessions / name)
    return session
