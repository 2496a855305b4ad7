"""Photos from the journals: the same as the fold says, read anew only where a journal did more than grow."""

from __future__ import annotations

import os

import pytest

from scanner.model import PassName, SessionId
from scanner.storage.directory import gallery
from scanner.storage.directory.gallery import Gallery
from scanner.storage.directory.views import read_journal
from scanner.storage.disk.layout import SessionPaths
from scanner.storage.journal.lines import Damaged, encode_line
from scanner.storage.journal.progress import fold
from tests.scanner.storage.support import FLIPPED, UPRIGHT, Place
from tests.support.many import make_sessions


@pytest.fixture
def paths(place: Place) -> SessionPaths:
    made = next(one for one in make_sessions(place.sessions, 5) if one.photos and one.state == "completed")
    return SessionPaths(place.sessions / made.id)


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    found: list[str] = []

    def counted(of):
        found.append(of.name)
        return read_journal(of)

    monkeypatch.setattr(gallery, "read_journal", counted)
    return found


def saved(paths: SessionPaths, name: PassName) -> list:
    photos = fold(read_journal(paths.pass_(name)).lines, name=name).saved.values()
    return sorted(photos, key=lambda photo: photo.name)


def test_photos_are_those_of_the_fold_and_read_once(paths, reads):
    looked = Gallery()
    for _ in range(3):
        assert list(looked.photos(paths, None)) == saved(paths, FLIPPED) + saved(paths, UPRIGHT)
        assert list(looked.photos(paths, UPRIGHT)) == saved(paths, UPRIGHT)
        photo = saved(paths, UPRIGHT)[3]
        assert looked.photo(paths, photo.name) == photo
        assert looked.photo(paths, "upright-09999-main.jpg") is None
        assert looked.photos(paths, PassName("third")) == ()
    assert sorted(reads) == ["flipped", "upright"]


def test_of_a_journal_that_grew_only_the_rest_is_read(paths, reads):
    journal = paths.pass_(UPRIGHT).journal
    whole = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(whole[:3]))
    looked = Gallery()
    assert len(looked.photos(paths, UPRIGHT)) == 2
    reads.clear()
    for number, line in enumerate(whole[3:-1], 3):
        with journal.open("ab") as file:
            file.write(line)
        assert len(looked.photos(paths, UPRIGHT)) == number
    assert reads == []
    lost = saved(paths, UPRIGHT)[0]
    damaged = Damaged(seq=len(whole), at="2026-11-20T04:15:30.000Z", shot=lost.shot, file=lost.name, reason="hash")
    with journal.open("ab") as file:
        file.write(encode_line(damaged))
    assert looked.photo(paths, lost.name) is None
    assert list(looked.photos(paths, UPRIGHT)) == saved(paths, UPRIGHT)
    assert reads == []


def test_a_journal_that_is_torn_or_replaced_is_read_anew(paths, reads):
    journal = paths.pass_(UPRIGHT).journal
    whole = journal.read_bytes()
    looked = Gallery()
    before = len(looked.photos(paths, UPRIGHT))
    for change in (
        whole[:-9],
        whole + b'{"event":"saved","seq',
        whole + b"noise\n",
        whole + whole,
        whole[: len(whole) // 2],
    ):
        reads.clear()
        journal.write_bytes(change)
        assert list(looked.photos(paths, UPRIGHT)) == saved(paths, UPRIGHT)
        assert "upright" in reads
    aside = journal.with_name("aside")
    aside.write_bytes(whole)
    os.replace(aside, journal)  # noqa: PTH105 - another file under the same name
    assert len(looked.photos(paths, UPRIGHT)) == before
    journal.unlink()
    assert looked.photos(paths, UPRIGHT) == ()


def test_what_is_kept_is_bounded(place, reads, monkeypatch):
    made = [one for one in make_sessions(place.sessions, 14) if one.photos]
    looked = Gallery()
    for one in made:
        looked.photos(SessionPaths(place.sessions / one.id), None)
    assert len(looked._kept) == 8
    reads.clear()
    looked.photos(SessionPaths(place.sessions / made[-1].id), None)
    assert reads == []
    monkeypatch.setattr(gallery, "_PHOTOS", 1)
    looked.photos(SessionPaths(place.sessions / made[0].id), None)
    assert list(looked._kept) == [made[0].id]
    assert looked.photos(SessionPaths(place.sessions / SessionId("unknown")), None) == ()
    assert SessionId("unknown") not in looked._kept
