"""What may lie on a disk after the power went: the model. Pure: nothing here touches a real disk.

A directory tree, and what is done to it, in two parts: what is durable, and what is still loose.

- **Names.** Every operation on names (a file made, ``mkdir``, ``rename``, ``exchange``, ``link``, ``unlink``,
  ``rmdir``) is one change, kept wholly or lost wholly. It is durable once every directory whose names it changes was
  fsynced after it. Loose changes may be kept or lost in any combination; only those that touch the same name in the
  same directory keep their order: a later one is never there without the earlier ones.
- **Content.** What was written to a file is durable once that file was fsynced after it. Before, any of these may be
  there: nothing of it; some of the writes, in order; the last one cut at any length; the right length, with blocks of
  zeros. It is independent of the file's names: a name may be there without the content, and the other way round.
  Overwriting a few bytes that were there already happens or does not.
- **Times.** A file's time of change comes and goes with its content.

That is what POSIX promises and no more; it is harsher than any one file system of today.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.crash.record import MADE, Op

BLOCK = 512  # bytes that a disk writes in one step
ROOT = 0  # the node of the directory itself
Name = tuple[int, str]  # a directory's node, and a name in it


@dataclass(frozen=True, slots=True)
class Content:
    """Of a file: its bytes and the time of its last change, ns."""

    data: bytes = b""
    mtime: int = 0


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file in a tree; two names of one file have the same node."""

    node: int
    content: Content


Tree = Mapping[str, Leaf | None]  # everything below the root, sorted, by name; None: a directory


@dataclass(frozen=True, slots=True)
class Edit:
    """A write, or (data None) a cut to ``offset`` bytes."""

    offset: int
    data: bytes | None
    mtime: int

    def on(self, content: Content) -> Content:
        """The file after it."""
        old = content.data
        if self.data is None:
            return Content(old[: self.offset].ljust(self.offset, b"\0"), self.mtime)
        head = old[: self.offset].ljust(self.offset, b"\0")
        return Content(head + self.data + old[self.offset + len(self.data) :], self.mtime)


@dataclass(slots=True)
class File:
    """What is durable of a file, and what was done to it since."""

    durable: Content = Content()
    edits: list[Edit] = field(default_factory=list)

    def now(self) -> Content:
        """As a reader sees it before the power goes."""
        content = self.durable
        for edit in self.edits:
            content = edit.on(content)
        return content

    def contents(self) -> list[Content]:
        """What may be there afterwards: whole first, then what is durable, then everything between."""
        if not self.edits:
            return [self.durable]
        steps = [self.durable]
        for edit in self.edits:
            steps.append(edit.on(steps[-1]))
        *before, whole = steps
        return list(dict.fromkeys((whole, *before, *_torn(before[-1], self.edits[-1], whole))))


def _torn(before: Content, edit: Edit, whole: Content) -> Iterator[Content]:
    """The last write in part, or as zeros; one that only overwrites is not torn."""
    if edit.data is None or edit.offset + len(edit.data) <= len(before.data):
        return
    length = len(edit.data)
    for cut in (1, length // 2, length - 1, length // BLOCK * BLOCK):
        if 0 < cut < length:
            yield Edit(edit.offset, edit.data[:cut], edit.mtime).on(before)
    yield Content(before.data.ljust(len(whole.data), b"\0"), edit.mtime)
    for block in range(0, length, BLOCK)[:2]:
        zeros = edit.data[:block] + bytes(len(edit.data[block : block + BLOCK])) + edit.data[block + BLOCK :]
        yield Edit(edit.offset, zeros, edit.mtime).on(before)


@dataclass(slots=True, eq=False)
class Change:
    """Of names, in one step. ``awaits``: directories that were not fsynced since."""

    names: dict[Name, int | None]
    awaits: set[int]

    def rests_on(self, earlier: Change) -> bool:
        """Whether it cannot be there without ``earlier``."""
        return not self.names.keys().isdisjoint(earlier.names)


Directories = dict[int, dict[str, int]]


class Disk:
    """A directory as it goes through a record."""

    def __init__(self, tree: Tree, *, loose: bool = False) -> None:
        """Everything in ``tree`` is durable; ``loose``: its names are, but no content of a file was ever fsynced."""
        self._files: dict[int, File] = {}
        self._durable: Directories = {ROOT: {}}
        self._now: Directories = {ROOT: {}}
        self._loose: list[Change] = []
        self._opened: dict[int, int] = {}
        self._nodes = itertools.count(1 + max((leaf.node for leaf in tree.values() if leaf), default=ROOT))
        for path, leaf in sorted(tree.items()):
            parent, name = self._entry(path)
            node = next(self._nodes) if leaf is None else leaf.node
            self._durable[parent][name] = self._now[parent][name] = node
            if leaf is None:
                self._durable[node], self._now[node] = {}, {}
            else:
                edits = [Edit(0, leaf.content.data, leaf.content.mtime)] if loose else []
                self._files[node] = File(Content() if loose else leaf.content, edits)

    def apply(self, op: Op) -> None:
        """Go one operation further."""
        if op.name in ("write", "pwrite"):
            self._file(op).edits.append(Edit(op.offset, op.data, op.mtime))
        elif op.name == "truncate":
            self._file(op).edits.append(Edit(op.offset, None, op.mtime))
        elif op.name == "fsync":
            file = self._file(op)
            self._files[self._opened[op.file]] = File(file.now())
        elif op.name == "fsync_dir":
            self._settle(self._node(op.path))
        elif op.name == "open":
            self._opened[op.file] = self._node(op.path)
        else:
            self._rename(op)

    def whole(self) -> Tree:
        """As it is while the power is on."""
        return self._tree(self._loose, {})

    def worst(self) -> Tree:
        """Only what is durable."""
        return self._tree((), {node: file.durable for node, file in self._files.items()})

    def left(self, most: int, chance: random.Random) -> Iterator[Tree]:
        """What a power cut may leave now, at most ``most`` trees: all there are, or the telling ones and then others by
        chance: everything, nothing, all but one, only one, one after the other, each file in each way.
        """
        every = _different(itertools.chain(self._telling(), self._others(most, chance)))
        return itertools.islice(every, most)

    def _telling(self) -> Iterator[Tree]:
        yield self.whole()
        yield self.worst()
        loose = self._loose
        chosen = [loose[:end] for end in range(len(loose))]
        chosen += [self._without(lost) for lost in loose]
        chosen += [self._only(kept) for kept in loose]
        for changes in chosen:
            yield self._tree(changes, {})
            yield self._tree(changes, {node: file.durable for node, file in self._files.items()})
        for node, file in self._files.items():
            for content in file.contents():
                yield self._tree(loose, {node: content})

    def _others(self, most: int, chance: random.Random) -> Iterator[Tree]:
        """Every combination, or so many by chance."""
        ways = {node: file.contents() for node, file in self._files.items() if file.edits}
        number = 2 ** len(self._loose)
        for contents in ways.values():
            number *= len(contents)
        if number <= most:
            every = itertools.product(*([True, False] for _ in self._loose), *ways.values())
            combinations: Iterable[Sequence[object]] = every
        else:
            combinations = (
                [chance.random() < 0.5 for _ in self._loose] + [chance.choice(contents) for contents in ways.values()]
                for _ in range(most)
            )
        for combination in combinations:
            wanted = [change for change, kept in zip(self._loose, combination, strict=False) if kept]
            yield self._tree(
                self._closed(wanted),
                dict(zip(ways, combination[len(self._loose) :], strict=True)),  # type: ignore[arg-type] - contents
            )

    def _without(self, lost: Change) -> list[Change]:
        """All but this one and what rests on it."""
        gone = [lost]
        for change in self._loose[self._loose.index(lost) + 1 :]:
            if any(change.rests_on(other) for other in gone):
                gone.append(change)
        return [change for change in self._loose if change not in gone]

    def _only(self, kept: Change) -> list[Change]:
        """This one and what it rests on."""
        needed = [kept]
        for change in reversed(self._loose[: self._loose.index(kept)]):
            if any(other.rests_on(change) for other in needed):
                needed.append(change)
        return [change for change in self._loose if change in needed]

    def _closed(self, wanted: Sequence[Change]) -> list[Change]:
        """Those that do not rest on one that is lost."""
        kept: list[Change] = []
        for change in self._loose:
            whole = all(other in kept for other in self._before(change) if change.rests_on(other))
            if change in wanted and whole:
                kept.append(change)
        return kept

    def _before(self, change: Change) -> list[Change]:
        return self._loose[: self._loose.index(change)]

    def _rename(self, op: Op) -> None:
        """Any operation on names."""
        entry = self._entry(op.path)
        names: dict[Name, int | None]
        if op.name in (MADE, "mkdir"):
            node = next(self._nodes)
            names = {entry: node}
            if op.name == "mkdir":
                self._durable[node], self._now[node] = {}, {}
            else:
                self._files[node] = File(Content(b"", op.mtime))
                self._opened[op.file] = node
        elif op.name in ("unlink", "rmdir"):
            names = {entry: None}
        else:
            other, node = self._entry(op.other), self._node(op.path)
            left = {"rename": None, "exchange": self._now[other[0]].get(other[1]), "link": node}[op.name]
            names = {entry: left, other: node} if op.name != "link" else {other: node}
        self._take(Change(names, {directory for directory, _ in names}))

    def _take(self, change: Change) -> None:
        _apply(change, self._now)
        self._loose.append(change)

    def _settle(self, directory: int) -> None:
        """The names in ``directory`` are durable."""
        for change in self._loose:
            change.awaits.discard(directory)
        for change in [change for change in self._loose if not change.awaits]:
            if change in self._loose:
                for done in self._only(change):
                    _apply(done, self._durable)
                    self._loose.remove(done)

    def _file(self, op: Op) -> File:
        return self._files[self._opened[op.file]]

    def _entry(self, path: str) -> Name:
        *directories, name = path.split("/")
        node = ROOT
        for directory in directories:
            node = self._now[node][directory]
        return node, name

    def _node(self, path: str) -> int:
        if path == ".":
            return ROOT
        directory, name = self._entry(path)
        return self._now[directory][name]

    def _tree(self, changes: Iterable[Change], contents: Mapping[int, Content]) -> Tree:
        """The tree with these loose changes; files that ``contents`` does not name are whole."""
        directories = {node: dict(names) for node, names in self._durable.items()}
        for change in changes:
            _apply(change, directories)
        tree: dict[str, Leaf | None] = {}
        todo = [("", ROOT)]
        while todo:
            above, directory = todo.pop()
            for name, node in directories[directory].items():
                path = above + name
                if node in directories:
                    tree[path] = None
                    todo.append((f"{path}/", node))
                else:
                    tree[path] = Leaf(node, contents[node] if node in contents else self._files[node].now())
        return dict(sorted(tree.items()))


def _apply(change: Change, directories: Directories) -> None:
    for (directory, name), node in change.names.items():
        if node is None:
            directories[directory].pop(name, None)
        else:
            directories[directory][name] = node


def identity(tree: Tree) -> tuple[object, ...]:
    """Equal for trees that nobody can tell apart by their content."""
    return tuple((path, None if leaf is None else leaf.content.data) for path, leaf in tree.items())


def _different(trees: Iterable[Tree]) -> Iterator[Tree]:
    seen = set()
    for tree in trees:
        if (key := identity(tree)) not in seen:
            seen.add(key)
            yield tree
