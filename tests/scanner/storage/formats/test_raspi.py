"""The predecessor's sessions with each oddity that ``FORMATS.md`` names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.model import Viewpoint
from scanner.states import PassState
from scanner.storage.formats import Depth, Flag, format_of, list_all, load_legacy
from scanner.storage.formats.folder import open_plain
from scanner.storage.formats.passes import usable_name
from tests.scanner.storage.formats.support import (
    BEGUN,
    BERLIN,
    EPOCH,
    PLAIN,
    add_photo,
    flags,
    load,
    photos_of,
    picture,
    raspi,
    state_file,
    write,
)


@pytest.fixture
def sessions(tmp_path):
    return tmp_path / "sessions"


def only(legacy):
    (part,) = legacy.passes
    return part


@pytest.mark.parametrize("long", [False, True])
def test_a_finalised_session(sessions, long):
    root = raspi(sessions, long=long, session={"status": "completed", "end_time": EPOCH + 40, "total_files": 29})
    legacy = load(root)
    part, session = only(legacy), legacy.record.session
    assert (session.title, session.state, session.photos, flags(legacy)) == ("Blue vase", PassState.COMPLETED, 6, [])
    assert (session.operator, session.notes, session.format) == ("Web Interface User", "Cylindrical scan", "raspi_v2")
    assert (part.planned_points, part.whole, part.info.shots, part.info.duration_s) == (3, 6, 6, 38.14)
    assert legacy.created.at == datetime.fromtimestamp(EPOCH, UTC)
    assert legacy.created.naive is None
    photo = photos_of(legacy)[3]
    assert (photo.name, photo.camera, photo.exposure_us, photo.gain) == (
        "images-00004-camera-1.jpg",
        "camera-1",
        32746,
        8.0,
    )
    assert (photo.azimuth, photo.elevation, photo.measured) == (60.0, 20.0, Viewpoint(60.0, 20.0))
    assert photo.taken_at == "2025-10-12T12:03:24.284Z"
    assert part.document.rig.cameras[0].model == ("64MP" if long else "")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("completed", PassState.COMPLETED), ("cancelled", PassState.CANCELLED), ("failed", PassState.FAILED),
        ("running", PassState.PAUSED), ("paused", PassState.PAUSED), ("interrupted", PassState.PAUSED),
        ("error", PassState.PAUSED), ("no such word", PassState.PAUSED), ("pending", PassState.PAUSED),
    ],
)  # fmt: skip
def test_a_session_that_was_never_finalised_has_the_state_of_its_scan(sessions, word, state):
    legacy = load(raspi(sessions, state=word, photos=3))
    assert (legacy.record.session.state, only(legacy).info.saved, only(legacy).info.shots) == (state, 3, 6)


def test_the_report_tells_more_than_the_state_and_active_means_nothing(sessions):
    root = raspi(sessions, state="running", session={"status": "active"})
    write(root / f"{PLAIN}_report.json", {"status": "completed", "elapsed_time": 40.5, "errors": 0})
    assert (only(load(root)).said, only(load(root)).info.duration_s) == ("completed", 40.5)


def test_a_scan_killed_at_point_0_has_the_photos_that_are_there(sessions):
    legacy = load(raspi(sessions, state="running", photos=5, points=8))
    part = only(legacy)
    assert (part.info.state, part.info.pause.reason, part.planned_points) == (PassState.PAUSED, "interrupted", 8)
    assert (part.info.saved, part.info.shots) == (5, 16)


@pytest.mark.parametrize(("photos", "state"), [(None, PassState.COMPLETED), (4, PassState.PAUSED)])
def test_without_any_word_the_photos_tell_whether_it_is_done(sessions, photos, state):
    legacy = load(raspi(sessions, state=None, photos=photos))
    assert legacy.record.session.state is state


def test_a_pass_that_nobody_began(sessions):
    legacy = load(raspi(sessions, state="pending", photos=0))
    assert (only(legacy).info.state, only(legacy).lines, only(legacy).info.shots) == (PassState.PLANNED, (), 3)


def test_a_missing_document_costs_little(sessions):
    legacy = load(raspi(sessions, session=None))
    assert legacy.record.session.title == "Name in the state"
    assert (legacy.created.naive, legacy.created.text) == (BEGUN.isoformat(), "2025-10-12T12:03:11.284Z")
    assert [note.text for note in legacy.notes] == ["it is missing"]


def test_the_index_gives_title_and_time_where_nothing_else_does(sessions):
    root = raspi(sessions, session=None, state=None)
    entry = {"scan_name": "From the index", "start_time": EPOCH, "status": "active", "total_files": 0}
    write(sessions.parent / "metadata/sessions_index.json", {root.name: entry})
    legacy = load(root)
    assert (legacy.record.session.title, legacy.record.session.photos) == ("From the index", 6)
    assert legacy.created.at == datetime.fromtimestamp(EPOCH, UTC)


@pytest.mark.parametrize("content", [b"", b"{not json", {"another": {}, "and": 3}])
def test_a_stale_or_broken_index_takes_nothing_away(sessions, content):
    raspi(sessions)
    write(sessions.parent / "metadata/sessions_index.json", content)
    for directory in (sessions, sessions.parent):
        listing = list_all(directory, BERLIN)
        assert [found.session.photos for found in listing.found] == [6]
        assert listing.flagged or [note.file for note in listing.notes] == ["metadata/sessions_index.json"] * 2


def test_checksums_that_are_wrong_missing_or_no_checksums(sessions):
    root = raspi(sessions, points=4, photos=0)
    add_photo(root, 0, 0, checksum="0" * 64)
    add_photo(root, 0, 1, checksum=None)
    add_photo(root, 1, 0, checksum=None, file_size=1)
    add_photo(root, 1, 1, checksum="not a checksum", created_at="2025-10-12T14:03:22")
    add_photo(root, 2, 0, sidecar=None)
    legacy = load(root)
    assert [(flag.file[19:21], flag.flag.value) for flag in sorted(legacy.flagged, key=lambda flag: flag.file)] == [
        ("00", "damaged"), ("00", "unverified"), ("01", "unverified"), ("01", "unverified"), ("02", "unregistered"),
    ]  # fmt: skip
    assert (only(legacy).whole, only(legacy).info.saved) == (4, 4)
    assert "another size" in " ".join(flag.why for flag in legacy.flagged)
    assert legacy.record.session.damage[0].endswith("is damaged: it does not match its checksum")
    assert legacy.record.session.damage[1:] == ("1 files are unregistered", "3 files are unverified")


def test_photos_that_are_empty_cut_off_or_no_pictures(sessions):
    root = raspi(sessions, photos=0)
    for index, data in enumerate((b"", picture(7)[:-200], b"\xff\xd8 no picture")):
        path = add_photo(root, index, 0, checksum=None)
        path.write_bytes(data)
    legacy = load(root)
    assert {flag.flag for flag in legacy.flagged} == {Flag.DAMAGED}
    assert (only(legacy).info.saved, len(only(legacy).placed), only(legacy).info.shots) == (0, 3, 3)
    assert load(root, depth=Depth.GLANCE).record.session.photos == 2


def test_a_photo_that_is_cut_off_although_its_checksum_fits(sessions):
    root = raspi(sessions, photos=0)
    cut = picture(3)[:-100]
    add_photo(root, 0, 0, checksum=hashlib.sha256(cut).hexdigest()).write_bytes(cut)
    assert flags(load(root)) == [("images/scan_point_000_camera_0.jpg", "damaged")]


def test_a_promised_photo_that_is_not_there(sessions):
    root = raspi(sessions)
    (root / "images/scan_point_001_camera_0.jpg").unlink()
    legacy = load(root)
    assert flags(legacy) == [("images/scan_point_001_camera_0.jpg", "missing")]
    assert (only(legacy).info.saved, only(legacy).info.shots, only(legacy).info.state) == (5, 6, PassState.COMPLETED)


def test_a_path_is_never_followed(sessions, tmp_path):
    """Neither upwards, nor through links, nor to another home: a photo is found by its name in the folder alone."""
    outside = write(tmp_path / "outside/secret.jpg", picture(1))
    root = raspi(sessions, photos=1)
    add_photo(root, 1, 0, filename="../../../outside/secret.jpg")
    add_photo(root, 1, 1, filename=None, file_path="C:\\scans\\scan_point_001_camera_1.jpg")
    add_photo(root, 2, 0).unlink()
    (root / "images/scan_point_002_camera_0.jpg").symlink_to(outside)
    add_photo(root, 2, 1, filename="..")
    (root / "more").symlink_to(outside.parent, target_is_directory=True)
    legacy = load(root)
    told = {flag.file: flag for flag in legacy.flagged}
    assert told["images/secret.jpg"].flag is Flag.MISSING
    assert "not followed" in told["images/scan_point_002_camera_0.jpg"].why
    assert told["images/scan_point_001_camera_0.jpg"].flag is Flag.UNREGISTERED
    noted = {note.file: note.text for note in legacy.notes}
    assert noted["more"] == "it is a link or no file; it was not followed"
    assert noted["metadata/f5_metadata.json"] == "it names no file"
    assert all(root in placed.picture.path.parents for placed in only(legacy).placed)
    assert "outside/secret.jpg" not in str([placed.picture.path for placed in only(legacy).placed])


def test_photos_in_the_root_as_the_documents_have_it(sessions):
    root = raspi(sessions, photos=0)
    for index in range(3):
        write(root / f"scan_point_{index:03}_cam{index % 2}.jpg", picture(index))
    write(root / "camera_positions_full.json", {"any": 1})
    write(root / "camera_positions_meshroom.txt", b"text")
    write(root / "xmp_sidecar_files/scan_point_000_cam0.xmp", b"<x/>")
    write(root / "exports/scan_point_000_cam0.jpg", picture(9))
    legacy = load(root)
    assert (only(legacy).whole, {flag.flag for flag in legacy.flagged}) == (3, {Flag.UNVERIFIED})
    assert sorted(name for _, name in legacy.others) == [
        "camera_positions_full.json", "camera_positions_meshroom.txt", "exports/scan_point_000_cam0.jpg",
        "xmp_sidecar_files/scan_point_000_cam0.xmp",
    ]  # fmt: skip


def test_two_files_for_one_shot_both_count(sessions):
    root = raspi(sessions)
    write(root / "scan_point_000_cam0.jpg", picture(77))
    part = only(load(root))
    assert (part.info.shots, part.info.saved) == (7, 7)


def test_several_sidecars_for_one_file(sessions):
    root = raspi(sessions, photos=1)
    first = json.loads((root / "metadata/f0_metadata.json").read_text())
    write(root / "metadata/e_metadata.json", first | {"created_at": "2025-10-12T14:00:00", "checksum": "0" * 64})
    write(
        root / "metadata/g_metadata.json", first | {"filename": "x_scan_positions.json", "data_type": "scan_metadata"}
    )
    legacy = load(root)
    assert flags(legacy) == [("x_scan_positions.json", "missing")]
    assert "the later one counts" in legacy.notes[0].text


def test_manual_captures_have_no_plan(sessions):
    root = raspi(sessions, title="Manual Flash Capture 14:03", photos=0, positions=False, state=None)
    for camera in range(2):
        data = picture(camera)
        write(root / "images" / f"manual_capture_camera_{camera}.jpg", data)
        write(root / "metadata" / f"m{camera}_metadata.json", {
            "filename": f"manual_capture_camera_{camera}.jpg", "data_type": "raw_image", "checksum": None,
            "scan_point_id": f"manual_point_{camera}", "camera_id": f"camera_{camera}", "metadata": {},
        })  # fmt: skip
    part = only(load(root))
    assert (part.planned_points, part.whole, part.info.state) == (None, 2, PassState.COMPLETED)
    assert part.document.spec.cameras == ("camera-0", "camera-1")


def test_a_folder_without_documents_and_photos(sessions):
    name = "Blue_vase_20251012_140311"
    write(sessions / name / f"{name}_state.json", b"{}")
    legacy = load(sessions / name)
    assert (legacy.id, legacy.record.session.title) == ("blue-vase-20251012-140311", "Blue vase")
    assert (legacy.created.naive, legacy.passes) == ("2025-10-12T14:03:11", ())


@pytest.mark.parametrize("name", ["Vase_20259912_140311", "Vase"])
def test_a_folder_that_tells_no_time(sessions, name):
    write(sessions / name / "images/scan_point_000_camera_0.jpg", picture(1))
    legacy = load(sessions / name)
    assert legacy.created is None
    assert legacy.record.session.created_at == "1970-01-01T00:00:00.000Z"
    assert photos_of(legacy)[0].azimuth == 0.0


def test_the_oldest_data_lies_beside_its_state(tmp_path):
    name = "web_scan_20250801_101010"
    root = tmp_path / "scans" / name
    write(root / f"{name}_state.json", state_file(name, "running", 3))
    for index in range(2):
        write(root / f"scan_{name}_point_{index:04}_20250801_1010{index}_camera_1.jpg", picture(index))
    legacy = load(root)
    assert (only(legacy).whole, only(legacy).planned_points, only(legacy).info.shots) == (2, 3, 2)
    assert [placed.picture.point for placed in only(legacy).placed] == [0, 1]
    assert only(legacy).document.spec.cameras == ("camera-1",)


def test_points_without_a_place_and_far_too_many(sessions):
    root = raspi(sessions, positions=False, photos=2)
    write(root / "x_scan_positions.json", {"scan_info": {"total_points": 20_000}, "scan_positions": "none"})
    assert (only(load(root)).planned_points, only(load(root)).info.shots) == (20_000, 2)
    items = [{"point_index": index, "position": {"z": 999.0, "c": 200.0}} for index in range(10_001)]
    write(root / "x_scan_positions.json", {"scan_positions": items})
    part = only(load(root))
    assert part.info.shots == 20_000
    assert part.document.plan.shots[8].viewpoint == Viewpoint(279.0, -90.0)


def test_unknown_fields_survive(sessions):
    root = raspi(sessions, session={"invented": {"deep": [1, None]}})
    assert load(root).documents[root.name]["metadata/session.json"]["invented"] == {"deep": [1, None]}


def test_what_is_left_over_from_a_cut_off_write_is_noted(sessions):
    root = raspi(sessions)
    write(root / "metadata/.tmp_1.json", b"{")
    assert [note.file for note in load(root).notes] == ["metadata/.tmp_1.json"]


def test_a_folder_that_cannot_be_listed_is_noted(sessions):
    root = raspi(sessions)
    deep = root.joinpath(*"abcdefghij")
    deep.mkdir(parents=True)
    assert load(root).notes[0].text == "directories this deep are not looked into"
    shutil.rmtree(root / "a")


def test_what_the_disk_refuses_is_noted(sessions, monkeypatch):
    root = raspi(sessions, photos=2)
    os.mkfifo(root / "pipe")
    write(root / "locked/any.txt", b"")
    scandir, open_ = os.scandir, os.open

    def refuse(path, *rest):
        if Path(path).name in {"locked", "f0_metadata.json", "scan_point_000_camera_1.jpg"}:
            raise PermissionError(13, "Permission denied")
        return open_(path, *rest) if rest else scandir(path)

    monkeypatch.setattr("scanner.storage.formats.folder.os.scandir", refuse)
    monkeypatch.setattr("scanner.storage.formats.folder.os.open", refuse)
    legacy = load_legacy(root, BERLIN)
    assert {(note.file, note.text) for note in legacy.notes} >= {
        ("locked", "the directory cannot be read (Permission denied)"),
        ("pipe", "it is a link or no file; it was not followed"),
    }
    assert {(flag.file, flag.why) for flag in legacy.flagged} >= {
        ("metadata/f0_metadata.json", "it cannot be read (Permission denied)"),
        ("images/scan_point_000_camera_1.jpg", "it cannot be read (Permission denied)"),
    }


def test_a_link_is_never_opened(sessions):
    root = raspi(sessions)
    (root / "link").symlink_to(root / "metadata/session.json")
    os.mkfifo(root / "pipe")
    for name in ("link", "pipe", "metadata"):
        with pytest.raises(OSError, match=r"no plain file|symbolic links"):
            open_plain(root / name)


def test_a_picture_that_is_too_large_is_not_decoded(sessions, monkeypatch):
    monkeypatch.setattr("scanner.storage.formats.pictures.MOST_PIXELS", 100)
    root = raspi(sessions, photos=1)
    add_photo(root, 1, 0, checksum=None)
    assert [(flag.flag.value, flag.why) for flag in load(root).flagged] == [
        ("unverified", "it is too large to be checked")
    ]


def test_other_pictures_are_kept_but_do_not_count(sessions):
    root = raspi(sessions, photos=2)
    write(root / "images/scan_point_002_camera_0.dng", b"raw")
    data = json.loads((root / "metadata/f0_metadata.json").read_text())
    write(root / "metadata/r_metadata.json", data | {"filename": "scan_point_002_camera_0.dng"})
    assert flags(load(root)) == [("images/scan_point_002_camera_0.dng", "unverified")]


def test_a_current_session_is_none_of_these(tmp_path):
    write(tmp_path / "a/metadata/session.json", {"format": "scanner-session"})
    assert format_of(tmp_path / "a") == "current"
    (tmp_path / "b/metadata/passes").mkdir(parents=True)
    assert format_of(tmp_path / "b") == "current"
    assert format_of(tmp_path / "none") is None


def test_a_title_like_our_own_word_deceives_nobody(sessions):
    root = raspi(sessions, title="scanner-session")
    assert (format_of(root), load(root).record.session.title) == ("raspi_v2", "scanner-session")
    write(root / "metadata/session.json", b'"scanner-session"')
    assert (format_of(root), load(root).record.session.photos) == ("raspi_v2", 6)


def test_a_report_alone_tells_how_many_points_there_were(sessions):
    root = raspi(sessions, positions=False, state=None, photos=2)
    write(root / "x_report.json", {"total_points": 4, "status": "interrupted"})
    part = only(load(root))
    assert (part.planned_points, part.info.shots, part.info.state) == (4, 2, PassState.PAUSED)


def test_parameters_alone_tell_how_many_points_there_were(sessions):
    root = raspi(sessions, positions=False, state=None, photos=2, session={"scan_parameters": {"total_points": 3}})
    assert only(load(root)).planned_points == 3


@pytest.mark.parametrize(
    ("text", "name"), [("12345", "n12345"), ("a-12345-b", "na12345b"), ("Main Camera", "main-camera"), ("!", "default")]
)
def test_names_that_photo_names_can_carry(text, name):
    assert usable_name(text, "default") == name


def test_room_that_a_copy_needs(sessions):
    root = raspi(sessions)
    assert load(root).bytes == sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
