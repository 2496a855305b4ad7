"""Take out one fsync, one rename, one link, one lock check at a time: the tests must notice every time.

First ``tests/crash`` is asked, those scenarios in which the call is made, or a start after them; then the tests of
storage. That a call makes something durable must be noticed by ``tests/crash``, but for those of :data:`ELSEWHERE`.

A test has noticed when it fails, and passes on the unchanged source in half the time it may take: neither a test that
fails anyway nor a slow machine counts. ``python -m tests.full.mutants [PART OF A PATH[:LINE] ...]`` tries all of them
(below these paths) and says who noticed which.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.full.callers import Callers, Place
from tests.support.sample import turn
from tests.support.tree import TOP, Module, dotted, modules

NEEDED = {"fsync", "fsync_dir", "rename", "exchange", "link"}  # of storage's Files: durability is made of these
GROUND = {"fsync": "None", "rename": "None", "hardlink_to": "None", "renameat2": "0"}  # what Files calls; what instead
CHECKED = {"_flock", "take_flock"}  # say whether a lock was got
FENCES = {"check", "_check", "_confirm"}  # say whether a pass was lost
HOLDERS = {"lock", "_lock", "_held", "self"}  # whose fences they are
CUTS = "tests/crash/test_cuts.py::test_whatever_a_power_cut_leaves"
AGAIN = "tests/crash/test_again.py::test_the_power_goes_again_during_the_start"
RECORD = ("tests/crash/test_record.py",)
UNSTARTED = {"formats": "tests/crash/test_older.py", "locks": "tests/crash/test_forcing.py"}  # by package
STORAGE = "tests/scanner/storage"
FORMATS = "formats"
STORAGE_OF_FORMATS = [f"{STORAGE}/{FORMATS}", f"{STORAGE}/test_legacy_cuts.py"]
STORAGE_OF_LOCKS = [f"{STORAGE}/test_{name}.py" for name in ("locks", "fences", "fencing", "claims")]
QUICK = {"files.py", "sessions.py", "exports.py", "moves.py"}  # the harness notices within seconds
STATES = "150"  # after power cuts that are tried in each scenario
LIMIT: Final = 240.0  # seconds that one test may take: ``tests/conftest.py`` fails it then
HARNESS, STORAGES, NOBODY = "harness", "storage", ""

ELSEWHERE: Final[Mapping[str, str]] = {
    "scanner/storage/disk/database.py: rename_broken: files.rename(source, target)": (
        "of a database, whose directory is not recorded: SQLite writes there by itself"
    ),
    "scanner/storage/disk/database.py: rename_broken: files.fsync_dir(path.parent)": "as above",
    "scanner/storage/disk/share.py: _link: files.link(first, second)": (
        "a question to the disk, whether it can; nothing rests on its lasting"
    ),
    "scanner/storage/locks/passlock.py: beat: self._files.fsync(self._descriptor)": (
        "it tells the server of a share, not its disk: after a power cut there is no holder"
    ),
    "scanner/storage/locks/passlock.py: _renamed_over: self._files.fsync_dir(path.parent)": (
        "on a local disk no holder outlives the power, and the record before this one is of the same generation:"
        " lost is only who it was"
    ),
}  # what only the tests of storage can notice, and why

SKIPPED = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", ".*_cache", "demo")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module: the text of a call, and what stands there instead. ``durable``: whether the call makes
    something durable or puts it in place; else it asks whether a lock was got or lost.
    """

    path: Path
    line: int
    last: int  # line of its end
    function: str
    call: str
    text: str  # of the whole module, changed
    durable: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.function} without {self.call}"

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.path.as_posix(), range(self.line, self.last + 1)

    @property
    def key(self) -> str:
        """What it is called among the :data:`ELSEWHERE`: no line, which changes."""
        return f"{self.path.as_posix()}: {self.function}: {self.call}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who noticed a mutant, by which test."""

    mutant: Mutant
    by: str = NOBODY
    test: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was noticed by those who must."""
        if not self.mutant.durable:
            return self.by != NOBODY
        return self.by == (STORAGES if self.mutant.key in ELSEWHERE else HARNESS)

    def __str__(self) -> str:
        return f"{'' if self.holds else 'BUT '}{self.by or 'nobody'}: {self.mutant}  {self.test}"


def mutants() -> list[Mutant]:
    """Every mutant of storage, in the order of the source."""
    found = [mutant for module in modules() if module.within("scanner.storage") for mutant in _mutants(module)]
    assert found, "storage makes nothing durable?"
    return found


def _mutants(module: Module) -> Iterator[Mutant]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        receiver, name = _called(node.func)
        ours = name in NEEDED and receiver.rpartition(".")[2] in {"files", "_files"}
        if ours or (name in GROUND and module.name == "scanner.storage.disk.files" and receiver != "files"):
            yield _without(module, node, GROUND.get(name, "None"), durable=True)
        elif name in CHECKED and not receiver:
            yield _without(module, node, "True", durable=False)
        elif name in FENCES and receiver.rpartition(".")[2] in HOLDERS:
            yield _without(module, node, "None", durable=False)


def _called(function: ast.expr) -> tuple[str, str]:
    """Of whom, as far as that has a name, and what."""
    if isinstance(function, ast.Attribute):
        return dotted(function.value), function.attr
    return "", dotted(function)


def _without(module: Module, node: ast.Call, instead: str, *, durable: bool) -> Mutant:
    lines = module.text.encode().splitlines(keepends=True)
    begin = sum(len(line) for line in lines[: node.lineno - 1]) + node.col_offset
    end = sum(len(line) for line in lines[: (node.end_lineno or 0) - 1]) + (node.end_col_offset or 0)
    text = module.text.encode()
    changed = (text[:begin] + instead.encode() + text[end:]).decode()
    return Mutant(
        path=module.path,
        line=node.lineno,
        last=node.end_lineno or node.lineno,
        function=_function(module, node.lineno),
        call=ast.unparse(node),
        text=changed,
        durable=durable,
    )


def _function(module: Module, line: int) -> str:
    """The innermost function around a line."""
    around = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno).name


def noticed(chosen: Sequence[Mutant], *, sound: bool = False) -> Iterator[Verdict]:
    """Who notices each of ``chosen``. ``sound``: the tests are known to pass on the unchanged source."""
    with tempfile.TemporaryDirectory(prefix="scanner-mutants-") as directory:
        copy = Copy(Path(directory) / "tree", limit=None if sound else LIMIT)
        callers = Callers(NEEDED, Path(directory))
        for mutant in chosen:
            yield next(
                (
                    Verdict(mutant, by, test)
                    for by, tests in _asked(mutant, callers)
                    if (test := copy.notices(mutant, tests))
                ),
                Verdict(mutant),
            )


def _asked(mutant: Mutant, callers: Callers) -> Iterator[tuple[str, Sequence[str]]]:
    """Who is asked, one after the other."""
    if mutant.key not in ELSEWHERE:
        yield from ((HARNESS, tests) for tests in _asked_first(mutant, callers))
    if mirrors := _mirrors(mutant):
        yield STORAGES, mirrors
    yield STORAGES, [STORAGE]


def _asked_first(mutant: Mutant, callers: Callers) -> Iterator[Sequence[str]]:
    if (unstarted := UNSTARTED.get(mutant.path.parent.name)) is not None:
        yield [unstarted]
    if names := callers.running(mutant.place):
        yield [f"{CUTS}[{name}]" for name in names]
    if mutant.path.name == "files.py":
        yield RECORD
    if starting := callers.starting(mutant.place):
        yield [f"{AGAIN}[{name}]" for name in starting]


def _mirrors(mutant: Mutant) -> Sequence[str]:
    """The tests that should know the module best."""
    if mutant.path.parent.name == FORMATS:
        return STORAGE_OF_FORMATS
    named = sorted((TOP / STORAGE).glob(f"test_{mutant.path.stem}*.py"))
    return [*(str(path.relative_to(TOP)) for path in named), *([] if mutant.durable else STORAGE_OF_LOCKS)]


class Copy:
    """A copy of the source, in which one mutant at a time lives. ``limit``: seconds that a test may take; None: no test
    is asked whether it passes without the mutant.
    """

    def __init__(self, root: Path, top: Path = TOP, limit: float | None = LIMIT) -> None:
        shutil.copytree(top, root, ignore=SKIPPED)
        self._root = root
        self._limit = limit
        self._sound: dict[str, bool] = {}

    def notices(self, mutant: Mutant, tests: Sequence[str]) -> str:
        """The first of these tests that fails because of the mutant; empty where none does."""
        place = self._root / mutant.path
        whole = place.read_text(encoding="utf-8")
        place.write_text(mutant.text, encoding="utf-8")
        failed = self._first_failure(tests)
        place.write_text(whole, encoding="utf-8")
        return failed if failed and self._is_sound(failed) else ""

    def _is_sound(self, test: str) -> bool:
        """Whether the test passes where nothing is changed, in half the time after which it fails."""
        if self._limit is None:
            return True
        if test not in self._sound:
            try:
                self._sound[test] = self._run([test], self._limit / 2).returncode == 0
            except subprocess.TimeoutExpired:
                self._sound[test] = False
        return self._sound[test]

    def _first_failure(self, tests: Sequence[str]) -> str:
        done = self._run(tests, None)
        if done.returncode == 0:
            return ""
        failed = _FAILED.search(done.stdout)
        if done.returncode != 1 or failed is None:
            message = f"pytest could not ask {tests}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise RuntimeError(message)
        return failed[1]

    def _run(self, tests: Sequence[str], limit: float | None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("COVERAGE_", "SCANNER_TESTS_"))}
        told = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self._root), "COLUMNS": "1000"}
        environment = kept | told | {"SCANNER_TESTS_STATES": STATES}
        return subprocess.run(
            command, cwd=self._root, env=environment, timeout=limit, check=False, capture_output=True, text=True
        )


def sampled(count: int) -> list[Mutant]:
    """``count`` of those that are noticed quickly, others for every state of the source: over time all have their
    turn.
    """
    quick = [mutant for mutant in mutants() if mutant.path.name in QUICK]
    return turn("mutants").sample(quick, min(count, len(quick)))


def summary(found: Sequence[Verdict]) -> str:
    """How many were noticed by whom."""
    counted = {by: sum(verdict.by == by for verdict in found) for by in (HARNESS, STORAGES)}
    return f"{len(found)} mutants: {counted[HARNESS]} noticed by the harness, {counted[STORAGES]} by storage's tests"


def main(parts: Sequence[str]) -> int:
    """Try all of them, or those at these places; 0 if each was noticed by those who must."""
    found: list[Verdict] = []
    chosen = [one for one in mutants() if not parts or any(part in f"{one.path}:{one.line}:" for part in parts)]
    begin = time.monotonic()
    for verdict in noticed(chosen):
        found.append(verdict)
        print(f"{time.monotonic() - begin:6.0f} s  {verdict}", flush=True)
    print(summary(found))
    return 0 if all(verdict.holds for verdict in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
