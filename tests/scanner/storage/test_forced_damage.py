"""A pass whose journal is damaged in the middle is taken by force, and the power goes at any moment of it."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from scanner.errors import StorageError
from scanner.model import SessionId
from scanner.storage.disk.layout import Layout
from scanner.storage.locks.lockfile import read_lock
from tests.scanner.storage.sharing import LOCAL, SHARE, daemon, other_host
from tests.scanner.storage.support import UPRIGHT, FailingFiles, new_session, save, working

SHARINGS = {"local": LOCAL, "share": SHARE}


@pytest.fixture(params=sorted(SHARINGS))
def sharing(request):
    return SHARINGS[request.param]


async def damaged(root: Path, sharing) -> tuple[Path, SessionId]:
    """A copy of the disk: three photos of four, the owner at work elsewhere, a line in the middle overwritten."""
    async with daemon(root, "one", sharing=sharing, host=other_host("owner")) as one:
        handle = await one.create_session(new_session())
        async with working(one, handle) as writer:
            for shot in writer.plan.shots[:3]:
                await save(writer, shot)
            copy = root / "cut"
            shutil.copytree(root / "data", copy / "data")
    journal = next((copy / "data").rglob("journal*.jsonl"))
    rows = journal.read_bytes().splitlines(keepends=True)
    rows[2] = rows[2][:50] + b"\0" * 20 + rows[2][70:]
    journal.write_bytes(b"".join(rows))
    return copy, handle.id


async def test_whenever_its_power_goes_every_photo_still_counts(tmp_path, sharing):
    """That of the damaged line, too: nobody can have written it who had lost the pass."""
    start, session_id = await damaged(tmp_path, sharing)
    for fails_at in itertools.count(1):
        files, root = FailingFiles(), tmp_path / str(fails_at)
        paths = Layout(root / "data", root).session(session_id).pass_(UPRIGHT)
        shutil.copytree(start, root)
        with suppress(StorageError):
            async with daemon(root, "two", sharing=sharing, host=other_host("two"), files=files) as two:
                await two.reconcile()
                files.arm(fails_at, for_good=True)
                with suppress(StorageError):
                    await two.locks.release(session_id, UPRIGHT, origin="cli", reason="it hangs")
        async with daemon(root, "two", sharing=sharing, host=other_host("two")) as again:
            await again.reconcile()
            if read_lock(paths.metadata).generation == 1:  # it was not taken
                await again.locks.release(session_id, UPRIGHT, origin="cli", reason="it hangs")
            handle = await again.handle(session_id)
            async with working(again, handle) as writer:
                assert [shot.index for shot in writer.remaining()] == [4]
            photos = await again.photos(session_id)
            assert [(photo.name, photo.measured.azimuth) for photo in photos] == [
                ("upright-00001-main.jpg", 5.01),
                ("upright-00002-main.jpg", 10.0),  # its line is gone: it decodes, the rest is what was planned
                ("upright-00003-main.jpg", 15.01),
            ]
            assert not (paths.images / ".orphans").exists()
        if not files.failed:
            break
    assert fails_at > 10
