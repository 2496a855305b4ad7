"""The example folders import exactly as their ``expected.json`` says, and looking at them changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from scanner.storage.directory.views import read_session
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.formats import (
    Depth,
    LegacySession,
    format_of,
    import_session,
    info,
    list_all,
    load_legacy,
    migrate,
    undo,
)
from tests.scanner.storage.formats.samples import OLD_WORDS, check_state_and_age, expected, put_in_place
from tests.scanner.storage.formats.support import BERLIN, bench, flags, tree_hash


def sessions_of(root: Path) -> list[LegacySession]:
    listing = list_all(root, BERLIN)
    assert (listing.questions, listing.flagged, listing.notes) == ((), (), ())
    loaded = [load_legacy(found.paths, BERLIN, session_id=found.id) for found in listing.found]
    return [legacy for legacy in loaded if legacy.record.session.photos]


def by_title(sessions: list[LegacySession], title: str) -> LegacySession:
    (found,) = [legacy for legacy in sessions if legacy.record.session.title == title]
    return found


def check_session(legacy: LegacySession, wanted: dict, root: Path) -> None:
    session = legacy.record.session
    assert [folder.root.relative_to(root).as_posix() for folder in legacy.folders] == wanted["sources"]
    check_state_and_age(session.state, legacy.created.at, wanted)
    assert legacy.created.naive == wanted["created"].get("naive_local")
    assert [part.label for part in legacy.passes] == [part["label"] for part in wanted["passes"]]
    for part, given in zip(legacy.passes, wanted["passes"], strict=True):
        assert part.whole == given["photos_ok"] == part.info.saved
        assert part.planned_points == given["planned_points"]
        assert part.description == given.get("description", part.description)
        assert OLD_WORDS[part.info.state] & set(given.get("status_any_of", wanted["status_any_of"]))
    assert flags(legacy) == sorted((flag["file"], flag["flag"]) for flag in wanted["flagged"])


def test_reads_as_expected_and_stays_unchanged(case):
    wanted = expected(case)
    root = case / wanted["import_path"]
    sessions = sessions_of(root)
    assert len(sessions) == wanted["session_count"]
    assert sum(legacy.record.session.photos for legacy in sessions) == wanted["photos_ok_total"]
    assert sum(len(legacy.flagged) for legacy in sessions) == wanted["flagged_total"]
    for given in wanted["sessions"]:
        check_session(by_title(sessions, given["title"]), given, root)
    for given in wanted.get("merges", ()):
        assert {folder.name for folder in sessions[0].folders} == {given["web"], given["orchestrator"]}
    assert tree_hash(case) == wanted["source_unchanged"]["sha256"]


def test_imports_as_expected(case, tmp_path):
    wanted = expected(case)
    root = case / wanted["import_path"]
    for legacy in sessions_of(root):
        outcome = import_session(bench(tmp_path), legacy)
        made = read_session(SessionPaths(tmp_path / outcome.id))
        assert (outcome.done, outcome.id) == (True, legacy.id)
        assert made.passes == legacy.record.passes
        assert (made.session.title, made.session.damage) == (legacy.record.session.title, ())
        assert not import_session(bench(tmp_path), legacy).done
    assert tree_hash(case) == wanted["source_unchanged"]["sha256"]


def test_migrates_and_goes_back_bit_for_bit(case, tmp_path):
    sessions = tmp_path / "sessions"
    put_in_place(case, sessions)
    before = tree_hash(sessions)
    for legacy in sessions_of(sessions):
        glance = info(legacy.folders[0].root, BERLIN)
        assert (glance.title, glance.created_at) == (legacy.record.session.title, legacy.record.session.created_at)
        migrate(bench(sessions), legacy)
        assert format_of(sessions / legacy.id) == "current"
        undo(bench(sessions), legacy.id)
        assert load_legacy(legacy.folders[0].root, BERLIN, depth=Depth.GLANCE).id == legacy.id
    for gone in sessions.glob(".undone_*"):
        shutil.rmtree(gone)
    assert tree_hash(sessions) == before
