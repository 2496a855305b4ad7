"""Habits that a linter does not know: clocks are given, print is the command line's, a silenced check says why."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.tree import TOP, calls, dotted, modules

LINES = 350
CLOCKS = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma: no (?:cover|branch)|fmt: off)(.*)")
REASON = re.compile(r"(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|\[[a-z-]+(?:,\s*[a-z-]+)*\])?\s*(?:-|#)\s+\S+")
LEFT_NOTE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def texts(*suffixes: str):
    for package in ("scanner", "web", "tests"):
        for path in sorted((TOP / package).rglob("*")):
            if path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path.relative_to(TOP), path.read_text(encoding="utf-8")


def test_no_module_is_longer_than_fits_in_a_head():
    long = {
        str(path): lines
        for path, text in texts(".py", ".js")
        if path.parts[0] != "tests" and (lines := text.count("\n")) > LINES
    }
    assert long == {}


def test_every_module_package_and_public_name_says_what_it_is():
    found = []
    for module in modules():
        if not ast.get_docstring(module.tree):
            found.append(str(module.path))
        found += [
            f"{module.at(node)}: {node.name}"
            for node in module.tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ]
    assert found == []


def test_nothing_reads_the_wall_clock_but_the_clock():
    found = [
        f"{module.at(node)}: {dotted(node)}"
        for module in modules()
        if not module.within("scanner.clock")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and any(dotted(node).endswith(clock) for clock in CLOCKS)
    ]
    assert found == []


def test_nothing_sleeps_but_the_clock_and_the_command_line():
    """The web may: its patience with a connection is the socket's, not the rig's."""
    found = [
        module.at(node)
        for module in modules()
        if not module.within("scanner.clock", "scanner.cli", "scanner.client", "web")
        for name, node in calls(module)
        if name in {"time.sleep", "asyncio.sleep"} and not (node.args and ast.unparse(node.args[0]) == "0")
    ]
    assert found == []


def test_print_is_the_command_lines():
    found = [
        module.at(node)
        for module in modules()
        if not module.within("scanner.cli")
        for name, node in calls(module)
        if name in {"print", "sys.stdout.write", "sys.stderr.write"}
    ]
    assert found == []


@pytest.mark.parametrize("path, text", [pytest.param(p, t, id=str(p)) for p, t in texts(".py")])
def test_a_silenced_check_says_why(path, text):
    if path.name == "test_habits.py":
        return
    found = [
        f"{path}:{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if (silenced := SILENCED.search(line)) and not REASON.match(silenced[2])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("comment", "fine"),
    [
        ("# noqa: BLE001 - the root of a task", True),
        ("# noqa: A001, B002 - because", True),
        ("# type: ignore[arg-type]  # the stub is wrong", True),
        ("# pragma: no cover - needs a Pi", True),
        ("# noqa", False),
        ("# noqa: BLE001", False),
        ("# type: ignore[arg-type]", False),
        ("# pragma: no cover", False),
    ],
)
def test_what_counts_as_a_reason(comment, fine):
    silenced = SILENCED.search(comment)
    assert silenced
    assert bool(REASON.match(silenced[2])) is fine


def test_no_notes_are_left_lying_about():
    found = [
        f"{path}:{number}"
        for path, text in texts(".py", ".js", ".css", ".html", ".yaml")
        if path.name != "test_habits.py"
        for number, line in enumerate(text.splitlines(), 1)
        if LEFT_NOTE.search(line)
    ]
    assert found == []


def test_one_word_for_one_thing():
    found = [
        f"{path}:{number}"
        for path, text in texts(".py", ".js", ".html")
        if path.parts[0] != "tests"
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"scan_?id\b|scan id\b|\bproject_id\b", line, re.IGNORECASE)
    ]
    assert found == []
