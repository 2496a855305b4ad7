"""Anything in any order, by two daemons on one data directory: what either tells is what a fresh index tells."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from scanner.errors import ScannerError
from scanner.records import Session
from scanner.spec import ScanSpec
from scanner.storage import HistoryQuery, SessionChanges, SessionQuery, StorageManager
from tests.scanner.storage.oldsessions import BERLIN, KINDS
from tests.scanner.storage.support import MAIN, PRESSED, RIG, Place, new_pass, new_session, save, working
from tests.support.sample import sample

STATES = ("planned", "running", "paused", "completed", "cancelled", "failed", "incomplete")
WORDS = ("blue", "zebra", "alice", "upright", "raspi", "tagged")
STEPS = 24
LOOKS = 4


async def answers(storage: StorageManager) -> dict[str, Any]:
    """All that the index is asked for."""
    found: dict[str, Any] = {}
    for sort in ("newest", "oldest", "title", "size"):
        page = await storage.list_sessions(SessionQuery(sort=sort, limit=200))
        found[f"list by {sort}"] = [session.id for session in page.items]
        found["list"] = {session.id: session for session in page.items}
    for session_id in found["list"]:
        found[f"get {session_id}"] = await storage.get_session(session_id)
    for state in STATES:
        found[f"list of {state}"] = await storage.list_sessions(SessionQuery(status=state, limit=200))
        found[f"history of {state}"] = await storage.history.passes(HistoryQuery(state=state, limit=200))
    for word in WORDS:
        found[f"list with {word}"] = await storage.list_sessions(SessionQuery(q=word, limit=200))
        found[f"history with {word}"] = await storage.history.passes(HistoryQuery(q=word, limit=200))
    found["history"] = await storage.history.passes(HistoryQuery(limit=200))
    found["statistics"] = await storage.history.statistics()
    found["checkpoints"] = (await storage.checkpoints.list_all(1000)).items
    found["bytes"] = await storage.photo_bytes(MAIN, 32, 24)
    found["unfinished"] = await storage.unfinished()
    return {key: plain(value) for key, value in found.items()}


def plain(value: object) -> Any:
    """As dictionaries and lists."""
    return msgspec.json.decode(msgspec.json.encode(value))


class World:
    """Two daemons, and what is done through either."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.chance = random.Random(seed)  # noqa: S311 - it only chooses
        self.done: list[str] = []
        self.step = 0
        self.copied: set[str] = set()

    @asynccontextmanager
    async def daemon(self, name: str) -> AsyncIterator[StorageManager]:
        own = Place(self.place.root, self.place.clock, name)
        async with own.storage(timezone=lambda: BERLIN, synchronised=lambda: True) as storage:
            await storage.reconcile()
            yield storage

    async def run(self, one: StorageManager, two: StorageManager) -> None:
        """One thing, by one of them."""
        self.step += 1
        here, there = (one, two) if self.chance.random() < 0.5 else (two, one)
        items = (await here.list_sessions(SessionQuery(limit=200))).items
        name = self.chance.choice(sorted(DEEDS)) if items else "new"
        said = name
        try:
            if items:
                chosen = self.chance.choice(items)
                said = f"{name} {chosen.id}"
                await DEEDS[name](self, here, there, chosen)
            else:
                await self.create(here)
        except ScannerError as error:
            said += f": {error}"
        self.done.append(f"{'first' if here is one else 'second'} {said}")

    async def create(self, here: StorageManager) -> None:
        names = self.chance.sample(["upright", "side", "top"], self.chance.randint(1, 3))
        passes = tuple(new_pass(name, self.chance.randint(1, 4)) for name in names)
        spec = ScanSpec(title="x", operator=self.chance.choice(["", "alice"]))
        title, preset = self.chance.choice(["Blue vase", "Zebra"]), self.chance.choice([None, "fine"])
        await here.create_session(new_session(title, passes=passes, spec=spec, created_from=preset))

    async def new(self, here: StorageManager, _there: StorageManager, _session: Session) -> None:
        await self.create(here)

    async def leap(self, _here: StorageManager, _there: StorageManager, _session: Session) -> None:
        self.place.clock.leap(self.chance.choice([10, 86_400, 40 * 86_400]))

    async def scan(self, here: StorageManager, there: StorageManager, session: Session) -> None:
        """Some shots of a pass; the other does another pass, or something else with the session, meanwhile."""
        chosen = self.chance.choice(session.passes)
        async with working(here, await here.handle(session.id), chosen.name) as writer:
            for shot in writer.remaining()[: self.chance.randint(0, 4)]:
                if self.chance.random() < 0.15:
                    await writer.fail_shot(shot, "x", "y")
                if self.chance.random() < 0.2:
                    await writer.skip(shot, "no")
                if self.chance.random() < 0.8:
                    await save(writer, shot)
                await self.meanwhile(here, there, session)
            if not writer.remaining():
                await writer.finish("done")
            elif self.chance.random() < 0.3:
                await writer.cancel("enough")
            elif self.chance.random() < 0.5:
                await writer.pause(PRESSED)

    async def meanwhile(self, here: StorageManager, there: StorageManager, session: Session) -> None:
        number = self.chance.random()
        if number < 0.1:
            await here.edit(session.id, SessionChanges(notes=f"note {self.step}"))
        elif number < 0.2:
            storage = self.chance.choice([here, there])
            await storage.checkpoints.save(
                session.id, f"half-{self.step}-{self.chance.random():.9f}"[2:48].replace(".", "-"), origin="x"
            )
        elif number < 0.5:
            await self.other(there, session)
        elif number < 0.6:
            await here.watcher.look()

    async def other(self, there: StorageManager, session: Session) -> None:
        """A pass that may be the one that is locked, or finished."""
        try:
            handle = await there.handle(session.id)
            async with working(there, handle, self.chance.choice(session.passes).name) as writer:
                for shot in writer.remaining()[:2]:
                    await save(writer, shot)
                await (writer.pause(PRESSED) if writer.remaining() else writer.finish("done"))
        except ScannerError as error:
            self.done.append(f"    meanwhile: {error}")

    async def add(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        await here.add_pass(session.id, new_pass(self.chance.choice(["side", "more", "top"]), 2), rig=RIG)

    async def edit(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        changes = SessionChanges(
            title=self.chance.choice(["Blue x", "Zebra y"]),
            operator=self.chance.choice(["alice", "bob", ""]),
            tags=self.chance.choice([(), ("tagged",)]),
        )
        await here.edit(session.id, changes)

    async def mark(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        await here.checkpoints.save(session.id, f"mark-{self.step}", origin="x")

    async def restore(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        found = await here.checkpoints.list(session.id)
        if found:
            await here.checkpoints.restore(session.id, self.chance.choice(found).name, origin="x")

    async def delete(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        await here.trash.delete(session.id, origin="x")

    async def undelete(self, here: StorageManager, _there: StorageManager, _session: Session) -> None:
        found = await here.trash.list()
        if found:
            await here.trash.undelete(self.chance.choice(found).session_id, origin="x")

    async def verify(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        photos = await here.photos(session.id)
        if photos and session.format == "current":
            path = await here.photo_file(session.id, self.chance.choice(photos).name)
            if self.chance.random() < 0.5:
                path.write_bytes(b"x")
            else:
                path.unlink()
        await here.verify(session.id)

    async def copy_in(self, here: StorageManager, _there: StorageManager, _session: Session) -> None:
        """Each only once: what a second copy is called depends on what else lies there."""
        kind = self.chance.choice(sorted(KINDS))
        if kind in self.copied:
            return
        self.copied.add(kind)
        KINDS[kind](self.place.sessions)
        await here.watcher.look()
        await here.watcher.look()

    async def migrate(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        await here.legacy.migrate(session.id, origin="x")

    async def undo(self, here: StorageManager, _there: StorageManager, session: Session) -> None:
        await here.legacy.undo(session.id, origin="x")


Deed = Callable[[World, StorageManager, StorageManager, Session], Awaitable[None]]
DEEDS: dict[str, Deed] = {
    deed.__name__ + "+" * times: deed
    for deed, weight in (
        (World.new, 1),
        (World.leap, 1),
        (World.scan, 4),
        (World.add, 1),
        (World.edit, 1),
        (World.mark, 1),
        (World.restore, 2),
        (World.delete, 1),
        (World.undelete, 1),
        (World.verify, 2),
        (World.copy_in, 1),
        (World.migrate, 1),
        (World.undo, 1),
    )
    for times in range(weight)
}


def differing(live: object, fresh: object, where: str = "") -> Iterator[str]:
    """What is not the same, and where it stands."""
    if isinstance(live, dict) and isinstance(fresh, dict):
        for key in sorted(live.keys() | fresh.keys()):
            yield from differing(live.get(key), fresh.get(key), f"{where}/{key}")
    elif isinstance(live, list) and isinstance(fresh, list) and len(live) == len(fresh):
        for number, (one, other) in enumerate(zip(live, fresh, strict=True)):
            yield from differing(one, other, f"{where}/{number}")
    elif live != fresh:
        yield f"{where}: {live!r}, fresh {fresh!r}"


@pytest.mark.parametrize("seed", range(sample(5, 400)))
async def test_whatever_was_done_the_index_tells_what_a_fresh_one_tells(place, seed):
    world = World(place, seed)
    place.sessions.mkdir(parents=True)
    async with world.daemon("first") as one, world.daemon("second") as two:
        for number in range(STEPS):
            await world.run(one, two)
            if number % 6 == 5:
                for _ in range(LOOKS):
                    await one.watcher.look()
                    await two.watcher.look()
                async with world.daemon(f"fresh-{number}") as three:
                    fresh = await answers(three)
                for live in (await answers(one), await answers(two)):
                    assert list(differing(live, fresh)) == [], "\n".join(world.done)
