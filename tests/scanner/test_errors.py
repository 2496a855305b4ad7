"""The error tree: one table, drawn in its docstring, true."""

from __future__ import annotations

import inspect
import re

import pytest

from scanner import errors
from scanner.errors import CameraGoneError, CameraTimeoutError, ScannerError, error_types

ROW = re.compile(r"^    (?P<branch>[ │├└─]*)(?P<name>\w+Error) +(?P<code>\w+) +(?P<status>\d{3}) +(?P<exit>\d+)")
TREE = list(error_types())


def drawn() -> list[tuple[int, str, str, int, int]]:
    """Depth, name, code, status and exit code of every row of the docstring."""
    rows = [ROW.match(line) for line in (errors.__doc__ or "").splitlines()]
    return [
        (len(row["branch"]) // 4, row["name"], row["code"], int(row["status"]), int(row["exit"])) for row in rows if row
    ]


def depth(kind: type[ScannerError]) -> int:
    """How far below the root; builtin parents do not count."""
    return sum(issubclass(parent, ScannerError) for parent in kind.__mro__[1:])


def test_the_table_in_the_docstring_is_the_tree():
    tree = [(depth(kind), kind.__name__, kind.code, kind.status.value, kind.exit_code) for kind in TREE]
    assert drawn() == tree[1:]  # the root stands in the heading


def test_every_error_of_the_module_is_in_the_tree():
    defined = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert defined == set(TREE)


def test_codes_are_unique_words():
    codes = [kind.code for kind in TREE]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("kind", TREE)
def test_every_error_carries_a_message_for_people_and_facts_for_machines(kind):
    error = kind("the plate is stuck", axis="turntable")
    assert str(error) == error.message == "the plate is stuck"
    assert error.detail == {"axis": "turntable"}
    assert 400 <= kind.status.value < 600
    assert 1 <= kind.exit_code <= 7
    assert kind.__doc__


def test_camera_faults_are_the_builtin_faults_too():
    assert issubclass(CameraTimeoutError, TimeoutError)
    assert issubclass(CameraGoneError, ConnectionError)
