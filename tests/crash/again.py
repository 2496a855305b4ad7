"""The start on what a power cut left, as a scenario that the power can break off in its turn."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator

from tests.crash.cuts import OTHER_BOOT, Cut, Recorded, chosen, write_databases
from tests.crash.plain import write_tree
from tests.crash.scenario import Heard, Scenario, World
from tests.scanner.storage.support import Place


class Start(Scenario):
    """The start on what a cut left of another scenario."""

    def __init__(self, broken: Scenario, cut: Cut) -> None:
        photos = {photo.sha256 for photo in cut.heard.all("photo")}
        super().__init__(broken.precious | photos, broken.alike, broken.harmed, broken.options | {"host": OTHER_BOOT})
        self.broken, self.cut, self.exchanges = broken, cut, broken.exchanges

    async def prepare(self, place: Place) -> None:
        shutil.rmtree(place.root)
        write_tree(self.cut.tree, place.data)
        write_databases(self.cut.state, place.state)

    async def run(self, world: World) -> None:
        await world.storage.reconcile()

    async def finish(self, world: World, heard: Heard) -> None:  # noqa: ARG002 - a start promises nothing of its own
        await self.broken.finish(world, self.cut.heard)


def starts(recorded: Recorded, count: int, chance: random.Random) -> Iterator[Start]:
    """Those after the telling cuts of a record and ``count`` others, where the index was kept."""
    for cut in chosen(recorded, count, chance):
        if cut.state is not None:
            yield Start(recorded.scenario, cut)
