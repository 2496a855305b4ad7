"""``--data-dir``: sessions read from a directory, with no daemon anywhere, and nothing written."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from scanner.storage.facets import verifying
from tests.scanner.storage.formats.support import PLAIN, add_photo, openscan, raspi, tree_hash
from tests.scanner.storage.support import Place, new_session, save, working


async def scan(place: Place) -> None:
    """Two sessions: one whole, one half done."""
    async with place.storage() as storage:
        whole = await storage.create_session(new_session("Blue vase"))
        async with working(storage, whole) as writer:
            for shot in writer.plan.shots:
                await save(writer, shot)
            await writer.finish("")
        half = await storage.create_session(new_session("Red vase"))
        async with working(storage, half) as writer:
            await save(writer, writer.plan.shots[0])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two sessions of ours and one of the predecessor."""
    place = Place(tmp_path_factory.mktemp("card"))
    asyncio.run(scan(place))
    raspi(place.sessions, title="Old vase")
    shutil.rmtree(place.state)
    return place.data


@pytest.fixture
def card(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "card"))


@pytest.fixture
def offline(cli, stub):
    """The command where no daemon is asked."""
    yield cli
    assert stub.requests == []


def told(offline, *argv: object, code: int = 0):
    """What the command says in JSON."""
    call = offline("sessions", *map(str, argv), "--json")
    assert call.code == code, call.err
    return json.loads(call.out)


def test_all_formats_are_in_one_list(offline, made):
    before = tree_hash(made)
    found = told(offline, "list", "--data-dir", made, "--sort", "title")
    assert [(one["title"], one["format"], one["photos"]) for one in found["items"]] == [
        ("Blue vase", "current", 4),
        ("Old vase", "raspi_v2", 6),
        ("Red vase", "current", 1),
    ]
    out = offline("sessions", "list", "--data-dir", str(made)).out
    assert out.startswith("FORMAT")
    assert tree_hash(made) == before
    assert sorted(path.name for path in made.iterdir()) == ["sessions"]


def test_sessions_are_found_whichever_directory_is_named(offline, made):
    (one,) = made.glob("sessions/*blue*")
    assert told(offline, "list", "--data-dir", made / "sessions")["total"] == 3
    assert [found["id"] for found in told(offline, "list", "--data-dir", one)["items"]] == [one.name]


def test_they_are_chosen_and_sorted_as_by_the_daemon(offline, made):
    def titles(*argv: str) -> list[str]:
        return [one["title"] for one in told(offline, "list", "--data-dir", made, *argv)["items"]]

    assert titles("--search", "VASE red") == ["Red vase"]
    assert titles("--search", "nothing") == []
    assert titles("-s", "completed", "--search", "blue") == ["Blue vase"]
    assert titles("-s", "incomplete", "--search", "vase") == ["Red vase"]
    assert titles("--sort", "oldest")[-2:] == ["Blue vase", "Red vase"]
    assert titles("--sort", "newest")[:2] == ["Red vase", "Blue vase"]
    assert titles("--sort", "size")[-1] == "Red vase"
    assert told(offline, "list", "--data-dir", made, "-n", "1")["total"] == 3
    assert "1 of 3 sessions" in offline("sessions", "list", "--data-dir", str(made), "-n", "1").out


def test_a_session_with_its_photos(offline, made):
    (one,) = made.glob("sessions/*blue*")
    info = told(offline, "info", one.name, "--data-dir", made, "-f")
    assert (info["title"], len(info["files"])) == ("Blue vase", 4)
    assert "files" not in told(offline, "info", one.name, "--data-dir", made)
    old = told(offline, "info", PLAIN, "--data-dir", made, "--files")
    assert (len(old["files"]), old["format"]) == (6, "raspi_v2")
    text = offline("sessions", "info", one.name, "--data-dir", str(made)).out
    assert "upright  completed  4/4" in text


def test_what_is_not_there_is_said(offline, made, tmp_path):
    refused = told(offline, "info", "nobody", "--data-dir", made, code=3)
    assert refused["error"]["code"] == "session_not_found"
    assert told(offline, "list", "--data-dir", tmp_path / "none", code=3)["error"]["code"] == "not_found"
    assert told(offline, "verify", "nobody", "--data-dir", made, code=3)["error"]["code"] == "session_not_found"
    (tmp_path / "empty").mkdir()
    assert told(offline, "list", "--data-dir", tmp_path / "empty")["items"] == []


def test_whole_photos_are_whole(offline, made):
    before = tree_hash(made)
    call = offline("sessions", "verify", "--data-dir", str(made))
    assert (call.code, call.out) == (0, "11 photos of 3 sessions checked\n")
    assert tree_hash(made) == before


def test_each_lost_and_each_changed_photo_is_named(offline, card):
    first, second, *_ = sorted(card.glob("sessions/*blue*/images/upright/*.jpg"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    (first.parent / "holiday.jpg").write_bytes(b"x")
    (red,) = card.glob("sessions/*red*")
    (blue,) = card.glob("sessions/*blue*")
    call = offline("sessions", "verify", "--data-dir", str(card))
    assert call.code == 6
    lines = call.out.splitlines()
    assert f"{blue.name}: {first.name}: missing" in lines
    assert f"{blue.name}: {second.name}: damaged" in lines
    assert any("holiday.jpg" in line and line.endswith("unlisted") for line in lines)
    found = told(offline, "verify", blue.name, "--data-dir", card, code=6)["items"]
    assert [(one["checked"], one["missing"], one["damaged"]) for one in found] == [(4, [first.name], [second.name])]
    assert told(offline, "verify", red.name, "--data-dir", card)["items"][0]["missing"] == []


def test_photos_of_older_formats_are_checked_too(offline, card):
    photo = add_photo(card / "sessions" / PLAIN, 0, 0)
    photo.write_bytes(photo.read_bytes() + b"x")
    (one,) = told(offline, "verify", PLAIN, "--data-dir", card, code=6)["items"]
    assert any(photo.name in name for name in one["damaged"])


def test_a_card_that_cannot_be_read_says_so(offline, card, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(verifying, "check_session", broken)
    call = offline("sessions", "verify", "--data-dir", str(card))
    assert (call.code, "Input/output error" in call.err) == (6, True)


def test_a_document_that_may_not_be_read_is_said(offline, card, monkeypatch):
    (blue,) = card.glob("sessions/*blue*")
    opening = os.open

    def opened(path, *more, **options):
        if str(path).endswith("manifest.sha256"):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return opening(path, *more, **options)

    monkeypatch.setattr(os, "open", opened)
    call = offline("sessions", "verify", blue.name, "--data-dir", str(card))
    assert call.code == 6
    sentence = "metadata/passes/upright/manifest.sha256 may not be read by this program"
    assert f"{blue.name}: {sentence}" in call.out.splitlines()
    assert told(offline, "verify", blue.name, "--data-dir", card, code=6)["items"][0]["unmarked"] == [sentence]


ODD = ("Vase (copy)", "UPPER-CASE", "\N{AMPHORA}", "  two  blanks ", "x" * 200, "vase-copy", "Straße 3", "-dash")


def test_the_directory_of_the_sessions_may_be_a_link(offline, made, tmp_path):
    (tmp_path / "sessions").symlink_to(made / "sessions")
    assert told(offline, "list", "--data-dir", tmp_path)["total"] == 3


def test_times_without_a_zone_are_read_in_that_of_this_machine(offline, tmp_path, monkeypatch):
    openscan(tmp_path, points=1, scans=1)
    for zone, hour in (("Europe/Berlin", 15), ("UTC", 16)):
        monkeypatch.setenv("TZ", zone)
        info = told(offline, "info", "ceramic-owl", "--data-dir", tmp_path, "--files")
        assert info["created_at"] == f"2026-02-14T{hour}:20:05.120Z"
        assert info["files"][0]["taken_at"].startswith(f"2026-02-14T{hour}:")


async def by_daemon(place: Place) -> dict[str, str]:
    """The titles of all sessions by their ids."""
    async with place.storage() as storage:
        await storage.reconcile()
        return {one.id: one.title for one in (await storage.list_sessions()).items}


@pytest.mark.parametrize("below", ["", "sessions"])
def test_folders_of_odd_names_have_the_ids_that_the_daemon_gives_them(offline, made, tmp_path, below):
    place = Place(tmp_path / "odd")
    place.sessions.mkdir(parents=True)
    (ours,) = made.glob("sessions/*blue*")
    for name in ODD:
        shutil.copytree(ours, place.sessions / name)
        openscan(place.sessions, f"{name} old", points=1, scans=1)
    raspi(place.sessions, "Holiday", points=1)
    (place.sessions / "holiday").mkdir()
    wanted = asyncio.run(by_daemon(place))
    assert len(wanted) == 2 * len(ODD) + 1
    found = told(offline, "list", "--data-dir", place.data / below, "-n", "100")["items"]
    assert {one["id"]: one["title"] for one in found} == wanted
    for session_id, title in wanted.items():
        info = told(offline, "info", session_id, "--data-dir", place.data / below)
        assert (info["id"], info["title"]) == (session_id, title)
        (checked,) = told(offline, "verify", session_id, "--data-dir", place.data / below)["items"]
        assert checked["session_id"] == session_id
