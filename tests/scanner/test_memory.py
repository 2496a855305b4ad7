"""Memory that was freed does not stay with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scanner.memory import give_back, return_freed
from tests.support.tree import TOP

GROWN = """
from scanner.memory import give_back, return_freed
if {asked}:
    return_freed()

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

once = bytearray(12_000_000)
del once  # what glibc learns from
before = resident()
blocks = [bytearray(b"x" * 200_000) for _ in range(50)]
del blocks
print(resident() - before)
"""


@pytest.mark.parametrize(("asked", "least", "most"), [(True, 0, 1), (False, 8, 12)])
def test_what_was_large_once_does_not_stay_large(asked, least, most):
    """The second case shows that the first can fail: so a process without it grows."""
    command = [sys.executable, "-c", GROWN.format(asked=asked)]
    grown = int(subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout)
    assert least <= grown / 1e6 <= most


SCATTERED = """
from scanner.memory import give_back

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

blocks = [bytearray(b"x" * 20_000) for _ in range(500)]
keep = blocks[::25]  # what keeps the heap from shrinking at its end
del blocks
before = resident()
{act}
print(before - resident())
"""


@pytest.mark.parametrize(("act", "least", "most"), [("give_back()", 8, 12), ("pass", -1, 1)])
def test_what_lies_free_between_what_is_in_use_goes_back(act, least, most):
    command = [sys.executable, "-c", SCATTERED.format(act=act)]
    freed = int(subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout)
    assert least <= freed / 1e6 <= most


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr("scanner.memory.ctypes.CDLL", lambda _name: object())
    return_freed()
    give_back()
