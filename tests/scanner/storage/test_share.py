"""What the data directory lies on, and whether that can hold locks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from scanner.errors import StorageError
from scanner.storage import Files, Sharing
from scanner.storage.disk.share import MOUNTS, check_share, file_system, is_network
from tests.scanner.storage.sharing import LOCAL, Swept, daemon
from tests.scanner.storage.support import FailingFiles, names

TABLE = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 27 0:50 / {root}/share rw,relatime shared:7 - nfs4 nas:/scans rw
31 27 0:51 / {root}/my\\040disk rw,relatime - cifs //nas/scans rw
32 30 0:52 / {root}/share/local rw,relatime - ext4 /dev/sdb1 rw
33 27 0:53 / {root}/twice rw,relatime - ext4 /dev/sdb1 rw
34 33 0:54 / {root}/twice rw,relatime - fuse.sshfs nas: rw
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("share", "nfs4"),
        ("share/data", "nfs4"),
        ("share/local/data", "ext4"),
        ("shared", "ext4"),
        ("my disk/data", "cifs"),
        ("twice", "fuse.sshfs"),
        ("", "ext4"),
    ],
)
def test_the_mount_that_is_nearest_and_newest_decides(tmp_path, place, kind):
    table = tmp_path / "mountinfo"
    table.write_text(TABLE.format(root=tmp_path))
    assert file_system(tmp_path / place, table) == kind


def test_where_the_system_does_not_tell_nothing_is_known(tmp_path):
    assert file_system(tmp_path, tmp_path / "nothing") == ""
    (tmp_path / "empty").write_text("")
    assert file_system(tmp_path, tmp_path / "empty") == ""
    assert file_system(Path("/proc")) == "proc"
    assert MOUNTS.exists()


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("nfs4", True),
        ("cifs", True),
        ("fuse.sshfs", True),
        ("9p", True),
        ("ext4", False),
        ("fuseblk", False),
        ("", False),
    ],
)
def test_file_systems_of_others_are_known(kind, network):
    assert is_network(kind) is network


def test_what_was_said_decides(tmp_path):
    assert Sharing(shared=True).applies(tmp_path)
    assert not Sharing(shared=False).applies(tmp_path)
    assert not Sharing().applies(tmp_path)


def token() -> str:
    return "t"


def test_an_ordinary_disk_is_accepted_and_left_as_it_was(tmp_path):
    (tmp_path / ".probe-of-somebody-who-crashed").touch()
    check_share(Files(), tmp_path, token)
    assert names(tmp_path) == []


class Unsuitable(Files):
    """A file system that lacks something."""

    def __init__(self, lacks: str) -> None:
        self.lacks = lacks

    def open(self, path: Path, flags: int) -> int:
        if self.lacks == "exclusive create":
            flags &= ~os.O_EXCL
        return super().open(path, flags)

    def link(self, source: Path, target: Path) -> None:
        match self.lacks:
            case "link":
                raise OSError(errno.EPERM, "no links here")
            case "link call":
                raise OSError(errno.EOPNOTSUPP, "no links here")
            case "real link":
                target.write_bytes(source.read_bytes())
            case "exclusive link":
                target.unlink(missing_ok=True)
                super().link(source, target)
            case _:
                super().link(source, target)


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ("exclusive create", "lets two create the same file"),
        ("link", "cannot give a file a second name"),
        ("link call", "cannot give a file a second name"),
        ("real link", "copies a file instead of giving it a second name"),
        ("exclusive link", "lets two publish the same name"),
    ],
)
async def test_a_disk_that_cannot_hold_locks_is_refused_at_the_start(tmp_path, lacks, said):
    with pytest.raises(StorageError, match=said) as caught:
        async with daemon(tmp_path, "one", files=Unsuitable(lacks)):
            pass
    assert caught.value.detail["reason"] == "unsuitable"
    assert "choose another place for data_dir" in caught.value.message
    assert names(tmp_path / "data") == ["sessions"]
    async with daemon(tmp_path, "one"):  # nothing was left open or locked
        pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EMFILE])
async def test_a_full_or_broken_disk_is_no_reason_to_refuse(tmp_path, number, caplog):
    tmp_path.joinpath("data").mkdir()
    files = FailingFiles()
    files.arm(1, number, for_good=True)
    check_share(files, tmp_path / "data", token)
    assert "whether the data directory can hold locks is not known" in caplog.text


def test_two_that_start_at_once_do_not_disturb_each_other(tmp_path):
    files = Swept()
    check_share(files, tmp_path, token)
    assert files.times == 3
    assert names(tmp_path) == []

    class AlwaysSwept(Files):
        def link(self, source: Path, target: Path) -> None:
            source.unlink()
            super().link(source, target)

    check_share(AlwaysSwept(), tmp_path, token)
    assert names(tmp_path) == []


@pytest.mark.parametrize("operation", ["open", "link"])
def test_one_that_is_swept_between_two_looks_does_not_blame_the_disk(tmp_path, operation):
    """Several scanners that are switched on at once, on one shared directory."""

    class SweptBetween(Files):
        times = 0

        def swept(self, path: Path) -> None:
            self.times += 1
            if self.times == 2:
                path.unlink()

        def open(self, path: Path, flags: int) -> int:
            if operation == "open":
                self.swept(path)
            return super().open(path, flags)

        def link(self, source: Path, target: Path) -> None:
            if operation == "link":
                self.swept(target)
            super().link(source, target)

    files = SweptBetween()
    check_share(files, tmp_path, token)
    assert files.times == 4  # it looked again
    assert names(tmp_path) == []


async def test_a_share_is_found_out_by_itself(tmp_path, monkeypatch):
    table = tmp_path / "mountinfo"
    table.write_text(TABLE.format(root=tmp_path).replace("/share ", "/data "))
    monkeypatch.setattr("scanner.storage.disk.share.file_system", lambda path: file_system(path, table))
    (tmp_path / "data").mkdir()
    async with daemon(tmp_path, "one", sharing=Sharing()) as one:
        assert one._keeper.locker.shared
    async with daemon(tmp_path, "one", sharing=LOCAL) as one:
        assert not one._keeper.locker.shared


async def test_a_state_directory_on_a_share_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "scanner.storage.keeping.opening.file_system", lambda path: "nfs4" if path.name == "one" else "ext4"
    )
    async with daemon(tmp_path, "one") as one:
        assert "the state directory lies on a network share" in one.notices[0]
    async with daemon(tmp_path, "two") as two:
        assert two.notices == ()
