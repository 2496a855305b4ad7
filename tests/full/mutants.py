"""Take out one fsync, one rename, one lock check at a time: the tests of storage must notice every time.

``python -m tests.full.mutants`` tries all of them and prints those that nobody noticed.
"""

from __future__ import annotations

import ast
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.tree import TOP, Module, dotted, modules

NEEDED = {"fsync", "fsync_dir", "rename", "link"}  # of storage's Files: the promise of durability is made of these
CHECKED = {"_flock"}  # says whether a lock was got
LIMIT = 300  # seconds the tests of storage may take
SKIPPED = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", ".*_cache", "demo")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module: the text of a call, and what stands there instead."""

    path: Path
    line: int
    call: str
    text: str  # of the whole module, changed

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: without {self.call}"


def mutants() -> list[Mutant]:
    """Every mutant of storage, in the order of the source."""
    found = [mutant for module in modules() if module.within("scanner.storage") for mutant in _mutants(module)]
    assert found, "storage makes nothing durable?"
    return found


def _mutants(module: Module) -> Iterator[Mutant]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        receiver, _, name = dotted(node.func).rpartition(".")
        if name in NEEDED and receiver.rpartition(".")[2] in {"files", "_files"}:
            yield _without(module, node, "None")
        elif name in CHECKED and not receiver:
            yield _without(module, node, "True")


def _without(module: Module, node: ast.Call, instead: str) -> Mutant:
    lines = module.text.encode().splitlines(keepends=True)
    begin = sum(len(line) for line in lines[: node.lineno - 1]) + node.col_offset
    end = sum(len(line) for line in lines[: (node.end_lineno or 0) - 1]) + (node.end_col_offset or 0)
    text = module.text.encode()
    return Mutant(module.path, node.lineno, ast.unparse(node), (text[:begin] + instead.encode() + text[end:]).decode())


def survivors(chosen: Sequence[Mutant]) -> Iterator[Mutant]:
    """Those of ``chosen`` with which the tests of storage pass all the same."""
    with tempfile.TemporaryDirectory(prefix="scanner-mutants-") as directory:
        tree = Path(directory) / "tree"
        shutil.copytree(TOP, tree, ignore=SKIPPED)
        for mutant in chosen:
            place = tree / mutant.path
            whole = place.read_text(encoding="utf-8")
            place.write_text(mutant.text, encoding="utf-8")
            if passes(tree):
                yield mutant
            place.write_text(whole, encoding="utf-8")


def passes(tree: Path) -> bool:
    """Whether the tests of storage pass in ``tree``; hanging is failing."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/scanner/storage"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    try:
        done = subprocess.run(command, cwd=tree, env=environment, timeout=LIMIT, check=False, capture_output=True)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def sampled(count: int) -> list[Mutant]:
    """``count`` mutants, others for every state of the source: over time all of them have their turn."""
    everything = mutants()
    source = hashlib.sha256("".join(module.text for module in modules()).encode()).hexdigest()
    return random.Random(source).sample(everything, min(count, len(everything)))  # noqa: S311 - it only chooses


def main() -> int:
    """Try all of them; 0 if none survives."""
    everything = mutants()
    left = list(survivors(everything))
    print(f"{len(everything) - len(left)} of {len(everything)} mutants noticed")
    print("\n".join(map(str, left)))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
