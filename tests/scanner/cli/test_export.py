"""``scanner export``."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tests.scanner.cli.conftest import completed, job
from tests.scanner.cli.stub import error

EXPORTS = "/api/sessions/s-1/exports"


def archive(**files: str) -> bytes:
    """A zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as content:
        for name, text in files.items():
            content.writestr(name, text)
    return made.getvalue()


@pytest.fixture
def made(stub):
    """A daemon that exports at once."""
    stub.answers |= {
        f"POST {EXPORTS}": (202, job("pending", kind="export")),
        "GET /api/jobs/j-abc123": completed(kind="export", path="sessions/s-1/exports/colmap"),
        f"GET {EXPORTS}/colmap": archive(**{"images/a.jpg": "a", "sparse/0/cameras.txt": "c"}),
    }
    return stub


def test_an_export_is_made_and_its_place_told(cli, made):
    call = cli("export", "s-1", "--format", "colmap")
    assert call.code == 0
    assert "in sessions/s-1/exports/colmap" in call.out
    assert made.asked(f"POST {EXPORTS}")[0].body == {"format": "colmap"}
    assert not made.asked(f"GET {EXPORTS}/colmap")


@pytest.mark.parametrize("around", ["", "s-1-colmap/"])
@pytest.mark.parametrize("there", [False, True])
def test_an_export_is_copied(cli, made, tmp_path, there, around):
    content = {f"{around}images/": "", f"{around}images/a.jpg": "a", f"{around}sparse/0/cameras.txt": "c"}
    made.answers[f"GET {EXPORTS}/colmap"] = archive(**content)
    target = tmp_path / "new" / "model"
    if there:
        target.mkdir(parents=True)
    call = cli("export", "s-1", "--format", "colmap", "--to", str(target))
    assert call.code == 0
    assert call.out.splitlines()[-1] == f"copied to {target}"
    files = {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}
    assert files == {"images/a.jpg": "a", "sparse/0/cameras.txt": "c"}


def test_nothing_is_written_over(cli, made, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for name in ("full", "full/x"):
        call = cli("export", "s-1", "--format", "colmap", "--to", str(tmp_path / name))
        assert call.code == 4
        assert "not an empty directory" in call.err
    assert not made.requests


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_nothing_is_unpacked_outside(cli, made, tmp_path, name):
    made.answers[f"GET {EXPORTS}/colmap"] = archive(**{name: "x"})
    call = cli("export", "s-1", "--format", "colmap", "--to", str(tmp_path / "t"))
    assert call.code == 6
    assert "would lie outside" in call.err
    assert not list((tmp_path / "t").iterdir())


def test_a_damaged_archive_is_said(cli, made, tmp_path):
    made.answers[f"GET {EXPORTS}/colmap"] = b"no zip"
    call = cli("export", "s-1", "--format", "colmap", "--to", str(tmp_path / "t"))
    assert call.code == 6
    assert "arrived damaged" in call.err


@pytest.mark.usefixtures("made")
def test_a_disk_that_cannot_be_written_is_said(cli, tmp_path):
    (tmp_path / "file").touch()
    call = cli("export", "s-1", "--format", "colmap", "--to", str(tmp_path / "file" / "below"))
    assert call.code == 6
    assert "cannot write to" in call.err


def test_an_unknown_format_is_refused(cli, made):
    made.answers[f"POST {EXPORTS}"] = (400, error("invalid", "the format 'x' is unknown"))
    assert cli("export", "s-1", "--format", "x").code == 2


def test_ctrl_c_cancels_an_export(cli, made, tmp_path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    made.answers |= {"GET /api/jobs/j-abc123": job(kind="export"), "POST /api/jobs/j-abc123/cancel": job("cancelled")}
    cli.on_sleep = interrupt
    call = cli("export", "s-1", "--format", "colmap", "--to", str(tmp_path / "t"))
    assert (call.code, call.out.splitlines()[-1]) == (130, "cancelled")
    assert not Path(tmp_path / "t").exists()
