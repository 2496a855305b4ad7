"""Take out one fsync, one rename, one link, one lock check at a time: the tests must notice every time.

First the power cuts and failing disks of ``tests/crash`` are asked, those scenarios in which the call is made; then
all tests of storage. ``python -m tests.full.mutants [PART OF A PATH ...]`` tries all of them (below these paths) and
says who noticed which.
"""

from __future__ import annotations

import ast
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from tests.crash.cuts import prepare
from tests.crash.record import Recorder
from tests.crash.scenario import World
from tests.crash.scenarios import SCENARIOS
from tests.support.sample import turn
from tests.support.tree import TOP, Module, dotted, modules

NEEDED = {"fsync", "fsync_dir", "rename", "link"}  # of storage's Files: the promise of durability is made of these
GROUND = {"fsync", "rename", "hardlink_to"}  # what Files itself calls for it
CHECKED = {"_flock", "take_flock"}  # say whether a lock was got
FENCES = {"check", "_check", "_confirm"}  # say whether a pass was lost
HOLDERS = {"lock", "_lock", "_held", "self"}  # whose fences they are
CUTS = "tests/crash/test_cuts.py::test_whatever_a_power_cut_leaves"
NTH = "tests/crash/test_nth.py::test_every_operation_fails_once"
AGAIN = ("tests/crash/test_again.py",)
RECORD = ("tests/crash/test_record.py",)
STORAGE = ("tests/scanner/storage",)
STORAGE_OF_FORMATS = ("tests/scanner/storage/test_legacy_cuts.py",)
QUICK = {"files.py", "journal.py", "sessions.py", "exports.py", "moves.py"}  # the harness notices within seconds
STATES = "150"  # after power cuts that are tried in each scenario
LIMIT = 600  # seconds that the tests may take
Call = tuple[str, int]  # a module and a line in it
SKIPPED = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", ".*_cache", "demo")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module: the text of a call, and what stands there instead."""

    path: Path
    line: int
    last: int  # line of its end
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
        ours = name in NEEDED and receiver.rpartition(".")[2] in {"files", "_files"}
        if ours or (name in GROUND and module.name == "scanner.storage.disk.files" and receiver != "files"):
            yield _without(module, node, "None")
        elif name in CHECKED and not receiver:
            yield _without(module, node, "True")
        elif name in FENCES and receiver.rpartition(".")[2] in HOLDERS:
            yield _without(module, node, "None")


def _without(module: Module, node: ast.Call, instead: str) -> Mutant:
    lines = module.text.encode().splitlines(keepends=True)
    begin = sum(len(line) for line in lines[: node.lineno - 1]) + node.col_offset
    end = sum(len(line) for line in lines[: (node.end_lineno or 0) - 1]) + (node.end_col_offset or 0)
    text = module.text.encode()
    changed = (text[:begin] + instead.encode() + text[end:]).decode()
    return Mutant(module.path, node.lineno, node.end_lineno or node.lineno, ast.unparse(node), changed)


def noticed(chosen: Sequence[Mutant]) -> Iterator[tuple[Mutant, str]]:
    """Who notices each of ``chosen``: ``harness``, else ``storage``, else nobody: an empty text."""
    with tempfile.TemporaryDirectory(prefix="scanner-mutants-") as directory:
        tree = Path(directory) / "tree"
        shutil.copytree(TOP, tree, ignore=SKIPPED)
        made = asyncio.run(calls_made(Path(directory)))
        for mutant in chosen:
            place = tree / mutant.path
            whole = place.read_text(encoding="utf-8")
            place.write_text(mutant.text, encoding="utf-8")
            yield mutant, next((by for by, tests in _asked(mutant, made) if fails(tree, tests)), "")
            place.write_text(whole, encoding="utf-8")


def _asked(mutant: Mutant, made: Mapping[str, AbstractSet[Call]]) -> Iterator[tuple[str, Sequence[str]]]:
    """Who is asked, one after the other."""
    lines = {(str(mutant.path), line) for line in range(mutant.line, mutant.last + 1)}
    names = sorted((name for name, calls in made.items() if calls & lines), key=lambda name: len(made[name]))
    if names:
        yield "harness", [f"{test}[{name}]" for test in (CUTS, NTH) for name in names]
    elif mutant.path.name == "files.py":
        yield "harness", RECORD
    else:
        yield "harness", AGAIN
    if mirrors := _mirrors(mutant):
        yield "storage", mirrors
    yield "storage", STORAGE


def _mirrors(mutant: Mutant) -> list[str]:
    """The tests that stand where the module stands: they should know it best."""
    place = TOP / "tests" / mutant.path.parent
    if mutant.path.parent.name == "formats":
        return [str(place.relative_to(TOP)), *STORAGE_OF_FORMATS]
    return sorted(str(path.relative_to(TOP)) for path in place.glob(f"test_{mutant.path.stem}*.py"))


class Witness(Recorder):
    """Notes from where its operations are called."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.calls: set[Call] = set()

    def _note(self) -> None:
        frame = sys._getframe(2)
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(TOP):
            self.calls.add((str(path.relative_to(TOP)), frame.f_lineno))


def _witnessed(operation: str) -> Callable[..., object]:
    def method(self: Witness, *args: object) -> object:
        self._note()
        return getattr(Recorder, operation)(self, *args)

    return method


for _operation in NEEDED:
    setattr(Witness, _operation, _witnessed(_operation))


async def calls_made(root: Path) -> dict[str, AbstractSet[Call]]:
    """Which of these calls every scenario makes."""
    made: dict[str, AbstractSet[Call]] = {}
    for kind in SCENARIOS:
        place, scenario = await prepare(kind(), root / kind.__name__)
        witness = Witness(place.data)
        async with place.storage(witness, **scenario.options) as storage:
            await scenario.run(World(place, storage, witness))
        made[kind.__name__] = witness.calls
    return made


def fails(tree: Path, tests: Sequence[str]) -> bool:
    """Whether these tests fail in ``tree``; hanging is failing."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "SCANNER_TESTS_"))}
    told = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree), "SCANNER_TESTS_STATES": STATES}
    try:
        done = subprocess.run(command, cwd=tree, env=kept | told, timeout=LIMIT, check=False, capture_output=True)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def sampled(count: int) -> list[Mutant]:
    """``count`` of those that are noticed quickly, others for every state of the source: over time all have their
    turn.
    """
    quick = [mutant for mutant in mutants() if mutant.path.name in QUICK]
    return turn("mutants").sample(quick, min(count, len(quick)))


def main(paths: Sequence[str]) -> int:
    """Try all of them, or those below ``paths``; 0 if none survives."""
    everything = [mutant for mutant in mutants() if not paths or any(path in str(mutant.path) for path in paths)]
    found: dict[str, list[Mutant]] = {"harness": [], "storage": [], "": []}
    for mutant, by in noticed(everything):
        found[by].append(mutant)
        print(f"{by or 'NOBODY':8} {mutant}", flush=True)
    print(
        f"{len(everything)} mutants: {len(found['harness'])} noticed by the harness, {len(found['storage'])} by others"
    )
    return 1 if found[""] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
