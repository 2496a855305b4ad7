"""Photos, exports and downloads."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from scanner.model import SessionId
from tests.web.conftest import connection, ended
from tests.web.test_sessions import TWO, halfway, scanned
from tests.web.test_streams import until
from web import archive, streams

if TYPE_CHECKING:
    from scanner.app import App
    from web.app import Server


async def test_photos_with_their_addresses(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    listed = (await ask("GET", f"/api/sessions/{session}/photos")).body
    assert (listed["total"], listed["next"], len(listed["items"])) == (3, None, 3)
    for photo in listed["items"]:
        answer = await ask("GET", photo["url"])
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert len(answer.body) == photo["bytes"]
        assert hashlib.sha256(answer.body).hexdigest() == photo["sha256"]


async def test_photos_of_one_pass_page_by_page(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PIECE", 1)
    session = (await halfway(app, ask))["session_id"]
    path = f"/api/sessions/{session}/photos"
    assert (await ask("GET", f"{path}?pass=down")).body == {"items": [], "next": None, "total": 0}
    first = (await ask("GET", f"{path}?pass=up&limit=2")).body
    assert ([photo["shot"] for photo in first["items"]], first["total"]) == ([1, 2], 3)
    rest = (await ask("GET", f"{path}?pass=up&limit=2&after={first['next']}")).body
    assert ([photo["shot"] for photo in rest["items"]], rest["next"]) == ([3], None)
    assert (await ask("GET", f"{path}?after=up-00099-main.jpg")).paths == ["after"]
    assert (await ask("GET", f"{path}?limit=0")).paths == ["limit"]


async def one_photo(app: App, ask: Callable[..., Any]) -> str:
    """The address of a photo."""
    session = await scanned(app, ask)
    return str((await ask("GET", f"/api/sessions/{session}/photos?limit=1")).body["items"][0]["url"])


async def test_small_pictures(app: App, ask: Callable[..., Any]) -> None:
    url = await one_photo(app, ask)
    full = await ask("GET", url)
    for size in ("thumb", "preview"):
        small = await ask("GET", f"{url}?size={size}")
        assert (small.status, small.headers["Content-Type"]) == (200, "image/jpeg")
        assert small.body.startswith(b"\xff\xd8")
    assert (await ask("GET", f"{url}?size=full&v=1")).body == full.body
    assert (await ask("GET", f"{url}?size=huge")).paths == ["size"]


async def test_browsers_keep_photos(app: App, ask: Callable[..., Any]) -> None:
    url = await one_photo(app, ask)
    answer = await ask("GET", url)
    assert "immutable" in answer.headers["Cache-Control"]
    again = await ask("GET", url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    head = await ask("HEAD", url)
    assert (head.status, int(head.headers["Content-Length"])) == (200, len(answer.body))


async def test_parts_of_a_photo(app: App, ask: Callable[..., Any]) -> None:
    url = await one_photo(app, ask)
    whole = (await ask("GET", url)).body
    part = await ask("GET", url, headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, whole[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert (await ask("GET", url, headers={"Range": "bytes=-5"})).body == whole[-5:]
    assert (await ask("GET", url, headers={"Range": "bytes=5-"})).body == whole[5:]
    beyond = await ask("GET", url, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status, beyond.headers["Cache-Control"]) == (416, "no-store")


async def test_ranges_that_mean_nothing_are_ignored(app: App, ask: Callable[..., Any]) -> None:
    url = await one_photo(app, ask)
    whole = (await ask("GET", url)).body
    for wanted in (
        "junk",
        "bytes=a-b",
        "bytes=-",
        "bytes=",
        "bytes=9-5",
        "bytes=0-1,5-6",
        "lines=1-2",
        "bytes=--1",
        "",
    ):
        answer = await ask("GET", url, headers={"Range": wanted})
        assert (answer.status, answer.body) == (200, whole), wanted
    nothing = await ask("GET", url, headers={"Range": "bytes=-0"})
    assert (nothing.status, nothing.code) == (416, "range_not_satisfiable")


async def test_a_damaged_photo_is_no_fault_of_the_daemon(
    app: App, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    url = await one_photo(app, ask)
    [*_, session, _, name] = url.split("/")
    file = app.config.data_dir / "sessions" / session / "images" / "main" / name
    file.write_bytes(b"")
    for size in ("full", "thumb", "preview"):
        answer = await ask("GET", f"{url}?size={size}")
        assert (answer.status, answer.code) == (409, "damaged"), size
        assert answer.headers["Cache-Control"] == "no-store"
        assert "object at" not in str(answer.body)
    assert caplog.records == []


async def test_a_small_picture_that_cannot_be_kept_is_not_taken_for_one(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def the_photo_itself(storage: Any, session: Any, name: str, _size: str) -> Path:
        return Path(await storage.photo_file(session, name))

    url = await one_photo(app, ask)
    monkeypatch.setattr(type(app.storage), "thumbnail", the_photo_itself)
    answer = await ask("GET", f"{url}?size=thumb")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")


async def test_photos_that_are_not_there(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    for name in ("main-00099-main.jpg", "..%2fmain-00001-main.jpg", "pass.json", "main-00001-main.jpg.part", "%00"):
        for size in ("full", "thumb"):
            answer = await ask("GET", f"/api/sessions/{session}/photos/{name}?size={size}")
            assert (answer.status, answer.code) == (404, "photo_not_found"), name


# ---- downloads -------------------------------------------------------------------------------------------------------


async def test_a_session_as_a_zip_of_known_length(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    answer = await ask("GET", f"/api/sessions/{session}/download?format=zip")
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{session}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as zipped:
        assert zipped.testzip() is None
        assert {info.compress_type for info in zipped.infolist()} == {zipfile.ZIP_STORED}
        root = app.config.data_dir / "sessions" / session
        for name in zipped.namelist():
            assert zipped.read(name) == (root.parent / name).read_bytes()
        names = zipped.namelist()
    assert f"{session}/metadata/session.json" in names
    assert f"{session}/metadata/passes/main/journal.jsonl" in names
    assert sum(name.endswith(".jpg") for name in names) == 3
    assert not any(".session.lock" in name or name.endswith(".part") for name in names)


async def test_a_sessions_zip_leaves_its_exports_out(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    before = await ask("HEAD", f"/api/sessions/{session}/download")
    await sparse(app, session)
    after = await ask("HEAD", f"/api/sessions/{session}/download")
    assert after.headers["Content-Length"] == before.headers["Content-Length"]


async def test_a_download_that_did_not_change(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    path = f"/api/sessions/{session}/download"
    head = await ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0
    again = await ask("GET", path, headers={"If-None-Match": head.headers["ETag"]})
    assert again.status == 304
    (app.config.data_dir / "sessions" / session / "metadata" / "notes.txt").write_text("new")
    assert (await ask("HEAD", path)).headers["ETag"] != head.headers["ETag"]
    assert (await ask("GET", f"{path}?format=rar")).paths == ["format"]


async def test_a_file_that_grows_is_sent_as_it_was(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await scanned(app, ask)
    journal = app.config.data_dir / "sessions" / session / "metadata" / "passes" / "main" / "journal.jsonl"
    before = journal.read_bytes()
    take = archive._take

    def growing(pieces: Any) -> bytes:
        with journal.open("ab") as file:
            file.write(b"more\n")
        return take(pieces)

    monkeypatch.setattr(archive, "_take", growing)
    answer = await ask("GET", f"/api/sessions/{session}/download")
    assert len(answer.body) == int(answer.headers["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(answer.body)) as zipped:
        assert zipped.read(f"{session}/metadata/passes/main/journal.jsonl") == before


async def test_a_file_that_vanishes_breaks_the_download_off(
    app: App, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session = await scanned(app, ask)
    images = sorted((app.config.data_dir / "sessions" / session).rglob("*.jpg"))
    for spoil in (images[0].unlink, lambda: images[1].write_bytes(b"short")):
        real = archive._archive

        def spoiled(name: str, files: Any, spoil: Callable[[], object] = spoil, real: Any = real) -> Any:
            made = real(name, files)
            spoil()
            return made

        with monkeypatch.context() as patch:
            patch.setattr(archive, "_archive", spoiled)
            with pytest.raises(aiohttp.ClientPayloadError):
                await ask("GET", f"/api/sessions/{session}/download")
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [f"download of {session} broke off"] * 2


async def sparse(app: App, session: str) -> None:
    """Give a session an export that takes long to send."""

    def build(target: Path) -> None:
        with (target / "big.bin").open("wb") as file:
            file.truncate(50_000_000)

    await app.storage.publish_export(SessionId(session), "big", build)


async def test_a_client_that_breaks_a_download_off_is_no_fault(
    app: App, client: aiohttp.ClientSession, ask: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    session = await scanned(app, ask, {**TWO, "passes": TWO["passes"][:1]})
    await sparse(app, session)
    async with client.get(f"/api/sessions/{session}/exports/big") as response:
        await response.content.readexactly(1000)
        response.close()
    await ask("GET", "/healthz")
    assert caplog.records == []


async def test_a_download_does_not_hold_up_stopping(app: App, ask: Callable[..., Any], server: Server) -> None:
    session = await scanned(app, ask)
    await sparse(app, session)
    async with connection(server, stalls=True) as (_, writer):
        writer.write(f"GET /api/sessions/{session}/exports/big HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: len(server.streams) == 1)
        started = time.monotonic()
        await server.stop()
        assert time.monotonic() - started < 1.0


# ---- exports ---------------------------------------------------------------------------------------------------------


async def test_an_export_and_its_download(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    path = f"/api/sessions/{session}/exports"
    assert (await ask("GET", path)).body["items"] == []
    answer = await ask("POST", path, {"format": "colmap"})
    assert (answer.status, answer.body["kind"]) == (202, "export")
    job = await ended(ask, app, answer.body["id"])
    assert job["state"] == "completed", job
    name = Path(job["result"]["path"]).name
    assert (await ask("GET", path)).body["items"] == [name]
    archive_ = await ask("GET", f"{path}/{name}")
    assert len(archive_.body) == int(archive_.headers["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(archive_.body)) as zipped:
        names = zipped.namelist()
        assert zipped.testzip() is None
    assert any(entry.endswith("cameras.txt") for entry in names)
    assert sum(entry.endswith(".jpg") for entry in names) == 3


async def test_exports_that_cannot_be(app: App, ask: Callable[..., Any]) -> None:
    session = await scanned(app, ask)
    path = f"/api/sessions/{session}/exports"
    assert (await ask("POST", path, {"format": "cinema"})).status == 400
    assert (await ask("POST", path, {"format": "../x"})).paths == ["format"]
    assert (await ask("POST", path, {})).paths == ["format"]
    assert (await ask("POST", path, {"format": "colmap", "colour": 1})).paths == ["colour"]
    for name in ("colmap", "..", "..%2f..", "COLMAP"):
        assert (await ask("GET", f"{path}/{name}")).status == 404
