"""Which process this is, and whether another still lives."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scanner.storage import Host
from scanner.storage.disk import host as hosts
from scanner.storage.disk.host import process_lives


def test_who_we_are_is_read_from_the_system(monkeypatch, tmp_path):
    here = Host.current()
    assert here.pid == os.getpid()
    assert here.process_start > 0
    assert "pid:[" in here.boot_id
    monkeypatch.setattr(hosts, "_MACHINE", tmp_path / "nothing")
    monkeypatch.setattr(hosts, "_NAMESPACE", tmp_path / "nothing")
    monkeypatch.setattr(hosts, "_read", lambda _: "")
    assert Host.current() == Host(name=here.name, id="", boot_id="", pid=here.pid, process_start=0)


def test_a_machine_without_an_id_has_none(monkeypatch, tmp_path):
    monkeypatch.setattr(hosts, "_MACHINE", tmp_path / "nothing")
    assert Host.current().id == ""


def test_the_same_run_of_the_same_computer_is_known_by_both_ids():
    here = Host.current()
    assert here.is_same_boot(here.id, here.boot_id)
    assert not here.is_same_boot("clone", here.boot_id)
    assert not here.is_same_boot(here.id, "before")
    nameless = Host(name="n", id="", boot_id="", pid=1, process_start=1)
    assert not nameless.is_same_boot("", "")
    bare = Host(name="n", id="", boot_id="drawn", pid=1, process_start=1)  # without /etc/machine-id
    assert bare.is_same_boot("", "drawn")
    assert not bare.is_same_boot("", "before")


@pytest.mark.parametrize(
    ("own", "host_id", "name", "boot_id", "same"),
    [
        ("m", "m", "other", "before", True), ("m", "clone", "n", "drawn a", False), ("m", "", "n", "drawn a", False),
        ("", "m", "n", "drawn a", False), ("", "", "n", "before", True), ("", "", "other", "before a", False),
        ("", "", "other", "drawn b", True), ("", "", "other", "", False),
    ],
)  # fmt: skip
def test_a_computer_is_known_by_its_id_or_by_its_name_or_its_kernel(own, host_id, name, boot_id, same):
    here = Host(name="n", id=own, boot_id="drawn a", pid=1, process_start=1)
    assert here.is_same_computer(host_id, name, boot_id) is same
    untold = Host(name="n", id="", boot_id="", pid=1, process_start=1)
    assert not untold.is_same_computer("", "other", "")


def test_a_process_lives_until_it_ends_and_another_with_its_number_is_another():
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    start = int(hosts._stat(child.pid)[19])
    assert process_lives(child.pid, start)
    assert process_lives(child.pid, 0)
    assert not process_lives(child.pid, start + 1)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process_lives(child.pid, start)  # ended, its parent has not asked for its status yet
    child.wait()
    assert child.stdin is not None
    child.stdin.close()
    assert not process_lives(child.pid, start)


def test_somebody_elses_process_is_there(monkeypatch):
    def forbidden(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    monkeypatch.setattr(hosts, "_stat", lambda _: [])
    assert process_lives(1, 5)


@pytest.mark.parametrize("text", ["", "1 (a) b) S 1"])
def test_a_process_that_cannot_be_looked_at_is_taken_for_alive(monkeypatch, text):
    monkeypatch.setattr(hosts, "_read", lambda _: text)
    assert process_lives(os.getpid(), 5)
