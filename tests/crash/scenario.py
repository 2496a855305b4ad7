"""What a scenario is: something that callers of storage do, that the power or the disk may break off anywhere, and
that can be done again to its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import structs

from scanner.model import Photo, SessionId
from scanner.records import Session
from scanner.storage import Files, PassWriter, SessionQuery, StorageManager
from tests.crash.record import Told
from tests.scanner.storage.support import Place, names, save

FORMAT = "current"


@dataclass(frozen=True)
class Heard:
    """What callers were told until a moment."""

    facts: tuple[Told, ...] = ()

    def all(self, what: str) -> list[Any]:
        """Everything told of one kind, in order."""
        return [fact.value for fact in self.facts if fact.what == what]

    def __contains__(self, what: str) -> bool:
        return any(fact.what == what for fact in self.facts)

    @property
    def photos(self) -> dict[int, Photo]:
        """The announced photos, by shot."""
        return {photo.shot: photo for photo in self.all("photo")}


@dataclass
class World:
    """What a scenario works with. ``tell`` notes what a caller learned."""

    place: Place
    storage: StorageManager
    files: Files
    tell: Callable[..., None] = lambda *_: None

    async def save(self, writer: PassWriter, numbers: Iterable[int]) -> None:
        """Take and announce these shots."""
        for shot in writer.plan.shots:
            if shot.index in numbers:
                self.tell("photo", await save(writer, shot))


@dataclass
class Scenario:
    """The empty one. ``precious``: sha256 of the photos that were announced before it began."""

    precious: set[str] = field(default_factory=set)
    alike: set[str] = field(default_factory=set)  # titles that two sessions may have
    harmed: set[str] = field(default_factory=set)  # photos that were no longer what was written when it began
    options: dict[str, Any] = field(default_factory=dict)  # of StorageManager.open
    exchanges = True  # whether the disk can let two names change places
    refuses = False  # whether the disk fails once anyway

    async def prepare(self, place: Place) -> None:
        """Make what is there before; nothing of it is at risk but by what :meth:`run` does."""

    async def run(self, world: World) -> None:
        """Do it, and tell what is announced on the way."""

    async def finish(self, world: World, heard: Heard) -> None:
        """After it was broken off, when ``heard`` was told: check what only this scenario knows, and do the rest."""

    def keep(self, place: Place) -> None:
        """From now on every photo file of the place is precious."""
        self.precious |= pictures(place.data)


class BackAndForth(Scenario):
    """Something is done to a session, undone, and done again, ``times`` in all."""

    session: SessionId
    times = 3

    async def do(self, storage: StorageManager) -> None:
        raise NotImplementedError

    async def undo(self, storage: StorageManager) -> None:
        raise NotImplementedError

    async def run(self, world: World) -> None:
        for turn in range(self.times):
            if turn:
                world.tell("done", None)
            await (self.undo if turn % 2 else self.do)(world.storage)
            world.tell("done", turn % 2 == 0)

    @staticmethod
    def done(heard: Heard) -> bool | None:
        """Whether it is done, as far as callers were told; None while it was on its way."""
        return (heard.all("done") or [None])[-1]


def digest(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pictures(data: Path) -> set[str]:
    """sha256 of every photo file below ``data``, also of those that are set aside or in the trash."""
    return {digest(path) for path in data.rglob("*.jpg")}


async def answers(storage: StorageManager) -> dict[str, object]:
    """Everything that can be asked about sessions."""
    page = await storage.list_sessions(SessionQuery(limit=200))
    said: dict[str, object] = {
        "sessions": [timeless(session) for session in page.items],
        "trash": await storage.trash.list(),
        "history": await storage.history.passes(),
        "questions": await storage.legacy.questions(),
        "locks": [structs.replace(lock, beats=()) for lock in await storage.locks.active()],
    }
    for session in page.items:
        said[session.id] = timeless(await storage.get_session(session.id))
        said[f"{session.id}/photos"] = await storage.photos(session.id)
        said[f"{session.id}/checkpoints"] = await storage.checkpoints.list(session.id)
        for info in session.passes:
            said[f"{session.id}/{info.name}"] = await storage.shots(session.id, info.name)
    return said


def timeless(session: Session) -> Session:
    """Without the seconds since the heartbeats of its locks."""
    locks = (info.lock and structs.replace(info.lock, beats=()) for info in session.passes)
    passes = (structs.replace(info, lock=lock) for info, lock in zip(session.passes, locks, strict=True))
    return structs.replace(session, passes=tuple(passes))


async def check_whole(world: World, scenario: Scenario, heard: Heard, *, harmed: bool = False) -> None:
    """Nothing is lost, damaged, double or half. ``harmed``: of what was harmed before nothing is expected."""
    storage, sessions = world.storage, world.place.sessions
    page = await storage.list_sessions(SessionQuery(limit=200))
    folders = [path.name for item in page.items for path in await storage.legacy.folders(item.id)]
    shown = [name for name in names(sessions) if not name.startswith(".")]
    assert sorted(folders) == shown, f"listed: {sorted(folders)}, there: {shown}"
    assert [name for name in names(sessions) if name.startswith((".new-", ".gone-", ".ready_"))] == []
    titles = [item.title for item in (*page.items, *await storage.trash.list()) if item.title not in scenario.alike]
    assert len(titles) == len(set(titles)), f"double: {sorted(titles)}"
    for session in page.items:
        assert session.damage == () or session.format != FORMAT, session.damage
        await check_photos(storage, session.id, scenario.harmed if harmed else frozenset())
    precious = scenario.precious | {photo.sha256 for photo in heard.all("photo")}
    assert precious <= pictures(world.place.data), "a photo that was announced is lost"


async def check_photos(storage: StorageManager, session_id: SessionId, harmed: AbstractSet[str] = frozenset()) -> None:
    """Every listed photo is there, as it was written, once."""
    photos = await storage.photos(session_id)
    assert len({photo.name for photo in photos}) == len(photos)
    for photo in photos:
        if photo.name in harmed or not photo.sha256:  # of some old ones nobody ever knew a hash
            continue
        path = await storage.photo_file(session_id, photo.name)
        assert digest(path) == photo.sha256, f"{photo.name} is not what was written"
    session = await storage.get_session(session_id)
    assert session.photos == len(photos)
    assert session.bytes == sum(photo.bytes for photo in photos)
