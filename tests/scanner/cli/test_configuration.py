"""``scanner config``: no daemon needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.config import Config, parse, reading

EXAMPLES = Path(__file__).parents[3] / "config"


@pytest.fixture(autouse=True)
def _nothing_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "INSTALLED", tmp_path / "none.yaml")


def test_a_good_file(cli):
    path = EXAMPLES / "simulated.yaml"
    assert cli("config", "check", str(path)).out == f"{path}: good (rig 'twin')\n"
    assert json.loads(cli("config", "check", str(path), "--json").out) == {"file": str(path), "rig": True}


def test_no_file(cli):
    assert cli("config", "check").out == "no file, all defaults: good (no rig: safe mode)\n"
    assert json.loads(cli("config", "check", "--json").out) == {"file": None, "rig": False}
    assert cli("config", "path").out == "none: the defaults are used\n"
    assert cli("config", "path", "--json").out == '{"file": null}\n'


def test_every_fault_in_a_line_of_its_own(cli, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("web:\n  prot: 1\nrig: 5\n")
    call = cli("config", "check", str(path))
    assert call.code == 2
    lines = call.err.splitlines()
    assert lines[0] == f"{path}:2: web.prot is unknown; did you mean 'port'?"
    assert lines[1].startswith(f"{path}:3: rig expected a group of keys")
    told = json.loads(cli("config", "check", str(path), "--json").out)["error"]
    assert (told["code"], told["detail"]["count"]) == ("invalid_config", 2)
    path.write_bytes(b"a: \xff")
    assert cli("config", "check", str(path)).err.startswith(f"{path}:  cannot be read")


def test_a_file_that_is_not_there(cli, tmp_path):
    call = cli("config", "check", str(tmp_path / "no.yaml"))
    assert call.code == 2
    assert "No such file" in call.err


def test_the_file_is_named_by_the_environment(cli):
    cli.environment["SCANNER_CONFIG"] = str(EXAMPLES / "simulated.yaml")
    assert cli("config", "path").out == f"{EXAMPLES / 'simulated.yaml'}\n"
    assert parse(cli("config", "show").out.encode(), file="f").rig is not None


def test_what_is_in_force_can_be_read_again(cli):
    assert parse(cli("config", "show").out.encode(), file="f") == Config()
    assert json.loads(cli("config", "show", "--json").out)["web"]["port"] == 8080
