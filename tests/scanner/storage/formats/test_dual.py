"""One scan in two folders: put together where an id links them, asked where only title and time agree."""

from __future__ import annotations

from scanner.states import PassState
from scanner.storage.formats import format_of, info, list_all, load_any, load_legacy, merged_order
from tests.scanner.storage.formats.support import (
    BERLIN,
    EPOCH,
    IMAGES,
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


def test_three_folders_of_one_scan(tmp_path):
    dual(tmp_path)
    third = raspi(
        tmp_path, "third", photos=0, state=None, session={"scan_parameters": {"scan_id": WEB}}, positions=False
    )
    add_photo(third, 0, 0)
    (found,) = list_all(tmp_path, BERLIN).found
    assert len(found.paths) == 3
    assert found.session.photos == 7


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
