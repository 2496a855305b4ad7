"""Scenarios of locks: a pass is taken from another daemon by force, on a local disk and on a share."""

from __future__ import annotations

from contextlib import suppress

from scanner.errors import LockLostError, NotFoundError
from scanner.model import SessionId
from scanner.states import PassState
from scanner.storage.disk.share import Sharing
from tests.crash.scanning import scanned, take_the_rest
from tests.crash.scenario import Heard, Scenario, World
from tests.scanner.storage.support import UPRIGHT, Place, save, working

STALE = 300.0  # seconds


class Force(Scenario):
    """Another daemon works on a pass and is forced out; the pass is done here."""

    session: SessionId

    async def prepare(self, place: Place) -> None:
        self.session = await scanned(place, 1, finished=False)
        self.keep(place)

    async def run(self, world: World) -> None:
        other = Place(world.place.root, world.place.clock, "other")
        handle = await world.storage.handle(self.session)
        async with other.storage(world.files, **self.options) as there, working(there, handle) as writer:
            await world.save(writer, {2})
            await world.storage.locks.release(self.session, UPRIGHT, origin="cli", reason="it hangs")
            world.tell("forced")
            await self.refused(writer)
        async with working(world.storage, handle) as writer:
            await world.save(writer, {shot.index for shot in writer.remaining()})
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)

    @staticmethod
    async def refused(writer) -> None:
        """Whoever was forced out can save nothing."""
        try:
            await save(writer, writer.plan.shots[2])
        except LockLostError:
            return
        message = "it went on"
        raise AssertionError(message)

    async def finish(self, world: World, heard: Heard) -> None:
        handle = await world.storage.handle(self.session)
        info = (await world.storage.get_session(self.session)).passes[0]
        if "ended" not in heard and info.state is not PassState.COMPLETED:
            await self.freed(world)
        await take_the_rest(world, handle, UPRIGHT, heard)

    async def freed(self, world: World) -> None:
        """Force whoever still seems to have the pass out. Here an ``flock`` tells that nobody has."""
        with suppress(NotFoundError):
            await world.storage.locks.release(self.session, UPRIGHT, origin="cli", reason="it went with the power")


class ForceOnShare(Force):
    """The same where an ``flock`` means nothing."""

    def __init__(self) -> None:
        super().__init__(options={"sharing": Sharing(shared=True, stale_after=STALE)})

    async def freed(self, world: World) -> None:
        """Here only time tells that whoever was forcing has gone."""
        await world.storage.locks.active()
        world.place.clock.leap(STALE + 1)
        await super().freed(world)


class TakeOnShare(ForceOnShare):
    """On a share every taking of a lock is a new generation."""

    async def run(self, world: World) -> None:
        handle = await world.storage.handle(self.session)
        for shots in ({2}, {3}):
            async with working(world.storage, handle) as writer:
                await world.save(writer, shots)
        async with working(world.storage, handle) as writer:
            await world.save(writer, {4})
            await writer.finish("all shots taken")
            world.tell("ended", UPRIGHT)


FORCING = (Force, ForceOnShare, TakeOnShare)
