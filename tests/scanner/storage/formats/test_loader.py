"""One loader over all formats: what is listed, under which ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from msgspec import structs

from scanner.errors import ConflictError, NotFoundError
from scanner.storage.formats import Depth, current, format_of, info, list_all, load_any, load_legacy, loader, slug_of
from scanner.storage.formats.folder import read_plain
from scanner.storage.formats.loader import single_format
from tests.scanner.storage.formats.support import BERLIN, openscan, picture, raspi, write
from tests.scanner.storage.support import new_session


async def test_old_and_new_side_by_side(storage, place):
    handle = await storage.create_session(new_session())
    raspi(place.sessions)
    openscan(place.sessions)
    listing = list_all(place.data, BERLIN)
    assert {found.id: found.format for found in listing.found} == {
        handle.id: "current", "ceramic-owl": "openscan3", "2cbedbd0-97bb-405c-9afa-e7f7d5954f7a": "raspi_v2",
    }  # fmt: skip
    new = place.sessions / handle.id
    assert (format_of(new), info(new).id, load_any(new).session.format) == ("current", handle.id, "current")
    with pytest.raises(NotFoundError):
        load_legacy(new)


@pytest.mark.parametrize("ask", [info, load_any, load_legacy])
def test_no_session(tmp_path, ask):
    with pytest.raises(NotFoundError, match="there is no session"):
        ask(tmp_path)


def test_a_broken_document_without_a_directory_is_no_session(tmp_path):
    (tmp_path / "x").mkdir()
    assert list_all(tmp_path / "gone").found == list_all(tmp_path).found == ()


def test_what_is_hidden_linked_or_set_apart_is_not_listed(tmp_path):
    root = raspi(tmp_path / "sessions")
    for name in (".migrated_x", "trash", "exports"):
        raspi(tmp_path / "sessions", name)
    (tmp_path / "sessions/link").symlink_to(root, target_is_directory=True)
    raspi(tmp_path.joinpath("a", "b", "c", "d"))
    assert [found.paths for found in list_all(tmp_path).found] == [(root,)]


def test_ids_are_slugs_that_stay(tmp_path):
    names = ("Lego Car", "lego-car", "LEGO car", "玩具", "x" * 90)
    for name in names:
        write(tmp_path / name / "images/a.jpg", picture(1))
    ids = {found.paths[0].name: found.id for found in list_all(tmp_path, UTC).found}
    assert ids["lego-car"] == "lego-car"
    assert ids["LEGO car"].startswith("lego-car-")
    assert ids["Lego Car"].startswith("lego-car-")
    assert (ids["x" * 90], len(set(ids.values()))) == ("x" * 48, 5)
    assert ids["玩具"] == slug_of("玩具")
    assert ids == {found.paths[0].name: found.id for found in list_all(tmp_path, UTC).found}


def test_the_same_name_in_several_places(tmp_path):
    for below in ("a", "b", "c"):
        raspi(tmp_path / below, "one")
    ids = [found.id for found in list_all(tmp_path).found]
    assert ids[0] == "one"
    assert len(set(ids)) == 3


def test_a_glance_opens_no_photo_and_a_check_every_one(tmp_path):
    root = raspi(tmp_path)
    (root / "images/scan_point_000_camera_0.jpg").write_bytes(b"nonsense")
    glance = load_legacy(root, BERLIN, depth=Depth.GLANCE)
    assert (glance.record.session.photos, glance.checked, glance.zone) == (6, False, "Europe/Berlin")
    assert load_legacy(root).record.session.photos == 5
    assert load_legacy(root).zone == "UTC"


def test_a_look_names_everything_as_a_check_does_without_reading_a_photo_to_its_end(tmp_path):
    roots = [raspi(tmp_path / "a"), raspi(tmp_path / "b", "long", long=True), openscan(tmp_path / "c")]
    for root in roots:
        looked, checked = load_legacy(root, BERLIN, depth=Depth.LOOK), load_legacy(root, BERLIN)
        assert not looked.checked
        assert [part.document for part in looked.passes] != []
        for one, other in zip(looked.passes, checked.passes, strict=True):
            assert [replace(placed.picture, sha256="") for placed in one.placed] == [
                replace(placed.picture, sha256="") for placed in other.placed
            ]
            assert [placed.name for placed in one.placed] == [placed.name for placed in other.placed]
            assert structs.replace(one.document, rig=other.document.rig) == other.document
            assert one.info == other.info
    photo = roots[0] / "images/scan_point_000_camera_0.jpg"
    photo.write_bytes(photo.read_bytes()[:-20])
    assert load_legacy(roots[0], BERLIN, depth=Depth.LOOK).record.session.photos == 6
    assert load_legacy(roots[0], BERLIN).record.session.photos == 5
    photo.write_bytes(b"nonsense")
    (shot,) = [one for one in load_legacy(roots[0], BERLIN, depth=Depth.LOOK).passes[0].placed if one.shot == 1]
    assert (shot.picture.width, shot.picture.whole) == (0, True)


def test_a_photo_that_cannot_be_looked_at(tmp_path, monkeypatch):
    root = raspi(tmp_path)

    def refuse(path: Path, limit: int) -> bytes:
        if path.suffix == ".jpg":
            raise PermissionError(13, "Permission denied")
        return read_plain(path, limit)

    monkeypatch.setattr("scanner.storage.formats.pictures.read_plain", refuse)
    legacy = load_legacy(root, BERLIN, depth=Depth.LOOK)
    assert {flag.why for flag in legacy.flagged} == {"it cannot be read (Permission denied)"}


def test_a_folder_that_may_not_be_looked_into_is_passed_by(tmp_path, monkeypatch):
    """``/proc`` has such, and any disk that belongs to several people."""
    raspi(tmp_path)
    (tmp_path / "secret").mkdir()
    allowed = current.detect

    def detect(path: Path) -> bool:
        if path.name == "secret":
            raise PermissionError
        return allowed(path)

    monkeypatch.setitem(loader._DETECTORS, "current", detect)
    listing = list_all(tmp_path, BERLIN)
    assert [found.format for found in listing.found] == ["raspi_v2"]
    assert listing.unread == (tmp_path / "secret",)
    assert single_format(tmp_path / "secret") is None


def test_reading_asks_before_every_photo_whether_to_go_on(tmp_path):
    root, asked, message = raspi(tmp_path, points=2), 0, "the daemon is being stopped"

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise ConflictError(message)

    with pytest.raises(ConflictError):
        load_legacy(root, BERLIN, check=stop)
    assert asked == 3
