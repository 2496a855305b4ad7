"""Power cuts: a scenario is recorded once, then every state that a cut may leave is started on again."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from scanner.storage import Files, Host
from tests.crash.disk import Disk, Tree, identity
from tests.crash.plain import read_tree, write_tree
from tests.crash.record import Entry, Op, Recorder, Told
from tests.crash.scenario import Heard, Scenario, World, answers, check_whole
from tests.scanner.storage.support import Place, StepClock

LATER = datetime(2026, 11, 20, 5, 0, 0, tzinfo=UTC)  # when the power is back
OTHER_BOOT = replace(Host.current(), boot_id="after-the-power-cut", pid=1, process_start=1)

FEW = 20  # trees a moment from which the gate's are taken

State = Mapping[str, bytes] | None  # the databases as they lay there; None: the state directory is lost


@dataclass(frozen=True)
class Recorded:
    """A scenario and what it did. ``entries`` have the databases of their moment aside."""

    scenario: Scenario
    before: Tree
    entries: tuple[Entry, ...]
    after: Tree


@dataclass(frozen=True)
class Cut:
    """What is left after entry ``number``: a tree, the databases, and what had been told."""

    number: int
    last: Op | Told
    tree: Tree
    state: State
    heard: Heard

    def __str__(self) -> str:
        kept = "kept" if self.state is not None else "lost"
        return f"power cut after entry {self.number} ({self.last.__class__.__name__} {_brief(self.last)}), index {kept}"


def _brief(fact: Op | Told) -> str:
    return f"{fact.name} {fact.path} {fact.other}" if isinstance(fact, Op) else f"{fact.what}"


async def prepare(scenario: Scenario, root: Path) -> tuple[Place, Scenario]:
    """A place below ``root`` on which ``scenario`` can run."""
    place = Place(root)
    place.sessions.mkdir(parents=True)
    await scenario.prepare(place)
    return place, scenario


async def run(scenario: Scenario, place: Place) -> Recorder:
    """What ``scenario`` did, with the databases of every moment aside."""
    blobs: dict[bytes, bytes] = {}
    recorder = Recorder(place.data, lambda: _databases(place.state, blobs), exchanges=scenario.exchanges)
    async with place.storage(recorder, **scenario.options) as storage:
        await scenario.run(World(place, storage, recorder, recorder.tell))
    return recorder


async def record(scenario: Scenario, root: Path) -> Recorded:
    """Prepare and run ``scenario`` below ``root``."""
    place, _ = await prepare(scenario, root)
    before = read_tree(place.data)
    recorder = await run(scenario, place)
    return Recorded(scenario, before, tuple(recorder.entries), read_tree(place.data))


def _databases(state: Path, blobs: dict[bytes, bytes]) -> dict[str, bytes]:
    """The databases with their logs; equal ones are kept once."""
    found: dict[str, bytes] = {}
    for name in ("index.db", "index.db-wal", "jobs.db", "jobs.db-wal"):
        with suppress(FileNotFoundError):
            data = (state / name).read_bytes()
            found[name] = blobs.setdefault(data, data)
    return found


def disk_after(recorded: Recorded) -> Disk:
    """The model at the end of the record."""
    disk = Disk(recorded.before)
    for entry in recorded.entries:
        if isinstance(entry.fact, Op):
            disk.apply(entry.fact)
    return disk


def cuts(recorded: Recorded, most: int, chance: random.Random) -> Iterator[Cut]:
    """Every different thing that is left by a cut at any moment; at most ``most`` trees a moment. The index is kept and
    lost in turn, where nothing was told since; both ways where something was.
    """
    disk, heard = Disk(recorded.before), Heard()
    seen: set[object] = set()
    for number, entry in enumerate(recorded.entries, 1):
        if isinstance(entry.fact, Told):
            heard = Heard((*heard.facts, entry.fact))
        else:
            disk.apply(entry.fact)
        told = isinstance(entry.fact, Told)
        for tree in disk.left(most, chance):
            key = (identity(tree), len(heard.facts))
            if key in seen:
                continue
            seen.add(key)
            keep = len(seen) % 2 == 0
            for state in ({**entry.aside}, None) if told else ({**entry.aside} if keep else None,):  # type: ignore[dict-item] - databases
                yield Cut(number, entry.fact, tree, state, heard)


def chosen(recorded: Recorded, count: int, chance: random.Random) -> list[Cut]:
    """The best and the worst at every announcement, then ``count`` of the other cuts by chance."""
    telling: list[Cut] = []
    others: list[Cut] = []
    for number, group in itertools.groupby(cuts(recorded, FEW, chance), key=lambda cut: cut.number):
        left = list(group)
        told = isinstance(recorded.entries[number - 1].fact, Told)
        telling += left[:4] if told else []
        others += left[4:] if told else left
    picked = telling + chance.sample(others, min(len(others), count))
    return sorted(picked, key=lambda cut: cut.number)


def place_after(cut: Cut, root: Path) -> Place:
    """The real directories that ``cut`` left, below ``root``."""
    place = Place(root, StepClock(start=LATER))
    write_tree(cut.tree, place.data)
    write_databases(cut.state, place.state)
    return place


def write_databases(found: State, state: Path) -> None:
    """Put them into the state directory; none where it is lost."""
    if found is not None:
        state.mkdir()
        for name, data in found.items():
            (state / name).write_bytes(data)


async def start_again(cut: Cut, scenario: Scenario, root: Path) -> None:
    """Start twice on what ``cut`` left, with the same result; then do the rest of the scenario."""
    place = place_after(cut, root)
    files = Files() if scenario.exchanges else Recorder(place.data, exchanges=False)
    options = scenario.options | {"host": OTHER_BOOT, "files": files}
    results = []
    for _ in range(2):
        async with place.storage(**options) as storage:
            await storage.reconcile()
            await check_whole(World(place, storage, files), scenario, cut.heard, harmed=True)
            results.append((await answers(storage), identity(read_tree(place.data))))
    for question, answer in results[0][0].items():
        assert results[1][0].get(question) == answer, f"the second start answers otherwise: {question}"
    assert results[0][0].keys() == results[1][0].keys()
    assert results[0][1] == results[1][1], f"the second start changes files: {_difference(*results)}"
    async with place.storage(**options) as storage:
        world = World(place, storage, files)
        await scenario.finish(world, cut.heard)
        await storage.reconcile()
        await check_whole(world, scenario, cut.heard)


def _difference(first: tuple[object, tuple[object, ...]], second: tuple[object, tuple[object, ...]]) -> set[object]:
    return set(first[1]) ^ set(second[1])
