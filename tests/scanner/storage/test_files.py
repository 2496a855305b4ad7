"""The operations on the disk and the names of their failures."""

from __future__ import annotations

import errno
import os

import pytest

from scanner.errors import DiskFullError, StorageError
from scanner.storage import Files
from scanner.storage.disk.files import discard, durable_write, make_dirs, read_whole, remove_tree, reported, write_part
from tests.scanner.storage.support import FailingFiles, Place, RecordingFiles, names


def test_a_durable_write_in_order(tmp_path):
    files = RecordingFiles()
    path = tmp_path / "document.json"
    durable_write(files, path, b"new")
    assert path.read_bytes() == b"new"
    assert files.done == [
        ("write", "document.json.part"),
        ("fsync", "document.json.part"),
        ("rename", "document.json"),
        ("fsync_dir", tmp_path.name),
    ]


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_a_write_that_fails_leaves_the_old_content_and_no_part(tmp_path, fails_at):
    files = FailingFiles()
    path = tmp_path / "document.json"
    path.write_bytes(b"old")
    files.arm(fails_at)
    with pytest.raises(OSError, match="No space"):
        durable_write(files, path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["document.json"]


def test_a_left_over_part_is_never_written_into(tmp_path):
    path = tmp_path / "photo.jpg"
    left = tmp_path / "photo.jpg.part"
    left.write_bytes(b"of a write whose fsync failed")
    os.link(left, tmp_path / "witness")
    write_part(Files(), path, b"new")
    assert left.read_bytes() == b"new"
    assert (tmp_path / "witness").read_bytes() == b"of a write whose fsync failed"


def test_short_writes_are_continued(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    durable_write(Files(), tmp_path / "a", b"0123456789")
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.ENOSPC, DiskFullError, "disk_full"),
        (errno.EDQUOT, DiskFullError, "disk_full"),
        (errno.EROFS, StorageError, "read_only"),
        (errno.EACCES, StorageError, "read_only"),
        (errno.EMFILE, StorageError, "too_many_files"),
        (errno.ENFILE, StorageError, "too_many_files"),
        (errno.EIO, StorageError, "io_error"),
        (errno.ENODEV, StorageError, "io_error"),
        (errno.ENOTDIR, StorageError, "io_error"),
        (None, StorageError, "io_error"),
    ],
)
def test_failures_have_types_and_reasons(tmp_path, number, kind, reason):
    with pytest.raises(StorageError) as caught, reported("photo x could not be saved", tmp_path):
        raise OSError(number, "what the system says", str(tmp_path / "secret"))
    assert type(caught.value) is kind
    assert caught.value.detail["reason"] == reason
    assert caught.value.message.startswith("photo x could not be saved: ")
    assert "secret" not in caught.value.message


async def test_what_is_in_the_way_of_a_start_is_named(tmp_path):
    (tmp_path / "data").write_bytes(b"a file")
    with pytest.raises(StorageError) as caught:
        async with Place(tmp_path).storage():
            pass
    assert str(tmp_path / "data") in caught.value.message
    assert caught.value.message.endswith("a file is where a directory should be")


def test_a_full_disk_that_cannot_even_be_asked_has_no_figures(tmp_path):
    with pytest.raises(DiskFullError) as caught, reported("x", tmp_path / "gone"):
        raise OSError(errno.ENOSPC, "")
    assert "free" not in caught.value.detail


def test_directories_are_made_and_made_known(tmp_path):
    files = RecordingFiles()
    make_dirs(files, tmp_path / "a/b/c")
    assert (tmp_path / "a/b/c").is_dir()
    assert [name for operation, name in files.done if operation == "fsync_dir"] == [tmp_path.name, "a", "b"]
    make_dirs(files, tmp_path / "a/b/c")
    assert len(files.done) == 3


def test_trees_are_removed_without_following_links(tmp_path):
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_bytes(b"")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"")
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept", target_is_directory=True)
    remove_tree(Files(), tmp_path / "tree")
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]


def test_discarding_never_raises(tmp_path):
    discard(Files(), tmp_path / "nothing")


def test_names_change_places_in_one_step(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(b"")
    Files().exchange(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path / "a") == ["b"]
    with pytest.raises(FileNotFoundError):
        Files().exchange(tmp_path / "a", tmp_path / "nothing")


def test_a_link_is_exclusive(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"")
    with pytest.raises(FileExistsError):
        Files().link(tmp_path / "a", tmp_path / "b")


def test_only_plain_files_are_read(tmp_path):
    """Of a document's name there may lie anything: a pipe is not waited for, a device not read to its end."""
    (tmp_path / "plain").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("plain")
    assert (read_whole(tmp_path / "plain"), read_whole(tmp_path / "link", 2)) == (b"12345", b"12")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "directory").mkdir()
    for name, number in (("pipe", errno.EINVAL), ("device", errno.EINVAL), ("directory", errno.EISDIR)):
        with pytest.raises(OSError, match=os.strerror(number)):
            read_whole(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "none")
