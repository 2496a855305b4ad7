"""What is kept of users and logins: lost, damaged, edited by hand, refused by the disk."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest
import yaml

from scanner.access import Access, Role
from scanner.errors import AccessLockedError, StorageError
from tests.scanner.access.conftest import HERE, PASSWORD, Opener
from tests.scanner.storage.support import FailingFiles

DAMAGE = [
    b"", b"\x00\xff", b"users: [", b"[]", b"format: scanner-users\nversion: 2\n", b"a: &a [*a]", b"[" * 5000,
    b"format: scanner-users\nversion: 1\n",
    b"format: scanner-users\nversion: 1\nusers: [{name: eve, role: admin, password: '', created_at: x, changed_at: x}]",
    b"format: scanner-users\nversion: 1\nusers: [{name: eve, role: root}]",
]  # fmt: skip


@pytest.mark.parametrize("damage", [None, *DAMAGE])
async def test_users_that_are_lost_or_damaged_lock_and_never_open(
    access: Access, opened: Opener, tmp_path: Path, damage: bytes | None
):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    path = tmp_path / "access/users.yaml"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(AccessLockedError, match="sudo scanner user add"):  # also where it happens meanwhile
        await access.gate.log_in("anna", PASSWORD, HERE)
    assert access.by_cookie(cookie) is None
    again = await opened()
    assert again.setup_code is None
    assert "users.yaml" in (again.locked or "")
    assert again.by_cookie(cookie) is None
    with pytest.raises(AccessLockedError):
        await again.gate.set_up("", "eve", PASSWORD, HERE)

    await again.people.add("bert", "admin", PASSWORD)
    assert again.locked is None
    await again.gate.log_in("bert", PASSWORD, HERE)
    kept = [one.read_bytes() for one in path.parent.glob("users.yaml.damaged-*")]
    assert kept == ([] if damage is None else [damage])


async def test_a_file_that_may_not_be_read_locks(access: Access, opened: Opener, tmp_path: Path):
    await access.gate.log_in("anna", PASSWORD, HERE)
    path = tmp_path / "access/users.yaml"
    path.unlink()
    path.mkdir()
    assert "cannot be read" in ((await opened()).locked or "")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": "scanner-logins", "version": 9, "logins": []}'])
async def test_logins_that_are_damaged_are_over(access: Access, opened: Opener, tmp_path: Path, damage: bytes):
    cookie = await access.gate.log_in("anna", PASSWORD, HERE)
    await access.close()
    (tmp_path / "access/logins.json").write_bytes(damage)
    again = await opened()
    assert again.by_cookie(cookie) is None
    assert again.locked is None
    await again.gate.log_in("anna", PASSWORD, HERE)


async def test_what_is_edited_by_hand_counts_at_the_next_login(access: Access, tmp_path: Path):
    await access.people.add("bert", "viewer", PASSWORD)
    path = tmp_path / "access/users.yaml"
    document = yaml.safe_load(path.read_text())
    document["users"][1]["role"] = "operator"
    path.write_text(yaml.safe_dump(document))
    cookie = await access.gate.log_in("bert", PASSWORD, HERE)
    assert (found := access.by_cookie(cookie)) is not None
    assert found.role is Role.OPERATOR
    await access.people.add("carl", "viewer", PASSWORD)
    assert [user["role"] for user in yaml.safe_load(path.read_text())["users"]] == ["admin", "operator", "viewer"]


@pytest.mark.usefixtures("access")
@pytest.mark.parametrize("fails_at", range(1, 6))
async def test_a_change_that_the_disk_refuses_has_not_happened(opened: Opener, fails_at: int):
    files = FailingFiles()
    failing = await opened(files=files)
    files.arm(fails_at, errno.ENOSPC)
    with pytest.raises(StorageError):
        await failing.people.add("bert", "viewer", PASSWORD)
    (failed,) = files.failed
    files.arm(None)
    kept = [user.name for user in (await opened()).people.users]
    assert kept == (["anna", "bert"] if failed == "fsync_dir" else ["anna"])  # its name may be durable or not
    await failing.people.add("carl", "viewer", PASSWORD)


async def test_a_change_goes_on_though_nobody_waits_for_it(access: Access, opened: Opener):
    adding = asyncio.create_task(access.people.add("bert", "viewer", PASSWORD))
    await asyncio.sleep(0)
    adding.cancel()
    await access.close()
    assert [user.name for user in (await opened()).people.users] == ["anna", "bert"]


async def test_closing_twice_is_closing_once(access: Access):
    await access.gate.log_in("anna", PASSWORD, HERE)
    await access.close()
    await access.close()
