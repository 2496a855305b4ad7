"""The tables of codes, commands and routes: in the docstring of ``scanner.errors``, in the README, in the code: one
truth.
"""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
from collections.abc import Iterator

import pytest

from scanner import errors
from scanner.cli import build_parser, directory, following, scan, sessions
from scanner.jobs import adopting
from scanner.planning import specs
from scanner.states import ENDED, PassState
from scanner.storage.directory.views import FORMAT
from tests.support.tree import TOP
from web.routes import ROUTES

ROW = re.compile(r"(\w+Error)\s+([a-z_]+)\s+(\d{3})\s+(\d)\b")


def known() -> dict[str, tuple[str, int, int]]:
    """Every error of the tree by name: code, HTTP status, exit code."""
    types = [kind for kind in errors.error_types() if kind.__module__.startswith(errors.__name__)]
    return {kind.__name__: (kind.code, int(kind.status), kind.exit_code) for kind in types}


def readme_rows(heading: str) -> list[tuple[str, ...]]:
    """The body rows of the table below ``heading``."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.partition(heading)[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("| ") for line in section.splitlines() if line.startswith("|")]
    return [tuple(cell.strip(" `") for cell in row.split("|")) for row in rows[2:]]


def test_the_docstring_draws_the_tree_that_is_there():
    drawn = {name: (code, int(status), int(leave)) for name, code, status, leave in ROW.findall(str(errors.__doc__))}
    assert drawn == {name: row for name, row in known().items() if name != "ScannerError"}


@pytest.mark.parametrize("kind", list(errors.error_types()), ids=lambda kind: kind.__name__)
def test_the_docstring_draws_each_error_below_its_parent(kind):
    lines = [line for line in str(errors.__doc__).splitlines() if "Error " in line]
    depth = {re.findall(r"\w+Error", line)[0]: re.search(r"\w+Error", line).start() for line in lines}
    if kind is errors.ScannerError or not kind.__module__.startswith(errors.__name__):
        return
    parent = next(base for base in kind.__bases__ if issubclass(base, errors.ScannerError))
    above = [name for name in depth if list(depth).index(name) < list(depth).index(kind.__name__)]
    nearest = next(name for name in reversed(above) if depth[name] < depth[kind.__name__])
    assert nearest == parent.__name__


def test_codes_are_unique():
    codes = [code for code, _, _ in known().values()]
    assert len(codes) == len(set(codes))


def test_the_readme_lists_every_error_code():
    expected = [
        (kind.code, str(int(kind.status)), str(kind.exit_code), first_line(kind))
        for kind in errors.error_types()
        if kind.__module__.startswith(errors.__name__)
    ]
    written = "\n".join(f"| `{a}` | {b} | {c} | {d} |" for a, b, c, d in expected)
    unmarked = [tuple(cell.replace("`", "") for cell in row) for row in readme_rows("Error codes")]
    assert unmarked == [tuple(cell.replace("`", "") for cell in row) for row in expected], f"the table is\n{written}"


def test_the_readme_lists_every_exit_code():
    codes = {kind.exit_code for kind in errors.error_types()} | {0, 130}
    assert {int(row[0]) for row in readme_rows("Exit codes")} == codes


def first_line(kind: type[errors.ScannerError]) -> str:
    """The contract of an error: the first sentence of its docstring."""
    text = " ".join(inspect.cleandoc(str(kind.__doc__)).split())
    return re.split(r"(?<=[.;]) |; ", text, maxsplit=1)[0].rstrip(".;")


def parsers(parser: argparse.ArgumentParser, path: str = "scanner") -> Iterator[tuple[str, str]]:
    """Every command with its line of help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help for choice in action._choices_actions}
            for name, child in action.choices.items():
                below = list(parsers(child, f"{path} {name}"))
                yield from below or [(f"{path} {name}", str(helps[name]))]


def test_the_readme_lists_every_command():
    expected = list(parsers(build_parser()))
    written = "\n".join(f"| `{command}` | {text} |" for command, text in expected)
    assert readme_rows("## Command line") == expected, f"the table is\n{written}"


def test_every_command_that_the_readme_shows_is_understood():
    text = (TOP / "README.md").read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
    shown = re.findall(r"^ *(?:\.venv/bin/)?scanner (.+)$", blocks, flags=re.MULTILINE)
    assert len(shown) > 5
    for line in shown:
        assert build_parser().parse_args(shlex.split(line)).command, line


def test_what_the_command_line_says_again_to_start_quickly_is_what_the_daemon_says():
    assert scan.PASS_FIELDS == specs.PASS_FIELDS
    assert set(sessions.STATES) == {*PassState, "incomplete"}
    assert following.ENDED == ENDED
    assert {directory.CURRENT, adopting.CURRENT} == {FORMAT}


def test_the_readme_lists_every_route():
    routes = [route for route in ROUTES if route.path.startswith("/api/")]
    expected = [
        (f"{route.method} {route.path}", route.role.name.lower(), route.summary.rstrip(".")) for route in routes
    ]
    written = "\n".join(f"| `{route}` | {role} | {text} |" for route, role, text in expected)
    assert readme_rows("## HTTP interface") == expected, f"the table is\n{written}"
