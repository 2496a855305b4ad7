"""Values that make no sense are refused where they are typed, in words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.cli import main
from tests.scanner.cli.stub import COMMAND
from tests.support.daemon import environment
from tests.support.demand import demand


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["demo", "--port", "abc"], "--port: expected a whole number, got 'abc'"),
        (["demo", "--port", "65536"], "--port: must be from 0 to 65535"),
        (["demo", "--speed", "fast"], "--speed: expected a number, got 'fast'"),
        (["demo", "--speed", "0"], "--speed: must be more than 0 and at most 1000"),
        (["demo", "--dir", ""], "--dir: must name a directory"),
        (["rig", "move", "nan"], "AZIMUTH: expected a number, got 'nan'"),
        (["rig", "move", "--elevation", "inf"], "--elevation: expected a number, got 'inf'"),
        (["scan", "start", "--elevations", "10,high"], "--elevations: expected a number, got 'high'"),
        (["scan", "start", "--settle", "soon"], "--settle: expected a number, got 'soon'"),
        (["scan", "start", "--light", "ring"], "--light: expected a number, got ''"),
        (["scan", "start", "--fibonacci", "1.5"], "--fibonacci: expected a whole number, got '1.5'"),
        (["jobs", "move", "j-abc123", "first"], "POSITION: expected a whole number, got 'first'"),
    ],
)
def test_what_makes_no_sense_is_said_in_words(argv, said, capsys):
    assert main(argv) == 2
    assert f"error: argument {said}" in capsys.readouterr().err.replace("-e/--elevation", "--elevation")


@pytest.mark.process
def test_an_output_that_cannot_be_written_is_said_in_a_line(stub):
    stub.answers["GET /api/jobs"] = {"items": [], "next": None, "total": 0}
    full = Path("/dev/full")
    demand(full.exists(), "/dev/full")
    with full.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "jobs", "list"],
            env=environment() | {"SCANNER_SOCKET": str(stub.path)},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=20,
        )
    assert (done.returncode, done.stderr) == (6, f"scanner: the output cannot be written: {os.strerror(28)}\n")
