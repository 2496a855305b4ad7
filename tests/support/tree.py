"""The product's own source as syntax trees, for tests that look at how it is written."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PACKAGES = ("scanner", "web")


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its dotted name, its place below the top, its text and its tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    def within(self, *names: str) -> bool:
        """Whether this is one of the named modules or lies inside one of the named packages."""
        return any(self.name == name or self.name.startswith(f"{name}.") for name in names)

    def at(self, node: ast.AST) -> str:
        """``path:line`` of a node."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@functools.cache
def modules() -> tuple[Module, ...]:
    """Every module of the product."""
    return tuple(_read(path) for package in PACKAGES for path in sorted((TOP / package).rglob("*.py")))


def _read(path: Path) -> Module:
    relative = path.relative_to(TOP)
    parts = relative.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, relative, text, ast.parse(text))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a chain of names, else the empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return ""


def calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called (empty where that is no name)."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def docstrings(module: Module) -> frozenset[ast.AST]:
    """The constants that are docstrings."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.add(node.value)
    return frozenset(found)


def imported(module: Module) -> dict[str, str]:
    """What each imported name stands for: ``{"Camera": "scanner.hardware.api.Camera", "np": "numpy"}``."""
    names: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name): alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {(alias.asname or alias.name): f"{node.module}.{alias.name}" for alias in node.names}
    return names
