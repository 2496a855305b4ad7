"""Looking: no name from outside becomes a path, links are not followed, and reading changes nothing."""

from __future__ import annotations

import asyncio
import io
import shutil

import pytest
from PIL import Image

from scanner.errors import DamagedError, NotFoundError, PhotoNotFoundError, StorageError
from scanner.model import PassName, PhotoName
from scanner.storage import place_of
from tests.scanner.storage.support import UPRIGHT, Place, jpeg, names, new_session, save, working


@pytest.fixture
async def scanned(storage, handle):
    """The handle of a session with two photos."""
    async with working(storage, handle) as writer:
        for shot in writer.plan.shots[:2]:
            await save(writer, shot)
    return handle


def everything(place: Place) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(place.sessions.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "name",
    [
        "upright-00003-main.jpg", "../../metadata/session.json", "../upright/upright-00001-main.jpg", "", ".", "ä.jpg",
        "upright-00001-main.jpg\0", "upright-00001-main.jpg/", "UPRIGHT-00001-MAIN.JPG", "upright-00001-main.jpg.part",
        "x" * 500,
    ],
)  # fmt: skip
async def test_only_names_of_photos_lead_to_files(storage, scanned, name):
    with pytest.raises(PhotoNotFoundError):
        await storage.photo_file(scanned.id, name)
    with pytest.raises(PhotoNotFoundError):
        await storage.thumbnail(scanned.id, name, "thumb")


async def test_a_photo_that_is_a_link_or_gone_is_not_given_out(storage, scanned, place):
    images = place.sessions / scanned.id / "images"
    photo = images / "upright/upright-00001-main.jpg"
    assert await storage.photo_file(scanned.id, photo.name) == photo
    photo.rename(images / "kept.jpg")
    with pytest.raises(PhotoNotFoundError):
        await storage.photo_file(scanned.id, photo.name)
    photo.symlink_to(images / "kept.jpg")
    with pytest.raises(PhotoNotFoundError):
        await storage.photo_file(scanned.id, photo.name)
    (images / "upright").rename(images / "elsewhere")
    (images / "upright").symlink_to(images / "elsewhere", target_is_directory=True)
    with pytest.raises(PhotoNotFoundError):
        await storage.photo_file(scanned.id, "upright-00002-main.jpg")


async def test_photos_of_one_pass_or_of_all(storage, scanned):
    assert [photo.shot for photo in await storage.photos(scanned.id, UPRIGHT)] == [1, 2]
    assert await storage.photos(scanned.id, PassName("other")) == ()
    assert await storage.photos(scanned.id) == await storage.photos(scanned.id, UPRIGHT)


async def test_looking_changes_nothing(storage, scanned, place):
    before = everything(place)
    await storage.get_session(scanned.id)
    await storage.list_sessions()
    await storage.photos(scanned.id)
    await storage.shots(scanned.id, UPRIGHT)
    await storage.pass_document(scanned.id, UPRIGHT)
    await storage.session_files(scanned.id)
    await storage.thumbnail(scanned.id, "upright-00001-main.jpg", "thumb")
    await storage.reconcile()
    assert everything(place) == before


async def test_the_files_of_a_session(storage, scanned, place):
    root = place.sessions / scanned.id
    (root / "exports/link").symlink_to("/etc", target_is_directory=True)
    (root / "images/upright/half.jpg.part").write_bytes(b"x")
    (root / "images/upright/.orphans").mkdir()
    (root / "images/upright/.orphans/x.jpg").write_bytes(b"x")
    files = await storage.session_files(scanned.id)
    assert [file.name for file in files] == [
        "images/upright/upright-00001-main.jpg",
        "images/upright/upright-00002-main.jpg",
        "metadata/passes/upright/journal.jsonl",
        "metadata/passes/upright/pass.json",
        "metadata/session.json",
    ]
    assert all(file.path.stat().st_size == file.size and file.mtime_ns > 0 for file in files)
    assert await storage.session_files(scanned.id, "colmap") == ()
    assert await storage.session_files(scanned.id, "link") == ()


@pytest.mark.parametrize("name", ["..", "../images", "", ".new-1", "a/b", "A"])
async def test_only_names_of_exports_lead_to_files(storage, scanned, name):
    with pytest.raises(NotFoundError):
        await storage.session_files(scanned.id, name)
    with pytest.raises(NotFoundError):
        await storage.publish_export(scanned.id, name, lambda _: None)


async def test_a_session_without_exports_directory_has_none(storage, scanned, place):
    shutil.rmtree(place.sessions / scanned.id / "exports")
    assert await storage.exports(scanned.id) == ()
    await storage.publish_export(scanned.id, "colmap", lambda target: (target / "a").touch())
    assert await storage.exports(scanned.id) == ("colmap",)


async def test_the_disk_says_how_much_room_there_is(storage):
    usage = await storage.disk()
    assert 0 < usage.free <= usage.total


async def test_a_disk_that_does_not_answer_is_a_typed_error(storage, place):
    place.data.rename(place.root / "unplugged")
    with pytest.raises(StorageError, match="the disk does not answer"):
        await storage.disk()
    with pytest.raises(StorageError, match="could not be listed"):
        await storage.reconcile()


# ---- thumbnails


def picture(width: int, height: int) -> bytes:
    target = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(target, "JPEG")
    return target.getvalue()


@pytest.mark.parametrize(("size", "side"), [("thumb", 480), ("preview", 1600)])
async def test_small_pictures_are_made_once_and_kept(storage, handle, place, size, side):
    async with working(storage, handle) as writer:
        photo = await save(writer, writer.plan.shots[0], picture(2000, 1000))
    paths = await asyncio.gather(*(storage.thumbnail(handle.id, photo.name, size) for _ in range(5)))
    assert len(set(paths)) == 1
    assert paths[0].is_relative_to(place.state / "cache")
    with Image.open(paths[0]) as small:
        assert max(small.size) == side
    made = paths[0].stat().st_ino
    assert (await storage.thumbnail(handle.id, photo.name, size)).stat().st_ino == made
    assert not list(place.state.rglob("*.part"))
    shutil.rmtree(place.state / "cache")
    assert (await storage.thumbnail(handle.id, photo.name, size)).exists()


async def test_a_photo_that_is_no_picture_has_no_small_one(storage, handle, place):
    async with working(storage, handle) as writer:
        photo = await save(writer, writer.plan.shots[0], b"no picture")
    for _ in range(2):
        with pytest.raises(DamagedError):
            await storage.thumbnail(handle.id, photo.name, "thumb")
    assert not list((place.state / "cache").rglob("*.jpg")) if (place.state / "cache").exists() else True


async def test_while_the_cache_cannot_be_written_the_photo_itself_is_given_out(storage, scanned, place):
    (place.state / "cache").write_bytes(b"a file in the way")
    photo = await storage.photo_file(scanned.id, "upright-00001-main.jpg")
    assert await storage.thumbnail(scanned.id, photo.name, "thumb") == photo
    (place.state / "cache").unlink()
    assert await storage.thumbnail(scanned.id, photo.name, "thumb") != photo


async def test_a_photo_of_another_size_than_was_written_is_damaged(storage, scanned, place):
    path = place.sessions / scanned.id / "images/upright/upright-00001-main.jpg"
    path.write_bytes(path.read_bytes()[:100])
    for ask in (storage.photo_file(scanned.id, path.name), storage.thumbnail(scanned.id, path.name, "thumb")):
        with pytest.raises(DamagedError, match="it has 100 bytes"):
            await ask


# ---- exports


async def test_an_export_appears_whole_and_replaces_the_older_one(storage, scanned, place):
    exports = place.sessions / scanned.id / "exports"

    def first(target) -> None:
        assert list(target.iterdir()) == []
        assert not (exports / "colmap").exists()
        (target / "sparse/0").mkdir(parents=True)
        (target / "sparse/0/cameras.txt").write_text("one")

    path = await storage.publish_export(scanned.id, "colmap", first)
    assert path == exports / "colmap" == place.data / place_of(scanned.id, "colmap")
    assert (path / "sparse/0/cameras.txt").read_text() == "one"

    def second(target) -> None:
        assert (exports / "colmap/sparse/0/cameras.txt").read_text() == "one"
        (target / "images.txt").write_text("two")

    await storage.publish_export(scanned.id, "colmap", second)
    assert [file.name for file in await storage.session_files(scanned.id, "colmap")] == ["images.txt"]
    assert names(exports) == ["colmap"]
    assert await storage.exports(scanned.id) == ("colmap",)


async def test_an_export_that_fails_leaves_the_older_one(storage, scanned, place):
    await storage.publish_export(scanned.id, "colmap", lambda target: (target / "a").touch())

    class OopsError(Exception):
        pass

    def fail(target) -> None:
        (target / "half").touch()
        raise OopsError

    def no_room(_) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OopsError):
        await storage.publish_export(scanned.id, "colmap", fail)
    with pytest.raises(StorageError, match="export colmap could not be written"):
        await storage.publish_export(scanned.id, "colmap", no_room)
    assert [file.name for file in await storage.session_files(scanned.id, "colmap")] == ["a"]
    assert names(place.sessions / scanned.id / "exports") == ["colmap"]


async def test_what_a_cut_off_export_left_is_swept_away_by_the_next(storage, scanned, place):
    left = place.sessions / scanned.id / "exports/.new-abc/content"
    left.mkdir(parents=True)
    (left / "half").touch()
    await storage.publish_export(scanned.id, "colmap", lambda _: None)
    assert names(place.sessions / scanned.id / "exports") == ["colmap"]


async def test_an_export_may_hold_links(storage, scanned):
    def build(target) -> None:
        (target / "link").symlink_to("/etc/hostname")

    path = await storage.publish_export(scanned.id, "colmap", build)
    assert (path / "link").is_symlink()
    assert await storage.session_files(scanned.id, "colmap") == ()


async def test_photo_names_are_of_their_session(storage, scanned):
    other = await storage.create_session(new_session("Other"))
    with pytest.raises(PhotoNotFoundError):
        await storage.photo_file(other.id, PhotoName("upright-00001-main.jpg"))
    assert jpeg(1) == (await storage.photo_file(scanned.id, "upright-00001-main.jpg")).read_bytes()
