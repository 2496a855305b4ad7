"""Directories under construction, also where directories cannot be locked."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable

import pytest

from scanner.storage import Files, Sharing
from scanner.storage.disk.claims import claimed, sweep, unclaimed
from tests.scanner.storage.support import Place, names, new_session


def refusing(number: int) -> Callable[[int, int], None]:
    def flock(descriptor: int, how: int) -> None:  # noqa: ARG001 - as the real one
        raise OSError(number, os.strerror(number))

    return flock


def test_what_is_claimed_is_not_swept_away(tmp_path):
    with claimed(Files(), tmp_path / ".new-1"):
        with unclaimed(tmp_path / ".new-1") as free:
            assert not free
        sweep(Files(), tmp_path)
        assert names(tmp_path) == [".new-1"]
    with unclaimed(tmp_path / ".new-1") as free:
        assert free
    sweep(Files(), tmp_path)
    assert names(tmp_path) == []
    with unclaimed(tmp_path / ".new-1") as free:
        assert not free


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOLCK])
async def test_a_share_that_cannot_lock_directories(tmp_path, monkeypatch, number):
    """Sessions are made, deleted and purged there all the same; nothing is swept away: nobody can tell who builds."""
    place = Place(tmp_path)
    real = fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refusing(number)(descriptor, how)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    async with place.storage(sharing=Sharing(shared=True)) as storage:
        (place.sessions / ".new-left").mkdir()
        handle = await storage.create_session(new_session())
        await storage.reconcile()
        await storage.trash.delete(handle.id, origin="cli")
        await storage.trash.purge(None)
        assert await storage.trash.list() == ()
        assert ".new-left" in names(place.sessions)


def test_another_error_of_the_disk_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr("scanner.storage.disk.claims.fcntl.flock", refusing(errno.EIO))
    (tmp_path / ".gone-1").mkdir()
    with pytest.raises(OSError, match="Input/output error"):
        sweep(Files(), tmp_path)
