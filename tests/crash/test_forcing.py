"""What is only seen where a cut is not followed by a start: a share may lose power while who uses it goes on."""

from __future__ import annotations

import random

import pytest

from scanner.storage import Sharing
from scanner.storage.disk.layout import generation_of
from scanner.storage.locks.lockfile import LockRecord, _decode
from tests.crash.cuts import cuts, record
from tests.crash.disk import Leaf, Tree
from tests.crash.forcing import ForceOnShare, TakeOnShare
from tests.crash.scanning import Scan

MOST = 20  # trees a moment


class ScanOnShare(Scan):
    """The lock of a pass that nobody had before is of the first generation; each further taking is another one."""

    def __init__(self) -> None:
        super().__init__(options={"sharing": Sharing(shared=True)})


def locks(tree: Tree) -> dict[int, LockRecord | None]:
    """The locks of the only pass, by generation; None for one that cannot be read."""
    found = {path.rpartition("/.session.lock.")[2]: leaf for path, leaf in tree.items() if isinstance(leaf, Leaf)}
    return {int(number): _decode(leaf.content.data) for number, leaf in found.items() if number.isdecimal()}


@pytest.mark.parametrize("kind", [ForceOnShare, TakeOnShare, ScanOnShare])
async def test_a_lock_under_which_a_photo_was_announced_lasts_whole_on_a_share(memory, kind):
    recorded = await record(kind(), memory / "run")
    chance = random.Random(1)  # noqa: S311 - it chooses states, not secrets
    looked_at = 0
    for cut in cuts(recorded, MOST, chance):
        held = {generation_of(photo.name) for photo in cut.heard.all("photo")}
        whole = {generation for generation, found in locks(cut.tree).items() if found is not None}
        assert held <= whole, str(cut)
        looked_at += bool(held)
    assert looked_at
