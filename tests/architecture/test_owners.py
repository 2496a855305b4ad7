"""One owner: nobody but storage touches session directories, nobody but the job queue makes sessions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.tree import Module, calls, docstrings, dotted, imported, modules

SESSION_PATH = re.compile(r"(?<!/api/)\bsessions/")
PAGE_ROUTE = "/sessions/"  # where the page shows a session; in the web package this is an address, not a directory
JOINERS = {"Path", "PurePath", "PurePosixPath", "join"}


def test_there_is_a_product_to_look_at():
    assert len(modules()) > 20
    assert any(module.name == "scanner.app" for module in modules())


def test_the_storage_manager_is_constructed_in_app_alone():
    found = [
        module.at(node)
        for module in modules()
        if not module.within("scanner.app")
        for name, node in calls(module)
        if name.endswith(("StorageManager", "StorageManager.open"))
    ]
    assert found == []


def test_the_storage_manager_is_constructed_once():
    found = [
        module.at(node)
        for module in modules()
        for name, node in calls(module)
        if name.endswith(("StorageManager", "StorageManager.open"))
    ]
    assert len(found) == 1


@pytest.mark.parametrize(
    ("method", "allowed"),
    [("create_session", ("scanner.jobs",)), ("add_pass", ("scanner.jobs",)), ("open_pass", ("scanner.jobs",))],
)
def test_sessions_and_passes_come_into_being_in_the_job_queue_alone(method, allowed):
    found = [
        module.at(node)
        for module in modules()
        if not module.within("scanner.storage", *allowed)
        for name, node in calls(module)
        if name.rpartition(".")[2] == method
    ]
    assert found == []


def test_paths_below_sessions_are_written_down_in_storage_alone():
    found = [f"{where}: {text!r}" for module in modules() for where, text in session_paths(module)]
    assert found == []


def session_paths(module: Module) -> Iterator[tuple[str, str]]:
    """Strings outside storage that name the sessions directory as a path."""
    if module.within("scanner.storage"):
        return
    documentation = docstrings(module)
    for node in ast.walk(module.tree):
        written = node.value if isinstance(node, ast.Constant) and node not in documentation else None
        if isinstance(written, str) and SESSION_PATH.search(written) and not is_address(module, written):
            yield module.at(node), written
        yield from ((module.at(node), text) for text in joined(node) if text == "sessions")


def is_address(module: Module, text: str) -> bool:
    """Whether a string is a route of the page."""
    return module.within("web") and text.startswith(PAGE_ROUTE)


def joined(node: ast.AST) -> Iterator[str]:
    """Strings joined to a path by ``/`` or by one of ``JOINERS``."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in JOINERS | {"joinpath"}:
        parts = node.args
    yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


@pytest.mark.parametrize(
    "text",
    [
        "a = data / 'sessions' / name",
        "a = data.joinpath('sessions')",
        "a = Path(data, 'sessions')",
        "a = os.path.join(data, 'sessions')",
        "a = f'{data}/sessions/{name}'",
        "a = 'sessions/.new-1'",
    ],
)
def test_the_search_for_session_paths_finds(text):
    module = Module("scanner.jobs", modules()[0].path, text, ast.parse(text))
    assert list(session_paths(module))


@pytest.mark.parametrize(
    "text", ["a = '/api/sessions/{id}'", "a = {'sessions': 1}", "a = f'/api/sessions/{name}/photos'", "'''sessions/'''"]
)
def test_the_search_for_session_paths_lets_pass(text):
    module = Module("scanner.jobs", modules()[0].path, text, ast.parse(text))
    assert not list(session_paths(module))


def test_nobody_above_the_drivers_asks_which_driver_it_has():
    found = [
        f"{module.at(node)}: {name}"
        for module in modules()
        if not module.within("scanner.hardware")
        for node in ast.walk(module.tree)
        for name in asked_types(node)
        if imported(module).get(name.partition(".")[0], "").startswith("scanner.hardware")
    ]
    assert found == []


def asked_types(node: ast.AST) -> Iterator[str]:
    """Dotted names of types that ``isinstance``, ``issubclass`` or a class pattern asks for."""
    if isinstance(node, ast.Call) and dotted(node.func) in {"isinstance", "issubclass"} and len(node.args) == 2:
        yield from filter(None, (dotted(part) for part in ast.walk(node.args[1])))
    elif isinstance(node, ast.MatchClass):
        yield dotted(node.cls)


def test_the_engine_does_not_ask_whether_a_device_can_do_something():
    found = [
        module.at(node)
        for module in modules()
        if module.within("scanner.engine", "scanner.jobs", "scanner.rig")
        for name, node in calls(module)
        if name in {"hasattr", "getattr"}
    ]
    assert found == []
