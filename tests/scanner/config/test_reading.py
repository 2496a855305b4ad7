"""Configuration files: found, read, and refused with every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from scanner.config import (
    Config,
    DiskConfig,
    JobsConfig,
    RigConfig,
    SimCamera,
    SimLight,
    SimTilt,
    SimTurntable,
    SimWorld,
    StorageConfig,
    WebConfig,
    demo_config,
    find,
    load,
    parse,
    reading,
    show,
)
from scanner.errors import ConfigError
from scanner.model import Geometry
from scanner.spec import Rings, ScanSpec

EXAMPLES = Path(__file__).parents[3] / "config"
SETTING_LEFT_OUT = re.compile(r"(?m)^#(?! \S|$)")  # a "#" directly before a key; before prose stands "# "


def faults(text: str) -> dict[str, tuple[int | None, str]]:
    """Path -> line and message."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), file="f.yaml")
    assert caught.value.message.startswith("f.yaml: ")
    return {fault["path"]: (fault["line"], fault["message"]) for fault in caught.value.detail["errors"]}


def keys_of(kind: inspect.Type, path: str = "") -> Iterator[str]:
    """Every key that a type of the configuration has, as dotted paths; names that are free are ``*``."""
    match kind:
        case inspect.StructType():
            if kind.tag is not None:
                yield f"{path}driver"
            for one in kind.fields:
                yield path + one.encode_name
                yield from keys_of(one.type, f"{path}{one.encode_name}.")
        case inspect.UnionType():
            for one in kind.types:
                yield from keys_of(one, path)
        case inspect.Metadata():
            yield from keys_of(kind.type, path)
        case inspect.DictType() if path.startswith("rig."):
            yield from keys_of(kind.value_type, f"{path}*.")


def keys_in(data: Any, path: str = "") -> Iterator[str]:
    """The same of what stands in a file."""
    if not isinstance(data, dict):
        return
    for key, child in data.items():
        name = "*" if path in {"rig.cameras.", "rig.lights."} else key
        if name != "*":
            yield f"{path}{name}"
        if name != "presets":
            yield from keys_in(child, f"{path}{name}.")


def test_the_commented_default_decodes_to_the_defaults():
    assert load(EXAMPLES / "scanner.yaml") == Config()


def test_the_commented_default_explains_every_key_and_no_other():
    text = (EXAMPLES / "scanner.yaml").read_text().replace("presets: {}\n", "")
    whole = SETTING_LEFT_OUT.sub("", text)
    assert set(keys_in(yaml.safe_load(whole))) == set(keys_of(inspect.type_info(Config)))
    config = parse(whole.encode(), file="scanner.yaml")
    assert config.presets["standard"] == ScanSpec(plan=config.presets["standard"].plan)
    assert config.rig == RigConfig(
        turntable=SimTurntable(),
        tilt=SimTilt(),
        cameras={"main": SimCamera()},
        lights={"ring": SimLight()},
        geometry=Geometry(distance=280, target_height=38),
    )
    assert config.rig.twin == SimWorld()


def test_every_key_of_the_commented_default_has_a_comment():
    before = ""
    for line in (EXAMPLES / "scanner.yaml").read_text().splitlines():
        text = SETTING_LEFT_OUT.sub("", line).strip()
        if not text:
            before = ""
        elif text.startswith("#"):
            before = text
        elif not before.startswith("#") and ":" in text:
            assert before, f"{line!r} follows nothing that explains it"
            before = text
        else:
            before = text


def test_the_simulated_example_is_a_whole_rig():
    config = load(EXAMPLES / "simulated.yaml")
    assert config.rig is not None
    assert config.data_dir == EXAMPLES / "scanner-data" / "data"
    assert isinstance(config.presets["standard"].plan, Rings)


def test_every_fault_at_once_with_line_path_and_nearest_name():
    text = """
web:
  prot: 80
  host: ""
  public_url: scanner
disk: {stop_below_gib: -1}
checkpoint_interval: soon
rig:
  turntable: {speed: 0, driver: sim}
  tilt: {lowest: 1}
  cameras:
    main: {driver: picamera}
    "Two": {driver: sim, width: 101}
  lights: {ring: {}}
resume_on_start: yes
presets:
  quick: {plan: {kind: rigs}}
"""
    assert faults(text) == {
        "web.prot": (3, "is unknown; did you mean 'port'?"),
        "web.host": (4, "must not be empty"),
        "web.public_url": (5, "must be an address like https://scan.example.org, got 'scanner'"),
        "disk.stop_below_gib": (6, "must be at least 0"),
        "checkpoint_interval": (7, "expected a whole number, got a text 'soon'"),
        "rig.turntable.speed": (9, "must be more than 0"),
        "rig.tilt.driver": (10, "is missing: name the driver (sim)"),
        "rig.cameras.main.driver": (12, "expected 'sim', got a text 'picamera'"),
        "rig.cameras.Two": (13, "must be made of a-z, 0-9 and '-', at most 48 characters, got 'Two'"),
        "rig.cameras.Two.width": (13, "must be a multiple of 2"),
        "rig.lights.ring.driver": (14, "is missing: name the driver (sim)"),
        "resume_on_start": (15, "expected 'ask' or 'auto' or 'never', got true"),
        "presets.quick.plan.kind": (
            17,
            "expected one of 'rings', 'fibonacci', 'spiral', 'grid', 'list', got a text 'rigs'; did you mean 'rings'?",
        ),
    }


def test_values_that_contradict_each_other():
    text = """
disk:
  stop_below_gib: 5
rig:
  turntable: {driver: sim}
  tilt:
    driver: sim
    lowest: 50
    highest: 50
  cameras: {main: {driver: sim}}
presets:
  a:
    title: t
web:
  host: 0.0.0.0
  login: false
  trusted_proxies: [10.0.0.0/8, everybody]
"""
    assert faults(text) == {
        "web.login": (16, "may be false only where `host` is 127.0.0.1: everybody could use the scanner"),
        "web.trusted_proxies[1]": (17, "expected an address, or a network like 192.168.1.0/24"),
        "disk.go_above_gib": (2, "must not be below `stop_below_gib`"),
        "rig.tilt.highest": (9, "must be above `lowest`"),
        "presets.a.title": (13, "does not belong into a preset"),
    }


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("{shared: maybe}", "storage.shared", "expected 'auto' or true or false, got a text 'maybe'"),
        ("{beat: 0}", "storage.beat", "must be more than 0"),
        ("{beat: 200}", "storage.stale_after", "must be at least twice `beat`, or locks lapse while they are kept"),
    ],
)
def test_sharing_that_cannot_work(text, path, message):
    assert faults(f"storage: {text}") == {path: (1, message)}


@pytest.mark.parametrize(("text", "shared"), [("auto", "auto"), ("yes", True), ("false", False)])
def test_sharing_may_be_said(text, shared):
    assert parse(f"storage: {{shared: {text}}}".encode(), file="f").storage == StorageConfig(shared=shared)


@pytest.mark.parametrize("kind", ["turntable: {}", "cameras: {main: {}}"])
def test_no_driver_is_ever_assumed(kind):
    complete = {"turntable": "turntable: {driver: sim}", "cameras": "cameras: {main: {driver: sim}}"}
    name = kind.partition(":")[0]
    text = "rig:\n" + "".join(f"  {kind if part == name else line}\n" for part, line in complete.items())
    assert all(message.startswith("is missing: name the driver") for _, message in faults(text).values())


def test_many_faults_are_counted():
    with pytest.raises(ConfigError) as caught:
        parse("".join(f"k{number}: 1\n" for number in range(300)).encode(), file="f")
    assert caught.value.detail["count"] == 300
    assert len(caught.value.detail["errors"]) == 100
    assert caught.value.message.endswith("; and 295 more")


def test_values_are_read():
    text = """
data_dir: /srv/photos
web: &open {host: 0.0.0.0, allowed_hosts: [scan.example.org], public_url: "https://scan.example.org"}
disk: {stop_below_gib: 0.5, go_above_gib: 1}
jobs: {keep_ended_hours: 1}
"""
    config = parse(text.encode(), file="f")
    assert config == Config(
        data_dir=Path("/srv/photos"),
        web=WebConfig(host="0.0.0.0", allowed_hosts=("scan.example.org",), public_url="https://scan.example.org"),  # noqa: S104 - an example
        disk=DiskConfig(stop_below_gib=0.5, go_above_gib=1.0),
        jobs=JobsConfig(keep_ended_hours=1.0),
    )
    assert config.disk.stop_below == 1 << 29
    assert config.disk.go_above == 1 << 30


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "~"])
def test_an_empty_file_is_the_default(text):
    assert parse(text.encode(), file="f") == Config()


def test_relative_paths_start_at_the_file_and_home_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    path = tmp_path / "scanner.yaml"
    path.write_text("data_dir: photos\nstate_dir: ~/state\nsocket: /run/s\n")
    config = load(path)
    assert config.data_dir == tmp_path / "photos"
    assert config.state_dir == Path("/home/anna/state")
    assert config.socket == Path("/run/s")


def test_no_file_is_the_default():
    assert load(None) == Config()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.yaml cannot be read: No such file") as caught:
        load(tmp_path / "missing.yaml")
    assert caught.value.detail["file"] == str(tmp_path / "missing.yaml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)


def test_the_file_is_looked_for_in_order(tmp_path, monkeypatch):
    installed = tmp_path / "installed.yaml"
    monkeypatch.setattr(reading, "INSTALLED", installed)
    assert find(None, {}) is None
    installed.touch()
    assert find(None, {}) == installed
    assert find(None, {"SCANNER_CONFIG": "/b"}) == Path("/b")
    assert find(None, {"SCANNER_CONFIG": ""}) == installed
    assert find(Path("/a"), {"SCANNER_CONFIG": "/b"}) == Path("/a")


def test_the_demo_keeps_everything_below_one_directory(tmp_path):
    config = demo_config(tmp_path, 0, 5)
    assert {config.data_dir.parent, config.state_dir.parent, config.socket.parent} == {tmp_path}
    assert config.web == WebConfig(port=0, login=False)
    assert config.rig is not None
    assert config.rig.speed == 5


def test_what_is_shown_can_be_read_again(tmp_path):
    for config in (Config(), demo_config(tmp_path, 8080, 2)):
        assert parse(show(config).encode(), file="f") == config


@given(st.text(max_size=60) | st.text("ab:-{}[]&*!\n #'\"", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parse(text.encode("utf-8", "surrogatepass"), file="f")
    except ConfigError as fault:
        assert fault.detail["errors"]
