"""One scan in two folders: put together where an id links them, asked where only title and time agree."""

from __future__ import annotations

import shutil
from pathlib import Path

from scanner.states import PassState
from scanner.storage.formats import format_of, info, list_all, load_any, load_legacy, merged_order
from tests.scanner.storage.formats.support import (
    BERLIN,
    EPOCH,
    IMAGES,
    PLAIN,
    WEB,
    add_photo,
    dual,
    raspi,
    state_file,
    tree_hash,
    write,
)


def test_linked_halves_are_one_session_whichever_is_asked_for(tmp_path):
    web, images = dual(tmp_path)
    before = tree_hash(tmp_path)
    for root in (web, images):
        assert format_of(root) == "raspi_v2_dual"
        assert info(root, BERLIN).photos == 6
        legacy = load_legacy(root, BERLIN)
        assert [folder.root for folder in legacy.folders] == [web, images]
        assert (legacy.id, legacy.created.at.timestamp(), legacy.flagged) == (WEB, EPOCH, ())
        assert (legacy.record.session.state, legacy.record.session.operator) == (
            PassState.COMPLETED,
            "Web Interface User",
        )
    (found,) = list_all(tmp_path, BERLIN).found
    assert (found.id, found.format, found.paths) == (WEB, "raspi_v2_dual", (web, images))
    assert load_any(web, BERLIN).session.photos == 6
    assert tree_hash(tmp_path) == before


def test_a_file_name_alone_is_a_link(tmp_path):
    web, images = dual(tmp_path)
    write(images / "metadata/session.json", {"session_id": IMAGES, "scan_name": "other"})
    assert format_of(images) == "raspi_v2_dual"
    (images / f"metadata/{WEB}_scan_positions.json").unlink()
    assert [format_of(root) for root in (web, images)] == ["raspi_v2", "raspi_v2"]


def test_a_folder_that_was_renamed_is_found_by_the_id_in_its_document(tmp_path):
    web, images = dual(tmp_path)
    renamed = web.rename(tmp_path / "renamed by hand")
    (found,) = list_all(tmp_path, BERLIN).found
    assert (found.id, found.paths) == ("renamed-by-hand", (renamed, images))


def test_two_folders_with_photos_that_name_the_same_documents_are_a_question(tmp_path):
    web, images = dual(tmp_path)
    third = raspi(
        tmp_path, "third", photos=0, state=None, session={"scan_parameters": {"scan_id": WEB}}, positions=False
    )
    add_photo(third, 0, 0)
    listing = list_all(tmp_path, BERLIN)
    assert {found.id: (found.session.photos, len(found.paths)) for found in listing.found} == {
        WEB: (0, 1),
        IMAGES: (6, 1),
        "third": (1, 1),
    }
    assert {(question.first, question.second) for question in listing.questions} == {(web, images), (web, third)}
    assert {"are they one scan?" in question.text for question in listing.questions} == {True}
    assert [format_of(root) for root in (web, images, third)] == ["raspi_v2"] * 3


def counted(root: Path) -> dict[tuple[str, ...], int]:
    """How many photos the session in these folders has, for all below ``root``."""
    found = list_all(root, BERLIN).found
    return {tuple(path.relative_to(root).as_posix() for path in one.paths): one.session.photos for one in found}


def test_a_copy_of_the_photos_is_a_session_of_its_own(tmp_path):
    web, images = dual(tmp_path)
    shutil.copytree(images, tmp_path / f"{IMAGES} backup")
    before = tree_hash(tmp_path)
    assert counted(tmp_path) == {(WEB, IMAGES): 6, (f"{IMAGES} backup",): 6}
    assert format_of(web) == format_of(images) == "raspi_v2_dual"
    copied = load_legacy(tmp_path / f"{IMAGES} backup", BERLIN)
    assert (copied.format, copied.record.session.photos) == ("raspi_v2", 6)
    assert "not put together" in next(note.text for note in copied.notes)
    assert list_all(tmp_path, BERLIN).questions == ()
    assert tree_hash(tmp_path) == before


def test_a_copy_of_the_documents_stays_alone(tmp_path):
    web, _ = dual(tmp_path)
    shutil.copytree(web, tmp_path / f"{WEB} backup")
    assert counted(tmp_path) == {(WEB, IMAGES): 6, (f"{WEB} backup",): 0}
    assert list_all(tmp_path, BERLIN).questions == ()


def test_copies_that_cannot_be_told_from_the_half_are_asked_about(tmp_path):
    web, images = dual(tmp_path)
    (images / "metadata/session.json").unlink()
    copied = shutil.copytree(images, tmp_path / "copy")
    assert counted(tmp_path) == {(WEB,): 0, (IMAGES,): 6, ("copy",): 6}
    asked = list_all(tmp_path, BERLIN).questions
    assert {(question.first, question.second) for question in asked} == {(web, images), (web, copied)}


def test_documents_of_which_none_bears_its_own_name_are_asked_about(tmp_path):
    web, images = dual(tmp_path)
    first = web.rename(tmp_path / "first")
    second = shutil.copytree(first, tmp_path / "second")
    for root in (first, second):
        (root / f"{WEB}_state.json").rename(root / "other_state.json")
        write(root / "metadata/session.json", {"session_id": WEB})
    assert counted(tmp_path) == {("first",): 0, ("second",): 0, (IMAGES,): 6}
    asked = list_all(tmp_path, BERLIN).questions
    assert {(question.first, question.second) for question in asked} == {(first, images), (second, images)}


def test_copies_without_a_document_are_two_sessions(tmp_path):
    own = raspi(tmp_path, session=None)
    shutil.copytree(own, tmp_path / "copy")
    assert counted(tmp_path) == {(PLAIN,): 6, ("copy",): 6}
    assert list_all(tmp_path, BERLIN).questions == ()


def test_a_copy_of_everything_elsewhere_is_put_together_with_its_own(tmp_path):
    dual(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    both = {(f"{root}/{WEB}", f"{root}/{IMAGES}"): 6 for root in ("one", "two")}
    assert counted(tmp_path) == both
    shutil.rmtree(tmp_path / "two" / WEB)
    assert counted(tmp_path) == {(f"one/{WEB}", f"one/{IMAGES}"): 6, (f"two/{IMAGES}",): 6}


def test_halves_that_only_look_alike_are_a_question(tmp_path):
    web, images = dual(tmp_path, linked=False)
    listing = list_all(tmp_path, BERLIN)
    assert [found.session.photos for found in listing.found] == [0, 6]
    (question,) = listing.questions
    assert (question.first, question.second) == (web, images)
    assert "are they one scan?" in question.text
    legacy = load_legacy(merged_order(images, web), BERLIN)
    assert ([folder.root for folder in legacy.folders], legacy.format) == ([web, images], "raspi_v2_dual")
    assert legacy.record.session.photos == 6


def test_no_question_where_the_times_differ_or_both_have_photos(tmp_path):
    _, images = dual(tmp_path, linked=False)
    write(images / "metadata/session.json", {"scan_name": "Chess knight", "start_time": EPOCH + 4000})
    raspi(tmp_path, "third", title="Chess knight")
    raspi(tmp_path, "fourth", title="Chess knight", session={"start_time": None}, photos=0)
    assert [question.second.name for question in list_all(tmp_path, BERLIN).questions] == ["third"]


def test_the_oldest_state_lies_far_from_its_photos(tmp_path):
    name = "knight_20250801_101010"
    write(tmp_path / "V2.0/scans" / name / f"{name}_state.json", state_file(name, "completed", 3))
    raspi(tmp_path / "sessions", state=None, positions=False, session={"scan_parameters": {"scan_id": name}})
    (found,) = list_all(tmp_path, BERLIN).found
    assert (found.format, found.session.photos, found.session.title) == ("raspi_v2_dual", 6, "Blue vase")
    assert found.paths[0].name == name


def test_a_half_is_looked_for_among_its_neighbours_only_where_they_can_be_listed(tmp_path, monkeypatch):
    web, _ = dual(tmp_path)
    monkeypatch.setattr("scanner.storage.formats.dual._neighbours", lambda _: [])
    assert format_of(web) == "raspi_v2"
