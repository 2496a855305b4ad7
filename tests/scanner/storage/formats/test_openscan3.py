"""OpenScan3's projects with each oddity that ``FORMATS.md`` names."""

from __future__ import annotations

import json

import pytest

from scanner.states import PassState
from scanner.storage.formats import Depth, Flag, list_all
from tests.scanner.storage.formats.support import BERLIN, flags, load, openscan, photos_of, picture, write


def change(path, **fields):
    write(path, json.loads(path.read_text()) | fields)


def test_a_whole_project(tmp_path):
    legacy = load(openscan(tmp_path))
    session = legacy.record.session
    assert (legacy.id, session.title, session.notes, session.state) == (
        "ceramic-owl", "Ceramic Owl", "on the shelf", PassState.COMPLETED,
    )  # fmt: skip
    assert (legacy.created.naive, session.created_at) == ("2026-02-14T16:20:05.120450", "2026-02-14T15:20:05.120Z")
    assert [(part.label, part.info.saved, part.planned_points) for part in legacy.passes] == [
        ("scan01", 4, 4),
        ("scan02", 4, 4),
    ]
    assert (flags(legacy), legacy.notes) == ([], ())
    assert [name for _, name in legacy.others] == ["thumbnail.jpg"]


def test_shots_stand_in_the_order_of_execution_and_photos_carry_the_original_step(tmp_path):
    legacy = load(openscan(tmp_path, scans=1))
    (part,) = legacy.passes
    assert [placed.picture.file for placed in part.placed] == [f"scan01/scan01_{step:03}.jpg" for step in (3, 2, 1, 0)]
    assert [placed.shot for placed in part.placed] == [1, 2, 3, 4]
    first = part.document.plan.shots[0]
    assert (first.viewpoint.azimuth, first.viewpoint.elevation) == (120.0, 57.0)
    photo = photos_of(legacy)[0]
    assert (photo.name, photo.exposure_us, photo.taken_at) == (
        "scan01-00001-imx519.jpg",
        49998,
        "2026-02-14T15:21:05.000Z",
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("pending", PassState.PAUSED), ("running", PassState.PAUSED), ("paused", PassState.PAUSED),
        ("completed", PassState.COMPLETED), ("cancelled", PassState.CANCELLED), ("error", PassState.PAUSED),
        ("interrupted", PassState.PAUSED),
    ],
)  # fmt: skip
def test_states(tmp_path, word, state):
    assert load(openscan(tmp_path, scans=1, status=word, photos=2)).record.session.state is state


def test_a_kill_leaves_an_empty_photo_and_temporary_files(tmp_path):
    root = openscan(tmp_path, scans=1, status="running", photos=2)
    write(root / "scan01/scan01_001.jpg", b"")
    write(root / "scan01/.tmp_ab.json", b"{")
    legacy = load(root)
    assert flags(legacy) == [("scan01/scan01_001.jpg", "damaged")]
    assert (legacy.passes[0].info.saved, legacy.passes[0].info.shots, legacy.passes[0].planned_points) == (2, 4, 4)
    assert [note.file for note in legacy.notes] == ["scan01/.tmp_ab.json"]


def test_deleted_photos_are_no_damage_but_listed_ones_are_missing(tmp_path):
    root = openscan(tmp_path, scans=1, photos=3)
    assert flags(load(root)) == []
    assert load(root).record.session.state is PassState.COMPLETED
    (root / "scan01/scan01_003.jpg").unlink()
    change(
        root / "scan01/scan.json", photos=["scan01_003.jpg", "scan01_002.jpg", "scan01_001.jpg", "a.npy", "../x.jpg"]
    )
    assert flags(load(root)) == [
        ("scan01/a.npy", "missing"), ("scan01/scan01_003.jpg", "missing"), ("scan01/x.jpg", "missing"),
    ]  # fmt: skip


def test_links_are_not_followed(tmp_path):
    outside = write(tmp_path / "outside.jpg", picture(1))
    root = openscan(tmp_path / "projects", scans=1)
    (root / "scan01/scan01_002.jpg").unlink()
    (root / "scan01/scan01_002.jpg").symlink_to(outside)
    legacy = load(root)
    assert "not followed" in legacy.flagged[0].why
    assert legacy.passes[0].info.saved == 3


def test_photos_in_no_list(tmp_path):
    root = openscan(tmp_path, scans=1, photos=2)
    write(root / "scan01/scan01_001.jpg", picture(1))
    assert flags(load(root)) == [("scan01/scan01_001.jpg", "unregistered")]
    (root / "scan01/scan.json").write_bytes(b"{")
    legacy = load(root)
    assert {flag.flag for flag in legacy.flagged} == {Flag.DAMAGED, Flag.UNVERIFIED}
    assert (legacy.passes[0].info.saved, legacy.passes[0].info.state) == (3, PassState.PAUSED)
    assert legacy.passes[0].document.spec.cameras == ("camera",)


def test_focus_stacks_and_their_results(tmp_path):
    root = openscan(tmp_path, scans=1, points=2, stacks=3)
    write(root / "scan01/stacked/stacked_scan01_001.jpg", picture(5))
    names = json.loads((root / "scan01/scan.json").read_text())["photos"]
    change(root / "scan01/scan.json", photos=[*names, "stacked_scan01_001.jpg"])
    legacy = load(root)
    (part,) = legacy.passes
    assert (flags(legacy), part.info.shots, part.info.saved) == ([], 6, 6)
    assert part.document.spec.camera.focus_steps == (10.0, 12.5, 15.0)
    assert part.placed[1].name == "scan01-00002-imx519_f1.jpg"
    assert ("scan01/stacked/stacked_scan01_001.jpg") in [name for _, name in legacy.others]
    change(root / "scan01/scan.json", settings={"focus_stacks": 3, "focus_range": "near"})
    assert load(root).passes[0].document.spec.camera.focus_steps is None


def test_raw_files_are_kept_but_do_not_count(tmp_path):
    root = openscan(tmp_path, scans=1, photos=2)
    write(root / "scan01/scan01_001.dng", b"raw")
    write(root / "scan01/scan01_000.npy", b"")
    legacy = load(root)
    assert flags(legacy) == [("scan01/scan01_000.npy", "damaged"), ("scan01/scan01_001.dng", "unverified")]
    assert len(legacy.others) == 3


def test_a_missing_project_file_and_a_listed_scan_that_is_not_there(tmp_path):
    root = openscan(tmp_path, project=None)
    legacy = load(root)
    assert (legacy.record.session.title, legacy.created.naive) == ("Ceramic Owl", "2026-02-14T16:21:05")
    assert [note.text for note in legacy.notes] == ["it is missing"]
    other = openscan(tmp_path, "Other", scans=1, project={"scans": {"scan01": {}, "scan09": {}}, "name": "Renamed"})
    assert sorted(note.text for note in load(other).notes) == [
        "it lists scan09, which is not there", "the folder is not named like the project, 'Renamed'",
    ]  # fmt: skip


def test_missing_documents_of_a_scan(tmp_path):
    root = openscan(tmp_path, scans=1)
    (root / "scan01/scan.json").unlink()
    (root / "scan01/path.json").unlink()
    legacy = load(root)
    assert (legacy.passes[0].info.saved, legacy.passes[0].planned_points) == (4, None)
    assert legacy.record.session.state is PassState.COMPLETED
    assert photos_of(legacy)[0].elevation in {57.0, 58.0, 59.0, 60.0}


def test_odd_points_and_strange_names(tmp_path):
    root = openscan(tmp_path, scans=1)
    write(root / "scan01/path.json", {"points": [{"polar": {"theta": "up"}}, {"original_step": 7, "polar": {}}, 3]})
    write(root / "scan01/odd name.jpg", picture(3))
    legacy = load(root)
    assert (legacy.passes[0].info.shots, legacy.passes[0].info.saved) == (5, 5)
    assert "points is no list of objects" in {note.text for note in legacy.notes}


def test_a_project_known_by_its_photos_alone(tmp_path):
    write(tmp_path / "x/scan01/scan01_000.jpg", picture(1))
    (found,) = list_all(tmp_path, BERLIN).found
    assert (found.format, found.session.photos, found.session.title) == ("openscan3", 1, "x")
    assert load(tmp_path / "x", depth=Depth.GLANCE).checked is False
