"""What is only seen where a cut is not followed by a start: that what was taken over is durable though the old software
never made it so, and that nothing is left of what was done.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from scanner.storage.formats import list_all
from tests.crash.again import Start
from tests.crash.cuts import Cut, Recorded, cuts, disk_after, record
from tests.crash.disk import Disk, Tree
from tests.crash.older import Migrate, MigrateDual, MigrateProject
from tests.crash.plain import write_tree
from tests.crash.record import Op, Told
from tests.scanner.storage.formats.support import BERLIN, raspi, write

INTENT = "sessions/.migrating_"
MOST = 20  # trees a moment


class MigrateStrays(Migrate):
    """Beside what belongs to the scan there is a photo taken by hand, and what is no photo at all."""

    def make(self, sessions: Path) -> None:
        root = raspi(sessions, points=2)
        write(root / "manual_capture_camera_0.jpg", b"")
        write(root / "notes/of a person.txt", b"glaze is chipped")


def below(tree: Tree, folder: str) -> Tree:
    """What lies in a folder."""
    return {path: leaf for path, leaf in tree.items() if path.startswith(f"{folder}/")}


def under_way(recorded: Recorded, most: int) -> list[Cut]:
    """What cuts leave while something is said to be under way, at most ``most`` trees a moment."""
    chance = random.Random(1)  # noqa: S311 - it chooses states, not secrets
    return [cut for cut in cuts(recorded, most, chance) if intents(cut.tree)]


def intents(tree: Tree) -> list[str]:
    """What is said to be under way."""
    return [path for path in tree if path.startswith(INTENT)]


@pytest.mark.parametrize("kind", [Migrate, MigrateProject, MigrateDual, MigrateStrays])
async def test_what_was_migrated_is_durable_though_it_was_not_before(memory, monkeypatch, kind):
    monkeypatch.setattr(kind, "times", 1)
    recorded = await record(kind(), memory / "run")
    disk = Disk(recorded.before, loose=True)
    for entry in recorded.entries:
        if isinstance(entry.fact, Op):
            disk.apply(entry.fact)
    assert recorded.entries[-1].fact == Told("done", True)  # noqa: FBT003 - as it was told
    session = f"sessions/{recorded.scenario.session}"
    whole = below(disk.whole(), session)
    assert [path for path in whole if path.endswith(".jpg")]
    assert below(disk.worst(), session) == whole
    assert intents(disk.worst()) == []


async def test_who_looks_before_a_start_has_settled_it_finds_the_session_whole(memory):
    recorded = await record(MigrateDual(), memory / "run")
    session, photos = recorded.scenario.session, recorded.scenario.photos
    for number, cut in enumerate(under_way(recorded, MOST)):
        write_tree(cut.tree, memory / "cut")
        found = [(one.id, one.session.photos) for one in list_all(memory / "cut/sessions", BERLIN).found]
        assert found == [(session, photos)], f"{number}: {cut}"
        shutil.rmtree(memory / "cut")


async def test_what_a_start_finished_was_finished_for_good(memory):
    recorded = await record(Migrate(), memory / "run")
    last = [cut for cut in under_way(recorded, 1) if cut.state is not None][-1]
    start = await record(Start(recorded.scenario, last), memory / "start")
    assert intents(start.before)
    assert intents(disk_after(start).worst()) == []
