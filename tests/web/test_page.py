"""The page's files: fresh, small, and nothing but them."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from scanner import records
from scanner.errors import NotFoundError
from web.pages import STATIC, Pages

SCRIPT = "// " + "x" * 500

if TYPE_CHECKING:
    from scanner.config import Config


@pytest.fixture
def demo(safe_mode: Config) -> Config:
    return safe_mode


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A page of a few files, and one outside."""
    root = tmp_path / "static"
    (root / "views").mkdir(parents=True)
    (root / "app.js").write_text(SCRIPT)
    (root / "views" / "scan.js").write_text("1")
    (root / "icon.png").write_bytes(b"\x89PNG" + b"\0" * 500)
    (root / "notes.md").write_text("not for the world")
    (root / ".hidden.js").write_text("no")
    (tmp_path / "secret.js").write_text("no")
    (root / "link.js").symlink_to(tmp_path / "secret.js")
    (root / "outside").symlink_to(tmp_path)
    return root


def fetch(pages: Pages, name: str, **headers: str) -> web.Response:
    return pages.answer(make_mocked_request("GET", "/", headers=headers), name)


def test_a_file_plain_and_packed(root: Path) -> None:
    pages = Pages(root)
    plain = fetch(pages, "app.js")
    assert plain.body == SCRIPT.encode()
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert plain.headers["Cache-Control"] == "no-cache"
    packed = fetch(pages, "app.js", **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == SCRIPT.encode()
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Vary"] == "Accept-Encoding"


def test_what_packing_would_not_shrink_is_sent_plain(root: Path) -> None:
    for name in ("icon.png", "views/scan.js"):
        assert "Content-Encoding" not in fetch(Pages(root), name, **{"Accept-Encoding": "gzip"}).headers


def test_a_browsers_copy_is_good_until_the_file_changes(root: Path) -> None:
    pages = Pages(root)
    tag = fetch(pages, "app.js").headers["ETag"]
    assert fetch(pages, "app.js", **{"If-None-Match": f'"other", {tag}'}).status == 304
    assert fetch(pages, "app.js", **{"If-None-Match": tag, "Accept-Encoding": "gzip"}).status == 200
    os.utime(root / "app.js", ns=(1, 1))
    assert fetch(pages, "app.js", **{"If-None-Match": tag}).status == 304, "touched, not changed"
    (root / "app.js").write_text("changed")
    changed = fetch(pages, "app.js", **{"If-None-Match": tag})
    assert (changed.status, changed.body) == (200, b"changed")


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "views",
        "views/",
        "",
        ".",
        "..",
        "../secret.js",
        "views/../../secret.js",
        "/etc/hostname",
        "//app.js",
        "link.js",
        "outside/secret.js",
        "notes.md",
        ".hidden.js",
        "app.js\0",
        "app.js/",
        "app",
        "a/b/c/d/e/f.js",
    ],
)
def test_nothing_else_is_given(root: Path, name: str) -> None:
    with pytest.raises(NotFoundError):
        fetch(Pages(root), name)


async def test_every_view_is_the_one_document(ask: Callable[..., Any]) -> None:
    document = (STATIC / "index.html").read_bytes()
    for path in ("/", "/sessions", "/sessions/20200101-000000-nobody", "/jobs", "/statistics"):
        answer = await ask("GET", path)
        assert (answer.status, answer.body) == (200, document)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_every_file_of_the_page_can_be_had(ask: Callable[..., Any]) -> None:
    for path in STATIC.rglob("*"):
        if path.is_file() and path.suffix not in {".md", ".ts"}:
            answer = await ask("GET", f"/static/{path.relative_to(STATIC).as_posix()}")
            assert (answer.status, answer.body) == (200, path.read_bytes()), path


async def test_traversal_over_the_wire(ask: Callable[..., Any]) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/", "/static/%00"):
        answer = await ask("GET", URL(path, encoded=True))
        assert (answer.status, answer.code) == (404, "not_found"), path


@pytest.mark.parametrize(
    "shape",
    [
        records.Progress, records.JobResult, records.Job, records.LockInfo, records.CheckpointInfo, records.PassHistory,
        records.Tally, records.Statistics, records.PassInfo, records.Session, records.ShotInfo,
    ],
)  # fmt: skip
def test_the_page_knows_every_field_that_the_api_sends(shape: type[msgspec.Struct]) -> None:
    name = shape.__name__.removesuffix("Info") if shape is not records.PassInfo else shape.__name__
    (known,) = re.findall(rf"@typedef {{{{((?:(?!@typedef).)*)}}}} {name}\b", (STATIC / "types.js").read_text(), re.S)
    assert {field.encode_name for field in msgspec.structs.fields(shape)} <= set(re.findall(r"(\w+)\??:", known))
