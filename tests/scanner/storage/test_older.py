"""Looking into sessions of older formats: nothing but their own photos, and only as they were."""

from __future__ import annotations

import shutil

import pytest

from scanner.errors import (
    DamagedError,
    NotFoundError,
    PassNotFoundError,
    PhotoNotFoundError,
    SessionNotFoundError,
    StorageError,
)
from tests.scanner.storage.formats.support import (
    IMAGES,
    WEB,
)
from tests.scanner.storage.oldsessions import (
    OWL,
    running,
    small_dual,
    small_project,
)


async def test_a_photo_that_is_gone_changed_or_a_link_is_not_shown(place):
    small_project(place.sessions)
    photo = place.sessions / "Ceramic Owl/scan01/scan01_001.jpg"
    async with running(place) as storage:
        (shown,) = await storage.photos(OWL)
        photo.write_bytes(b"short")
        with pytest.raises(DamagedError, match="5 bytes"):
            await storage.photo_file(OWL, shown.name)
        photo.unlink()
        with pytest.raises(PhotoNotFoundError):
            await storage.photo_file(OWL, shown.name)
        photo.symlink_to("/etc/hostname")
        with pytest.raises(PhotoNotFoundError):
            await storage.photo_file(OWL, shown.name)
        for name in ("../../../etc/passwd", "scan01-00002-imx519.jpg", "scan01_001.jpg"):
            with pytest.raises(PhotoNotFoundError):
                await storage.photo_file(OWL, name)
        with pytest.raises(PassNotFoundError):
            await storage.shots(OWL, "scan09")
        with pytest.raises(NotFoundError):
            await storage.session_files(OWL, "..")


async def test_files_of_a_scan_in_two_folders_are_told_apart(place):
    session_id = small_dual(place.sessions)
    async with running(place) as storage:
        files = await storage.session_files(session_id)
        assert {file.name.split("/")[0] for file in files} == {WEB, IMAGES}
        shutil.rmtree(place.sessions / IMAGES)
        with pytest.raises((StorageError, SessionNotFoundError)):
            await storage.session_files(session_id)
