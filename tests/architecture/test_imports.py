"""What is imported when: the daemon of a real rig never loads the twin, the command line starts at once."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

from tests.support.tree import TOP

LIGHT = {"scanner.hardware.sim.faults"}  # the one value of the twin that the demo's interface decodes
LATER = {"aiohttp", "asyncio", "msgspec", "web", "yaml"}  # what only the daemon needs
HEAVY = {"numpy", "PIL", "rich", "cv2", "pycolmap", "gpiozero", "picamera2", "serial", "pytest", "playwright"}


def loaded_by(*names: str) -> set[str]:
    """The modules loaded after a fresh interpreter imported ``names``."""
    program = f"import json, sys\nimport {', '.join(names)}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=TOP, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def tops(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_the_daemon_is_imported_without_the_twin_and_without_arrays():
    loaded = loaded_by("scanner.app", "web.app")
    assert tops(loaded) & HEAVY == set()
    assert {name for name in loaded if name.startswith("scanner.hardware.sim.")} <= LIGHT


@pytest.mark.parametrize("name", ["scanner.config", "scanner.storage", "scanner.jobs", "scanner.__main__"])
def test_these_alone_are_light_too(name):
    assert tops(loaded_by(name)) & HEAVY == set()


def test_the_command_line_starts_without_the_daemons_libraries():
    assert tops(loaded_by("scanner.cli", "scanner.cli.entry", "scanner.client")) & (HEAVY | LATER) == set()


def test_the_layers_name_every_module_and_only_those():
    settings = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]
    for contract in settings["contracts"]:
        if contract["type"] != "layers":
            continue
        (container,) = contract["containers"]
        folder = TOP.joinpath(*container.split("."))
        there = {
            path.stem
            for path in folder.iterdir()
            if (path.suffix == ".py" and path.name != "__init__.py") or (path / "__init__.py").exists()
        }
        named = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
        assert contract["exhaustive"]
        assert named == there, container
